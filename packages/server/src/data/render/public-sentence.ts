import type { ErrorCode, Refusal } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'

/** What anybody may read about an error code: fixed, plain, without detail for the attacker. */
export const sentences = {
  invalid_request: 'the request is malformed or lacks a parameter',
  invalid_client: 'client authentication failed',
  invalid_grant: 'the grant is invalid, expired, used, or was issued to someone else',
  invalid_request_object: 'the request object is not accepted',
  request_uri_not_supported: 'only request URIs of our own are supported',
  unauthorized_client: 'this client may not do this',
  unsupported_grant_type: 'this grant type is not supported',
  unsupported_response_type: 'this response type is not supported',
  invalid_scope: 'a scope is unknown or not allowed for this client',
  invalid_target: 'a resource is unknown or not allowed for this client',
  authorization_pending: 'the user has not answered yet',
  slow_down: 'wait five seconds more between requests from now on',
  expired_token: 'the request has expired: start again',
  unknown_user_id: 'the hint names no user',
  invalid_binding_message: 'the binding message cannot be shown',
  access_denied: 'the request was denied',
  invalid_dpop_proof: 'the DPoP proof is missing or invalid',
  use_dpop_nonce: 'repeat the request with the DPoP nonce of this response',
  use_attestation_challenge: 'repeat the request with the challenge of this response',
  use_fresh_attestation: 'the client attestation has expired: get a new one',
  invalid_grant_id: 'there is no such grant',
  invalid_redirect_uri: 'a redirect URI is not allowed',
  invalid_client_metadata: 'the client metadata is not allowed',
  invalid_software_statement: 'the software statement is missing or invalid',
  unapproved_software_statement: 'the software statement is not approved here',
  invalid_token: 'the access token is missing, invalid or expired',
  insufficient_scope: 'the access token lacks a scope',
  server_error: 'something broke on our side',
  temporarily_unavailable: 'try again later',
  /** Of every other error code. */
  other: 'the request was refused',
} as const satisfies Partial<Record<ErrorCode | 'other', string>>

/** Error codes that have a sentence of their own. */
export type SentencedError = Exclude<keyof typeof sentences, 'other'>

/** The key of the sentence about an error code, in every language. */
export function sentenceKey(error: ErrorCode): SentencedError | 'other' {
  return Object.hasOwn(sentences, error) ? (error as SentencedError) : 'other'
}

/**
 * `error_description`: the fixed sentence and the reference id; a development issuer adds rule, clauses and
 * reason. Plain ASCII without quotes or backslashes (RFC 6749 5.2).
 */
export function publicSentence(exchange: Exchange, refusal: Refusal): string {
  const sentence: string = sentences[sentenceKey(refusal.error)]
  if (tellsNothing(refusal)) return sentence
  const reference = `reference ${exchange.requestId}`
  return descriptionCharset(`${sentence}${developmentDetail(exchange, refusal)}; ${reference}`)
}

/** For whoever builds the client: rule, clauses and reason. Empty on a production issuer. */
export function developmentDetail({ issuer }: Exchange, { clauses, reason, ruleId }: Refusal): string {
  if (issuer.environment !== 'development') return ''
  const named = clauses.length === 0 ? '' : ` (${clauses.join(', ')})`
  return `: ${descriptionCharset(reason)} [${ruleId}]${named}`
}

/**
 * Who has not proven a client's key learns nothing about which clients there are: one body, byte for byte, without
 * even the reference, which `X-Request-Id` carries (I21). What is refused after the proof is told as usual.
 */
function tellsNothing({ error, ruleId }: Refusal): boolean {
  // For a public client the proof is its name: being held back must look like not being there.
  return error === 'invalid_client' && (ruleId.startsWith('client-auth.') || ruleId === 'onboarding.client')
}

/** Only %x20-21 / %x23-5B / %x5D-7E may stand in `error_description`. */
export function descriptionCharset(text: string): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '')
}
