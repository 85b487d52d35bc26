import { createHash, hash } from 'node:crypto'
import type { JwsAlg } from '../profile.ts'
import { isMlDsa } from './ml-dsa.ts'

/** SHA-256 as base64url: `ath`, thumbprints, `code_challenge` (RFC 9449 section 4.2, RFC 7636 section 4.2). */
export function sha256(input: string | Uint8Array): string {
  return hash('sha256', input, 'base64url')
}

/**
 * `at_hash`, `c_hash`, `s_hash`: the left half of the hash that `alg` names (OpenID Connect Core 3.1.3.6).
 * Ed25519 hashes with SHA-512 inside. For ML-DSA no document says: SHAKE256 of 64 bytes, which it hashes with inside,
 * is what other implementations take.
 */
export function leftHalfHash(alg: JwsAlg, text: string): string {
  const digest = isMlDsa(alg)
    ? createHash('shake256', { outputLength: 64 }).update(text).digest()
    : hash(alg === 'EdDSA' || alg === 'Ed25519' ? 'sha512' : 'sha256', text, 'buffer')
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
