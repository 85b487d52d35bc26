import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import type { Ports } from '../../ports.ts'

/** Longest access token of ours that is read. */
export const tokenBytesMax = 8192

/** Whether a key that this issuer publishes now made the signature. */
export function isSignedByUs(jws: ParsedJws, issuer: string, ports: Ports): boolean {
  const key = publishedKeys(ports, issuer).find(candidate => candidate.kid === jws.header.kid)
  return key !== undefined && verifyJws(jws, key, ports.keys.algs(issuer))
}

/** Our own public keys, imported once per published set. */
const imported = new WeakMap<Buffer, readonly PublicKey[]>()

function publishedKeys(ports: Ports, issuer: string): readonly PublicKey[] {
  const { body } = ports.keys.published(issuer)
  const known = imported.get(body)
  if (known !== undefined) return known
  const { keys } = JSON.parse(body.toString('utf8')) as { readonly keys: readonly unknown[] }
  const usable = keys.flatMap(jwk => {
    const key = importPublicJwk(jwk)
    return key.ok ? [key.value] : []
  })
  imported.set(body, usable)
  return usable
}
