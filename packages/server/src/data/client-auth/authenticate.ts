import {
  accept,
  type ClientAuthenticationMethod,
  type Outcome,
  type Refusal,
  refuse,
  type SecurityProfile,
} from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { assertionBytesMax } from '@holdfast/protocol/specs/rfc7523-client-assertion/judge.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { verifyNothing } from './decoy.ts'
import type { Proven } from './method.ts'
import { authenticationMethods } from './methods/index.ts'

/** A client that proved who it is; only `authenticateClient` makes one. */
export interface AuthenticatedClient {
  readonly client: Client
  /** `meet` of the issuer's floor and the client's own profile. */
  readonly profile: SecurityProfile
  readonly method: ClientAuthenticationMethod
  /** For the audit record: method and key id or certificate thumbprint, never the credential (CA-09). */
  readonly evidence: AuditRecord['facts']
  /** Go first into the commit of the room, or into that of its refusal. */
  readonly writes: readonly Write[]
}

/** One engine for every back-channel endpoint (RFC 6749 section 2.3, RFC 7523, RFC 8705). */
export async function authenticateClient(
  exchange: Exchange,
  form: Form,
  ports: Ports,
): Promise<Outcome<AuthenticatedClient>> {
  const presented = presentedCredential(exchange, form)
  if (!presented.ok) return presented
  const { assertion, clientId } = presented.value

  const client = exchange.issuer.clients.get(clientId)
  if (client === undefined) {
    // As much work as for a client that exists: time tells no more than the answer does (CA-03).
    if (assertion !== undefined) verifyNothing(assertion)
    return refuse('client-auth.unknown', ['RFC6749-5.2'], 'invalid_client', 'no such client', {
      client_id: clientId.slice(0, 128),
    })
  }
  const misfit = judgeMethod(client, presented.value)
  if (misfit !== undefined) {
    if (assertion !== undefined) verifyNothing(assertion)
    return misfit
  }
  const { tokenEndpointAuthMethod: method, profile } = client
  const slot = authenticationMethods.get(method)
  if (slot === undefined) throw new TypeError(`no slot for \`${method}\``)
  const proving = slot.prove({ exchange, ports, client, assertion })
  const proven: Outcome<Proven> = proving instanceof Promise ? await proving : proving
  if (!proven.ok) return withClient(proven, client)
  if (client.status !== 'active')
    return withClient(
      refuse('client-auth.suspended', ['RFC6749-5.2'], 'invalid_client', 'the client is suspended'),
      client,
    )
  const evidence = { auth_method: method, ...proven.value.facts }
  return accept({ client, profile, method, evidence, writes: proven.value.writes })
}

/** The audit record of a failure names the client it was tried for. */
function withClient(refusal: Refusal, client: Client): Refusal {
  return { ...refusal, facts: { ...refusal.facts, client_id: client.clientId } }
}

interface Presented {
  readonly clientId: string
  readonly assertion: ParsedJws | undefined
  readonly presentsSecret: boolean
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** What the request offers, before any look at a client. */
function presentedCredential(exchange: Exchange, form: Form): Outcome<Presented> {
  const hasHeader = exchange.headers('authorization').length > 0
  const hasSecret = form.get('client_secret') !== undefined
  const text = form.get('client_assertion')
  const type = form.get('client_assertion_type')
  const hasAssertion = text !== undefined || type !== undefined
  if (Number(hasHeader) + Number(hasSecret) + Number(hasAssertion) > 1)
    return refuse(
      'client-auth.one-method',
      ['RFC6749-2.3'],
      'invalid_request',
      'more than one client authentication method in one request',
    )
  const clientId = form.get('client_id')
  const presentsSecret = hasHeader || hasSecret
  if (!hasAssertion) {
    if (clientId !== undefined) return accept({ clientId, assertion: undefined, presentsSecret })
    return refuse(
      'client-auth.missing',
      ['RFC6749-2.3', 'RFC8705-2', 'FAPI2-SP-FINAL-5.3.2.1-3'],
      'invalid_client',
      presentsSecret ? 'this method is not supported' : 'no client authentication and no `client_id`',
    )
  }
  if (type !== jwtBearer || text === undefined)
    return refuse(
      'client-auth.assertion-type',
      ['RFC7523-2.2'],
      'invalid_client',
      '`client_assertion` and its type do not belong together',
    )
  const assertion = parseCompactJws(text, assertionBytesMax, 'invalid_client')
  if (!assertion.ok) return assertion
  const { sub } = assertion.value.claims
  if (typeof sub !== 'string' || sub === '')
    return refuse('client-auth.subject', ['RFC7523-3-2'], 'invalid_client', 'the assertion has no `sub`')
  if (clientId !== undefined && clientId !== sub)
    return refuse(
      'client-auth.client-id',
      ['RFC7521-4.2', 'RFC6749-3.2.1'],
      'invalid_client',
      '`client_id` is not the client of the assertion',
    )
  return accept({ clientId: sub, assertion: assertion.value, presentsSecret: false })
}

/** Exactly the registered method, and only while the profile allows it (CA-02, I22). */
function judgeMethod(client: Client, presented: Presented): Refusal | undefined {
  const { tokenEndpointAuthMethod: method, profile } = client
  const isAsserted = presented.assertion !== undefined
  if (
    !presented.presentsSecret &&
    (method === 'private_key_jwt') === isAsserted &&
    profile.clientAuthenticationMethods.includes(method)
  )
    return undefined
  return refuse(
    'client-auth.method',
    ['RFC6749-2.3', 'FAPI2-SP-FINAL-5.3.2.1-6'],
    'invalid_client',
    `the client authenticates with \`${method}\`, if its profile allows it, and with nothing else`,
    { client_id: client.clientId },
  )
}
