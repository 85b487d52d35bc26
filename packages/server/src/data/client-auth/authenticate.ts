import {
  accept,
  type ClientAuthenticationMethod,
  firstRefusal,
  type Outcome,
  type Refusal,
  refuse,
  type SecurityProfile,
} from '@holdfast/protocol'
import { onboardedClientRules } from '@holdfast/protocol/specs/holdfast-onboarding/standing-rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import type { ServerProof } from '../dpop/proof-at-server.ts'
import { verifyNothing } from './decoy.ts'
import type { Proven } from './method.ts'
import { authenticationMethods } from './methods/index.ts'
import { type Credential, presentedCredential } from './presented.ts'
import { matchNothing } from './secret.ts'

/** A client that proved who it is; only `authenticateClient` makes one. */
export interface AuthenticatedClient {
  readonly client: Client
  /** `meet` of the issuer's floor and the client's own profile. */
  readonly profile: SecurityProfile
  readonly method: ClientAuthenticationMethod
  /** For the audit record: method and key id or certificate thumbprint, never the credential (CA-09). */
  readonly evidence: AuditRecord['facts']
  /** What it proved itself by, where that is its own. */
  readonly credentialId: string | undefined
  /** Go first into the commit of the room, or into that of its refusal. */
  readonly writes: readonly Write[]
  /** Of the instance key of a client attestation. */
  readonly instanceJkt: string | undefined
  /** A DPoP proof that was judged with the client; its writes stand in `writes`. */
  readonly proof: ServerProof | undefined
}

/** One engine for every back-channel endpoint (RFC 6749 section 2.3, RFC 7523, RFC 8705). */
export async function authenticateClient(
  exchange: Exchange,
  form: Form,
  ports: Ports,
): Promise<Outcome<AuthenticatedClient>> {
  const presented = presentedCredential(exchange, form)
  if (!presented.ok) return presented
  const { credential, clientId } = presented.value

  const client = exchange.issuer.clients.get(clientId)
  if (client === undefined) {
    // As much work as for a client that exists: time tells no more than the answer does (CA-03).
    proveNothing(credential)
    return refuse(
      'client-auth.unknown',
      ['RFC6749-5.2', 'SPIFFE-CLIENT-AUTH-3.1-5'],
      'invalid_client',
      'no such client',
      { client_id: clientId.slice(0, 128) },
    )
  }
  const misfit = judgeMethod(client, credential)
  if (misfit !== undefined) {
    proveNothing(credential)
    return misfit
  }
  const { tokenEndpointAuthMethod: method, profile } = client
  const slot = authenticationMethods.get(method)
  if (slot === undefined) throw new TypeError(`no slot for \`${method}\``)
  // A step of its own, so that requests that came together verify one after the other (`http/gathering.ts`).
  await undefined
  const proving = slot.prove({ exchange, ports, client, credential })
  const proven: Outcome<Proven> = proving instanceof Promise ? await proving : proving
  if (!proven.ok) return withClient(proven, client)
  const withheld = firstRefusal(onboardedClientRules, { withheld: client.withheld?.reason })
  if (withheld !== undefined) return withClient(withheld, client)
  if (client.status !== 'active')
    return withClient(
      refuse('client-auth.suspended', ['RFC6749-5.2'], 'invalid_client', 'the client is suspended'),
      client,
    )
  const { facts, credentialId, writes, instanceJkt, proof } = proven.value
  const evidence = { auth_method: method, ...facts }
  return accept({ client, profile, method, evidence, credentialId, writes, instanceJkt, proof })
}

/** Takes as long as looking at this credential for a client that has one. */
function proveNothing(credential: Credential): void {
  if (credential.kind === 'assertion') verifyNothing(credential.assertion)
  if (credential.kind === 'svid') verifyNothing(credential.svid)
  if ('attestation' in credential) verifyNothing(credential.attestation)
  if (credential.kind === 'basic' || credential.kind === 'post') matchNothing(credential.secret)
}

/** The audit record of a failure names the client it was tried for. */
function withClient(refusal: Refusal, client: Client): Refusal {
  return { ...refusal, facts: { ...refusal.facts, client_id: client.clientId } }
}

/** What each method is presented by. */
const presentedBy: Readonly<Record<ClientAuthenticationMethod, Credential['kind']>> = {
  private_key_jwt: 'assertion',
  spiffe_jwt: 'svid',
  attest_jwt_client_auth: 'attestation',
  attest_jwt_client_auth_dpop: 'attestation-dpop',
  client_secret_basic: 'basic',
  client_secret_post: 'post',
  client_secret_jwt: 'assertion',
  tls_client_auth: 'name',
  self_signed_tls_client_auth: 'name',
  none: 'name',
}

/** Exactly the registered method, and only while the profile allows it (CA-02, I22). */
function judgeMethod(client: Client, credential: Credential): Refusal | undefined {
  const { tokenEndpointAuthMethod: method, profile } = client
  if (presentedBy[method] === credential.kind && profile.clientAuthenticationMethods.includes(method))
    return undefined
  return refuse(
    'client-auth.method',
    ['RFC6749-2.3', 'FAPI2-SP-FINAL-5.3.2.1-6'],
    'invalid_client',
    `the client authenticates with \`${method}\`, if its profile allows it, and with nothing else`,
    { client_id: client.clientId },
  )
}
