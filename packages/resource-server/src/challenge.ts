import type { ErrorCode, JwsAlg, Refusal } from '@holdfast/protocol'
import { requestTag } from '@holdfast/protocol/specs/fapi2-http-signatures/rules.ts'
import type { TokenScheme } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { challenge } from '@holdfast/protocol/wire/challenge.ts'

/** Browser clients read these response headers; name them in `Access-Control-Expose-Headers` (RFC 9449 section 8). */
export const corsExposedHeaders: readonly string[] = ['DPoP-Nonce', 'WWW-Authenticate']
/** Browser clients send these request headers; allow them in the preflight answer. */
export const corsAllowedHeaders: readonly string[] = ['Authorization', 'DPoP']

/** The answer to a request that was refused: ready to be written, and saying which rule refused. */
export interface Challenge {
  readonly ok: false
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly requestId: string
  readonly ruleId: string
  readonly clauses: readonly string[]
  /** Undefined when the request carried no credentials: then no error code is sent (RFC 6750 section 3.1). */
  readonly error: ErrorCode | undefined
  /** For logs; the client sees it only when the API runs with `explain`. */
  readonly reason: string
}

export interface ChallengeContext {
  readonly requestId: string
  readonly offered: readonly TokenScheme[]
  /** Schemes the request used: only their challenges carry the error. */
  readonly used: readonly TokenScheme[]
  readonly algs: readonly JwsAlg[]
  readonly resourceMetadataUrl: string
  /** What every answer of this API carries. */
  readonly common: Challenge['headers']
  /** Sent with `use_dpop_nonce`, and whenever a new one is due. */
  readonly nonce: string | undefined
  readonly scopes: readonly string[]
  readonly acrValues: readonly string[]
  readonly maxAgeSeconds: number | undefined
  /** Whether it is the signature of the request that is missing or wrong: 401, whatever the error (FHS-02). */
  readonly isSignatureDue: boolean
  /** Development: tell the client rule, clauses and reason. */
  readonly explain: boolean
}

const sentences: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'the request is malformed or carries more than one token',
  invalid_token: 'the access token is invalid, expired, revoked or not proven to be yours',
  invalid_dpop_proof: 'the DPoP proof is missing or invalid',
  use_dpop_nonce: 'repeat the request with a proof that carries the nonce of this response',
  insufficient_scope: 'the access token lacks a scope',
  insufficient_user_authentication: 'the user must authenticate more strongly or more recently',
  access_denied: 'this is not allowed',
  temporarily_unavailable: 'try again shortly',
}

const statuses: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  insufficient_scope: 403,
  access_denied: 403,
  temporarily_unavailable: 503,
}

/** Puts a refusal on the wire as RFC 6750, 9449, 9470 and 9728 say. */
export function challengeOf(refusal: Refusal, context: ChallengeContext): Challenge {
  const { error, ruleId, clauses, reason } = refusal
  const { requestId, used, nonce } = context
  const isSignatureDue = context.isSignatureDue && error !== 'temporarily_unavailable'
  const status = isSignatureDue ? 401 : (statuses[error] ?? 401)
  const isCredentialless = status === 401 && used.length === 0
  const headers: (readonly [string, string])[] = [
    ['content-type', 'application/json'],
    ['cache-control', 'no-store'],
    ...context.common,
  ]
  if (hasChallenge(refusal, status, used)) headers.push(...challengeHeaders(refusal, context))
  if (isSignatureDue) headers.push(['accept-signature', wantedSignature])
  if (nonce !== undefined) headers.push(['dpop-nonce', nonce])
  if (status === 503) headers.push(['retry-after', '1'])
  return {
    ok: false,
    status,
    headers,
    body: JSON.stringify(isCredentialless ? { reference: requestId } : bodyOf(refusal, context)),
    requestId,
    ruleId,
    clauses,
    error: isCredentialless ? undefined : error,
    reason,
  }
}

function hasChallenge({ error }: Refusal, status: number, used: readonly TokenScheme[]): boolean {
  return status === 401 || error === 'insufficient_scope' || (status === 400 && used.length > 0)
}

function bodyOf(refusal: Refusal, context: ChallengeContext): object {
  return {
    error: refusal.error,
    error_description: describe(refusal, context),
    reference: context.requestId,
  }
}

/** What a request must be signed over (RFC 9421 section 5.1); a proof and the digest of a body also, where there are. */
const wantedSignature = `sig=("@method" "@target-uri" "authorization");created;keyid;tag="${requestTag}"`

function describe(
  { error, ruleId, clauses, reason }: Refusal,
  { explain, isSignatureDue }: ChallengeContext,
): string {
  const sentence =
    isSignatureDue && error === 'invalid_request'
      ? 'the request is not signed as this API asks'
      : (sentences[error] ?? 'the request was refused')
  if (!explain) return sentence
  const where = clauses.length === 0 ? '' : ` (${clauses.join(', ')})`
  // RFC 6750 section 3 allows printable ASCII without quotes and backslashes.
  return `${sentence}: ${reason} [${ruleId}]${where}`.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')
}

function challengeHeaders(refusal: Refusal, context: ChallengeContext): [string, string][] {
  return context.offered.map(scheme => [
    'www-authenticate',
    challenge(scheme, challengeParameters(refusal, scheme, context)),
  ])
}

function challengeParameters(
  refusal: Refusal,
  scheme: TokenScheme,
  context: ChallengeContext,
): readonly (readonly [string, string])[] {
  const { used, algs, resourceMetadataUrl, scopes, acrValues, maxAgeSeconds } = context
  const { error } = refusal
  const parameters: [string, string][] = []
  if (used.includes(scheme)) {
    parameters.push(['error', error], ['error_description', describe(refusal, context)])
    const isStepUp = error === 'insufficient_user_authentication'
    if (isStepUp && acrValues.length > 0) parameters.push(['acr_values', acrValues.join(' ')])
    if (isStepUp && maxAgeSeconds !== undefined) parameters.push(['max_age', String(maxAgeSeconds)])
  }
  if (scopes.length > 0) parameters.push(['scope', scopes.join(' ')])
  if (scheme === 'DPoP') parameters.push(['algs', algs.join(' ')])
  parameters.push(['resource_metadata', resourceMetadataUrl])
  return parameters
}
