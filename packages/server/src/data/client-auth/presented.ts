import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import {
  type AttestationFieldsInput,
  attestationBytesMax,
  attestationFieldRules,
  popBytesMax,
} from '@holdfast/protocol/specs/client-attestation/rules.ts'
import { parseBasic } from '@holdfast/protocol/specs/rfc6749-client-secret/basic.ts'
import { basicRules } from '@holdfast/protocol/specs/rfc6749-client-secret/rules.ts'
import { assertionBytesMax } from '@holdfast/protocol/specs/rfc7523-client-assertion/judge.ts'
import { spiffeIdRules, svidBytesMax } from '@holdfast/protocol/specs/spiffe-jwt-svid/rules.ts'
import { parseSpiffeId, type SpiffeId } from '@holdfast/protocol/specs/spiffe-jwt-svid/spiffe-id.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'

/** What a request offers to prove its client. `name`: nothing but a name; a certificate comes with the connection. */
export type Credential =
  | { readonly kind: 'assertion'; readonly assertion: ParsedJws }
  /** Of the workload `spiffeId`. */
  | { readonly kind: 'svid'; readonly svid: ParsedJws; readonly spiffeId: SpiffeId }
  | { readonly kind: 'basic' | 'post'; readonly secret: string }
  | { readonly kind: 'attestation'; readonly attestation: ParsedJws; readonly pop: ParsedJws }
  /** The DPoP proof of the request is the proof of possession. */
  | { readonly kind: 'attestation-dpop'; readonly attestation: ParsedJws }
  | { readonly kind: 'name' }

export interface Presented {
  readonly clientId: string
  readonly credential: Credential
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const jwtSpiffe = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'

/** What the request offers, before any look at a client. */
export function presentedCredential(exchange: Exchange, form: Form): Outcome<Presented> {
  const [header] = exchange.headers('authorization')
  const secret = form.get('client_secret')
  const isAsserted =
    form.get('client_assertion') !== undefined || form.get('client_assertion_type') !== undefined
  const fields = {
    attestations: exchange.headers('oauth-client-attestation'),
    pops: exchange.headers('oauth-client-attestation-pop'),
  }
  const isAttested = fields.attestations.length + fields.pops.length > 0
  const offered =
    Number(header !== undefined) + Number(secret !== undefined) + Number(isAsserted) + Number(isAttested)
  if (offered > 1)
    return refuse(
      'client-auth.one-method',
      ['RFC6749-2.3'],
      'invalid_request',
      'more than one client authentication method in one request',
    )
  if (isAsserted)
    return form.get('client_assertion_type') === jwtSpiffe
      ? presentedSvid(form, exchange.issuer)
      : presentedAssertion(form)
  if (isAttested) return presentedAttestation(fields, form)
  const clientId = form.get('client_id')
  if (header !== undefined) return presentedBasic(header, clientId)
  if (clientId === undefined)
    return refuse(
      'client-auth.missing',
      ['RFC6749-2.3', 'RFC8705-2', 'FAPI2-SP-FINAL-5.3.2.1-3'],
      'invalid_client',
      'no client authentication and no `client_id`',
    )
  return accept({ clientId, credential: secret === undefined ? { kind: 'name' } : { kind: 'post', secret } })
}

function presentedBasic(header: string, clientId: string | undefined): Outcome<Presented> {
  const refusal = firstRefusal(basicRules, { header, clientId })
  if (refusal !== undefined) return refusal
  const basic = parseBasic(header)
  if (basic === undefined) throw new TypeError('rule table')
  return accept({ clientId: basic.clientId, credential: { kind: 'basic', secret: basic.secret } })
}

function presentedAttestation(fields: AttestationFieldsInput, form: Form): Outcome<Presented> {
  const misplaced = firstRefusal(attestationFieldRules, fields)
  if (misplaced !== undefined) return misplaced
  const [text = ''] = fields.attestations
  const attestation = parseCompactJws(text, attestationBytesMax, 'invalid_client')
  if (!attestation.ok) return attestation
  const { sub } = attestation.value.claims
  const clientId = form.get('client_id')
  if (typeof sub !== 'string' || sub === '' || (clientId !== undefined && clientId !== sub))
    return refuse(
      'client-auth.attestation-client',
      ['CLIENT-ATTESTATION-4-sub', 'RFC6749-3.2.1'],
      'invalid_client',
      'the attestation has no `sub`, or `client_id` is another client',
    )
  const [popText] = fields.pops
  if (popText === undefined)
    return accept({ clientId: sub, credential: { kind: 'attestation-dpop', attestation: attestation.value } })
  const pop = parseCompactJws(popText, popBytesMax, 'invalid_client')
  if (!pop.ok) return pop
  return accept({
    clientId: sub,
    credential: { kind: 'attestation', attestation: attestation.value, pop: pop.value },
  })
}

function presentedAssertion(form: Form): Outcome<Presented> {
  const text = form.get('client_assertion')
  if (form.get('client_assertion_type') !== jwtBearer || text === undefined) return unfitType()
  const assertion = parseCompactJws(text, assertionBytesMax, 'invalid_client')
  if (!assertion.ok) return assertion
  const { sub } = assertion.value.claims
  if (typeof sub !== 'string' || sub === '')
    return refuse('client-auth.subject', ['RFC7523-3-2'], 'invalid_client', 'the assertion has no `sub`')
  const clientId = form.get('client_id')
  if (clientId !== undefined && clientId !== sub) return otherClient()
  return accept({ clientId: sub, credential: { kind: 'assertion', assertion: assertion.value } })
}

/** The workload says who the client is: a SPIFFE ID belongs to one client at most (SPIFFE client authentication 3.1). */
function presentedSvid(form: Form, issuer: IssuerSnapshot): Outcome<Presented> {
  const text = form.get('client_assertion')
  if (text === undefined) return unfitType()
  const svid = parseCompactJws(text, svidBytesMax, 'invalid_client')
  if (!svid.ok) return svid
  const { sub } = svid.value.claims
  const malformed = firstRefusal(spiffeIdRules, { id: sub })
  if (malformed !== undefined) return malformed
  const spiffeId = parseSpiffeId(sub)
  if (spiffeId === undefined || typeof sub !== 'string') throw new TypeError('rule table')
  const found = issuer.clientOfSpiffeId(sub)?.clientId ?? sub
  const clientId = form.get('client_id')
  if (clientId !== undefined && clientId !== found) return otherClient()
  return accept({ clientId: found, credential: { kind: 'svid', svid: svid.value, spiffeId } })
}

function unfitType(): Outcome<Presented> {
  return refuse(
    'client-auth.assertion-type',
    ['RFC7523-2.2', 'SPIFFE-CLIENT-AUTH-3.1-type'],
    'invalid_client',
    '`client_assertion` and its type do not belong together',
  )
}

function otherClient(): Outcome<Presented> {
  return refuse(
    'client-auth.client-id',
    ['RFC7521-4.2', 'RFC6749-3.2.1', 'FAPI1-BASE-5.2.2-19'],
    'invalid_client',
    '`client_id` is not the client of the assertion',
  )
}
