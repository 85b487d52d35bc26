import type { JwsAlg } from '@holdfast/protocol'
import { encryptJws } from '@holdfast/protocol/jose/encrypt.ts'
import type { EncryptedResponse } from '@holdfast/protocol/specs/rfc7516-jwe/rules.ts'
import { Fault, type Ports } from '../ports.ts'
import type { Client } from '../snapshot/snapshot.ts'
import { encryptionKeyFor } from './client-auth/client-keys.ts'

/** A JWT for a client: what kind of answer it is says whether it is encrypted. Logout tokens count as ID tokens. */
export interface ClientJwt {
  readonly response: EncryptedResponse
  readonly alg: JwsAlg
  readonly typ: string
  readonly claims: Readonly<Record<string, unknown>>
  /** Also names the issuer in the header of the encrypted form. */
  readonly namesIssuer?: boolean
}

/**
 * The one way a JWT that a client reads is made: signed and, where the client registered so, encrypted then. Nobody who
 * signs can forget to encrypt, on an error path neither.
 * @throws Fault `client-keys.encryption` when the client has no usable key any more: never the plain one instead
 */
export async function signForClient(
  { response, alg, typ, claims, namesIssuer = false }: ClientJwt,
  client: Client,
  issuer: string,
  ports: Ports,
): Promise<string> {
  const jws = await ports.keys.sign(issuer, alg, typ, claims)
  const encryption = client.encryptedResponses[response]
  if (encryption === undefined) return jws
  const key = await encryptionKeyFor(client, encryption.alg, ports)
  if (key === undefined)
    throw new Fault('client-keys.encryption', {
      detail: `client \`${client.clientId}\` has no key for \`${encryption.alg}\``,
    })
  return await encryptJws(jws, key, namesIssuer ? { ...encryption, iss: issuer } : encryption)
}
