import { createPublicKey, type KeyObject } from 'node:crypto'
import { importPublicJwk } from '../../jose/keys.ts'
import type { JwsAlg } from '../../profile.ts'
import { firstRefusal } from '../../rule.ts'
import { secretMembers } from '../rfc7517-jwk/rules.ts'
import { mlDsaKeyRules } from '../rfc9964-ml-dsa/rules.ts'

type Jwk = Readonly<Record<string, unknown>>

/** The first private or symmetric member of a key, or undefined. */
export function secretMember(jwk: Jwk): string | undefined {
  if (jwk.kty === 'oct') return 'kty=oct'
  return secretMembers.find(member => Object.hasOwn(jwk, member))
}

/** Verdicts by key object: a revision judges every client again, and most of them did not change. */
const judged = new WeakMap<Jwk, { readonly why: string | undefined }>()

/** Why a public key may not be registered, or undefined when it is strong and well formed. */
export function unfitKey(jwk: Jwk): string | undefined {
  const known = judged.get(jwk)
  if (known !== undefined) return known.why
  const why = judgeKey(jwk)
  judged.set(jwk, { why })
  return why
}

function judgeKey(jwk: Jwk): string | undefined {
  const { kty, crv, x, y, n, e } = jwk
  if (kty === 'AKP') return unfitAkpKey(jwk)
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return 'has an unknown `kty`'
  let key: KeyObject
  try {
    key = createPublicKey({ format: 'jwk', key: { kty, crv, x, y, n, e } as Record<string, string> })
  } catch {
    return 'is not a valid public key'
  }
  if (kty === 'RSA') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return bits < 2048 ? `is RSA of ${bits} bits, fewer than 2048` : undefined
  }
  if (kty === 'EC')
    return ['P-256', 'P-384', 'P-521'].includes(String(crv)) ? undefined : 'is on a weak or unknown curve'
  return crv === 'Ed25519' ? undefined : 'is on a curve that signs nothing here'
}

function unfitAkpKey(jwk: Jwk): string | undefined {
  if (firstRefusal(mlDsaKeyRules, { jwk }) !== undefined) return 'is not an AKP key of ML-DSA'
  return importPublicJwk(jwk).ok ? undefined : 'is not a valid public key'
}

/** Whether a public key can make signatures of `alg`. */
export function keyFits(jwk: Jwk, alg: JwsAlg): boolean {
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  const named = jwk.alg
  const isEd = alg === 'EdDSA' || alg === 'Ed25519'
  if (named !== undefined && named !== alg && !(isEd && (named === 'EdDSA' || named === 'Ed25519')))
    return false
  switch (alg) {
    case 'PS256':
    case 'RS256':
      return jwk.kty === 'RSA'
    case 'ES256':
      return jwk.kty === 'EC' && jwk.crv === 'P-256'
    case 'EdDSA':
    case 'Ed25519':
      return jwk.kty === 'OKP' && jwk.crv === 'Ed25519'
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return jwk.kty === 'AKP' && named === alg
    default:
      return alg satisfies never
  }
}
