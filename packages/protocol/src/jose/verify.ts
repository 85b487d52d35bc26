import { constants, verify } from 'node:crypto'
import type { JwsAlg } from '../profile.ts'
import type { ParsedJws } from './compact.ts'
import { derFromRaw } from './ecdsa.ts'
import type { PublicKey } from './keys.ts'

/**
 * Whether `key` made the signature with an algorithm the caller allows. The header may only name an algorithm that is
 * both in `allowedAlgs` and fits the key; it never brings the key (I15).
 */
export function verifyJws(jws: ParsedJws, key: PublicKey, allowedAlgs: readonly JwsAlg[]): boolean {
  const alg = allowedAlgs.find(allowed => allowed === jws.header.alg)
  if (alg === undefined || !key.fits(alg)) return false
  const data = Buffer.from(jws.signingInput, 'latin1')
  try {
    return verifyBytes(alg, data, key, jws.signature)
  } catch {
    return false
  }
}

function verifyBytes(alg: JwsAlg, data: Buffer, key: PublicKey, signature: Buffer): boolean {
  switch (alg) {
    case 'ES256':
      return signature.length === 64 && verify('sha256', data, key.keyObject, derFromRaw(signature))
    case 'PS256':
      return verify('sha256', data, pssOf(key), signature)
    case 'EdDSA':
    case 'Ed25519':
      return signature.length === 64 && verify(null, data, key.keyObject, signature)
    case 'RS256':
      return verify('sha256', data, key.keyObject, signature)
    default:
      return alg satisfies never
  }
}

interface PssKey {
  readonly key: PublicKey['keyObject']
  readonly padding: number
  readonly saltLength: number
}

const pssKeys = new WeakMap<PublicKey, PssKey>()

function pssOf(key: PublicKey): PssKey {
  const known = pssKeys.get(key)
  if (known !== undefined) return known
  const made: PssKey = { key: key.keyObject, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  pssKeys.set(key, made)
  return made
}
