import type { CertificateThumbprint, JwkThumbprint } from '../brand.ts'
import { sha256 } from './hash.ts'

/** The members RFC 7638 section 3.2 and RFC 9964 section 6 hash, per key type, in lexicographic order. */
const requiredMembers: Readonly<Record<string, readonly string[]>> = {
  AKP: ['alg', 'kty', 'pub'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

/**
 * SHA-256 thumbprint of a public key (RFC 7638), which is also `jkt` (RFC 9449 section 6.1).
 * @param jwk an imported or otherwise checked public JWK
 * @throws TypeError when the key type is unknown or a required member is not a string
 */
export function jwkThumbprint(jwk: unknown): JwkThumbprint {
  const members = thumbprintInput(jwk)
  if (members === undefined) throw new TypeError('not a public JWK of type EC, OKP, RSA or AKP')
  return sha256(members) as JwkThumbprint
}

/** The canonical text that is hashed; undefined when `jwk` has not all members of its type. */
export function thumbprintInput(jwk: unknown): string | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const key = jwk as Readonly<Record<string, unknown>>
  const { kty } = key
  const names =
    typeof kty === 'string' && Object.hasOwn(requiredMembers, kty) ? requiredMembers[kty] : undefined
  if (names === undefined) return undefined
  let text = '{'
  for (const name of names) {
    const value = key[name]
    if (typeof value !== 'string') return undefined
    text += `${text === '{' ? '' : ','}"${name}":${JSON.stringify(value)}`
  }
  return `${text}}`
}

/** `x5t#S256`: SHA-256 of the DER certificate (RFC 8705 section 3.1). */
export function certificateThumbprint(der: Uint8Array): CertificateThumbprint {
  return sha256(der) as CertificateThumbprint
}
