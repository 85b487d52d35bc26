import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { firstRefusal } from '@holdfast/protocol'
import { publishedJwksRules } from '@holdfast/protocol/specs/jwks-publication/rules.ts'

/** A document as it goes on the wire: prepared once, sent many times. */
export interface PublishedKeys {
  readonly body: Buffer
  readonly etag: string
}

/** The JWKS document. Asserts the publication rules: a private member must never get this far. */
export function publishedKeys(keys: readonly Readonly<Record<string, string>>[]): PublishedKeys {
  const refusal = firstRefusal(publishedJwksRules, { document: { keys } })
  assert.equal(refusal, undefined, refusal?.reason)
  return prepared(JSON.stringify({ keys }))
}

/** Bytes and their strong entity tag. */
export function prepared(text: string): PublishedKeys {
  const body = Buffer.from(text)
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` }
}
