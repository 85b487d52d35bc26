import type { Outcome, Refusal } from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import type { Ports } from '../ports.ts'

/** Longest token of ours that is read. */
export const ownTokenBytesMax = 8192

/** Keys by `kid`, per published document: a rotation publishes a new one. */
const keySets = new WeakMap<Buffer, ReadonlyMap<string, PublicKey>>()

/**
 * A JWT that this issuer signed with a key it still publishes; what kind of token it is, is the caller's to judge.
 * @param unsigned the refusal when it did not
 */
export function verifyOwnToken(
  text: string,
  issuer: string,
  ports: Ports,
  unsigned: Refusal,
): Outcome<ParsedJws> {
  const jws = parseCompactJws(text, ownTokenBytesMax)
  if (!jws.ok) return jws
  return isSignedByUs(jws.value, issuer, ports) ? jws : unsigned
}

/** Whether a key that this issuer publishes now made the signature; when it did not, the key is looked at. */
export function isSignedByUs(jws: ParsedJws, issuer: string, ports: Ports): boolean {
  const { kid } = jws.header
  const key = typeof kid === 'string' ? keysOf(ports.keys.published(issuer).body).get(kid) : undefined
  if (key === undefined) return false
  if (verifyJws(jws, key, ports.keys.algs(issuer))) return true
  ports.keys.doubt(issuer, String(kid))
  return false
}

function keysOf(document: Buffer): ReadonlyMap<string, PublicKey> {
  const known = keySets.get(document)
  if (known !== undefined) return known
  const { keys } = JSON.parse(document.toString('utf8')) as { readonly keys: readonly { kid: string }[] }
  const imported = new Map(
    keys.flatMap(jwk => {
      const key = importPublicJwk(jwk)
      return key.ok ? [[jwk.kid, key.value] as const] : []
    }),
  )
  keySets.set(document, imported)
  return imported
}
