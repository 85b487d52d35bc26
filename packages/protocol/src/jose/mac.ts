import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { ParsedJws } from './compact.ts'

/**
 * MACs of JWTs (RFC 7518 section 3.2). Kept apart from `JwsAlg`: no list of signature algorithms can ever hold one, and
 * no public key is ever a MAC key (RFC 8725 section 2.1).
 */
export type MacAlg = 'HS256' | 'HS384' | 'HS512'

export const macAlgs: readonly MacAlg[] = ['HS256', 'HS384', 'HS512']

const macs: Readonly<Record<MacAlg, { readonly hash: string; readonly bytes: number }>> = {
  HS256: { hash: 'sha256', bytes: 32 },
  HS384: { hash: 'sha384', bytes: 48 },
  HS512: { hash: 'sha512', bytes: 64 },
}

/**
 * Whether `secret` made the MAC of `jws` with `alg`. A secret that is shorter than what `alg` puts out makes none.
 * @param alg which the caller allows; that the header names it is asked here too
 */
export function verifyMac(jws: ParsedJws, secret: KeyObject, alg: MacAlg): boolean {
  const { hash, bytes } = macs[alg]
  if (jws.header.alg !== alg || secret.type !== 'secret' || (secret.symmetricKeySize ?? 0) < bytes)
    return false
  const mac = createHmac(hash, secret).update(jws.signingInput, 'latin1').digest()
  return jws.signature.length === mac.length && timingSafeEqual(jws.signature, mac)
}
