/**
 * The rules said no. A refusal is a value: it names its rule and the clauses the rule stands on, so that the
 * developer who integrates and the auditor who asks read the same answer.
 */
export interface Refusal {
  readonly ok: false
  readonly ruleId: string
  readonly clauses: readonly string[]
  /** The error code of the dialect the room speaks: OAuth, RFC 6750, AuthZEN. */
  readonly error: ErrorCode
  /** For audit, CLI and console. Plain words, lower case, offending input in backticks, never a credential. */
  readonly reason: string
  /** What was looked at, for the audit record; never a secret, token or proof. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>
}

export interface Accepted<T> {
  readonly ok: true
  readonly value: T
}

/** Either a value or the rule that refused it. */
export type Outcome<T> = Accepted<T> | Refusal

/** Every error code a Holdfast endpoint may send, with the document that registers it. */
export type ErrorCode =
  // RFC 6749 4.1.2.1, 5.2
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'access_denied'
  | 'server_error'
  | 'temporarily_unavailable'
  // RFC 8628 3.5
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  // OpenID Connect CIBA 13
  | 'unknown_user_id'
  | 'invalid_binding_message'
  // RFC 8707 2
  | 'invalid_target'
  // RFC 9449 5, 8
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  // RFC 6750 3.1
  | 'invalid_token'
  | 'insufficient_scope'
  // RFC 9470 3
  | 'insufficient_user_authentication'
  | 'unmet_authentication_requirements'
  // RFC 9101 7, OpenID Connect Core 3.1.2.6
  | 'invalid_request_uri'
  | 'invalid_request_object'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'registration_not_supported'
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'account_selection_required'
  // RFC 9396 5
  | 'invalid_authorization_details'
  // RFC 7591 3.2.2
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'invalid_software_statement'
  | 'unapproved_software_statement'
  // Attestation-based client authentication, draft 10, section 7.4
  | 'use_attestation_challenge'
  | 'use_fresh_attestation'
  // Grant Management 5.3
  | 'invalid_grant_id'
  // RFC 7009 2.2.1
  | 'unsupported_token_type'

export function accept<T>(value: T): Accepted<T> {
  return { ok: true, value }
}

/** A refusal made outside a rule table: the parse step and the guards of `commit`. */
export function refuse(
  ruleId: string,
  clauses: readonly string[],
  error: ErrorCode,
  reason: string,
  facts?: Refusal['facts'],
): Refusal {
  return facts === undefined
    ? { ok: false, ruleId, clauses, error, reason }
    : { ok: false, ruleId, clauses, error, reason, facts }
}
