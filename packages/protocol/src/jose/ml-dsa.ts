import type { MlDsaAlg } from '../profile.ts'

/** Bytes of public keys and signatures (RFC 9964 section 5, FIPS 204 table 2). */
export const mlDsaSizes: Readonly<
  Record<MlDsaAlg, { readonly publicKey: number; readonly signature: number }>
> = {
  'ML-DSA-44': { publicKey: 1312, signature: 2420 },
  'ML-DSA-65': { publicKey: 1952, signature: 3309 },
  'ML-DSA-87': { publicKey: 2592, signature: 4627 },
}

/** Whether a value, such as `alg` of a key, names one of the three. */
export function isMlDsa(alg: unknown): alg is MlDsaAlg {
  return typeof alg === 'string' && Object.hasOwn(mlDsaSizes, alg)
}
