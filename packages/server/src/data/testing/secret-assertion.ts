import { createHmac } from 'node:crypto'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { secretPlace, secretPurpose } from '../../snapshot/new-secret.ts'
import type { Client, ClientSecret } from '../../snapshot/snapshot.ts'
import { type ClientSpec, clientOf, secretOf } from './clients.ts'
import { type AssertionFields, issuerUrl, sealing, type World } from './world.ts'

/** As long as those that are made for clients that sign with them. */
export const signingSecret = `cs_${'s'.repeat(86)}`

/** A client that signs with its secret, under the plain profile. */
export function secretJwtClient(spec: Partial<ClientSpec> = {}): Client {
  const { clientId = 'c_hmac' } = spec
  return clientOf({
    clientId,
    ownProfile: oidcBaseline,
    tokenEndpointAuthMethod: 'client_secret_jwt',
    dpopBoundAccessTokens: false,
    jwks: undefined,
    secrets: [sealedSecretOf(clientId, 'new', signingSecret)],
    ...spec,
  })
}

/** A secret of this client as the snapshot keeps it when it must be read again. */
export function sealedSecretOf(
  clientId: string,
  id: string,
  secret: string,
  expiresAt?: number,
): ClientSecret {
  const place = secretPlace(clientId, id)
  const sealed = sealing.seal(issuerUrl, secretPurpose, place, Buffer.from(secret))
  return { ...secretOf(id, secret, expiresAt), sealed }
}

export interface SecretAssertionOptions {
  readonly secret?: string | Buffer
  readonly alg?: string
  /** With which the MAC is made, whatever the header says. */
  readonly hash?: string
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

const hashes: Readonly<Record<string, string>> = { HS384: 'sha384', HS512: 'sha512' }

/** A fresh, good assertion with a MAC, spoiled as asked. */
export function secretAssertion(
  world: World,
  clientId = 'c_hmac',
  options: SecretAssertionOptions = {},
): AssertionFields {
  const { secret = signingSecret, alg = 'HS256', claims = {}, header = {} } = options
  const { hash = hashes[alg] ?? 'sha256' } = options
  const good = world.assertion(clientId, { claims, header: { alg, kid: undefined, ...header } })
  const input = good.client_assertion.split('.').slice(0, 2).join('.')
  const mac = createHmac(hash, secret).update(input).digest('base64url')
  return { ...good, client_assertion: `${input}.${mac}` }
}
