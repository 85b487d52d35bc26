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
  const header = headerOf(text.slice(0, firstDot))
  const claims = decodeObject(text.slice(firstDot + 1, lastDot))
  const signature = decodeBase64url(text.slice(lastDot + 1))
  const unsound = firstRefusal(jwsPartRules, { header, claims, signature })
  if (unsound !== undefined) return withError(unsound, error)
  if (header === undefined || claims === undefined || signature === undefined)
    throw new TypeError('rule table')
  return accept({ header, claims, signingInput: text.slice(0, lastDot), signature })
}

/**
 * Decoded headers by their text. A client sends the same header, key included, with every proof, and decoding it costs
 * more than all rules about it. Shared, so frozen to the bottom.
 */
const headers = new Map<string, JsonObject>()
const headersMax = 5000
const rememberedLengthMax = 1024

function headerOf(part: string): JsonObject | undefined {
  const known = headers.get(part)
  if (known !== undefined) return known
  const header = decodeObject(part)
  if (header === undefined || part.length > rememberedLengthMax) return header
  if (headers.size >= headersMax) {
    const oldest = headers.keys().next()
    if (!oldest.done) headers.delete(oldest.value)
  }
  headers.set(part, deepFrozen(header))
  return header
}

function deepFrozen<T extends object>(value: T): T {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null) deepFrozen(member)
  return Object.freeze(value)
}

function decodeObject(part: string): JsonObject | undefined {
  const bytes = decodeBase64url(part)
  return bytes !== undefined && isUtf8(bytes) ? parseJsonObject(bytes.toString('utf8')) : undefined
}

function withError(refusal: Refusal, error: ErrorCode): Refusal {
  return refusal.error === error ? refusal : { ...refusal, error }
}
