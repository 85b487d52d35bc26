import { isUtf8 } from 'node:buffer'
import { accept, type ErrorCode, type Outcome, type Refusal } from '../refusal.ts'
import { firstRefusal } from '../rule.ts'
import { jwsPartRules, jwsTextRules } from '../specs/rfc7515-jws/rules.ts'
import { decodeBase64url } from '../wire/base64url.ts'
import { type JsonObject, parseJsonObject } from '../wire/json.ts'

/** A well-formed compact JWS whose signature nobody has checked yet. Header and claims have no prototype. */
export interface ParsedJws {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly signingInput: string
  readonly signature: Buffer
}

/**
 * Takes a compact JWS apart, strictly. Everything that can be refused without a key is refused here.
 * @param bytesMax 8192 for proofs, assertions and access tokens, 49152 for request objects
 * @param error the code a refusal carries in the caller's dialect
 */
export function parseCompactJws(
  text: string,
  bytesMax: number,
  error: ErrorCode = 'invalid_request',
): Outcome<ParsedJws> {
  const refused = firstRefusal(jwsTextRules, { text, bytesMax })
  if (refused !== undefined) return withError(refused, error)

  const firstDot = text.indexOf('.')
  const lastDot = text.lastIndexOf('.')
  const header = decodeObject(text.slice(0, firstDot))
  const claims = decodeObject(text.slice(firstDot + 1, lastDot))
  const signature = decodeBase64url(text.slice(lastDot + 1))
  const unsound = firstRefusal(jwsPartRules, { header, claims, signature })
  if (unsound !== undefined) return withError(unsound, error)
  if (header === undefined || claims === undefined || signature === undefined)
    throw new TypeError('rule table')
  return accept({ header, claims, signingInput: text.slice(0, lastDot), signature })
}

function decodeObject(part: string): JsonObject | undefined {
  const bytes = decodeBase64url(part)
  return bytes !== undefined && isUtf8(bytes) ? parseJsonObject(bytes.toString('utf8')) : undefined
}

function withError(refusal: Refusal, error: ErrorCode): Refusal {
  return refusal.error === error ? refusal : { ...refusal, error }
}
