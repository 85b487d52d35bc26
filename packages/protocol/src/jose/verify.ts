import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { JwsAlg } from '../profile.ts'
import type { ParsedJws } from './compact.ts'
import { derFromRaw } from './ecdsa.ts'
import type { KeyPurpose, PublicKey } from './keys.ts'
import { mlDsaSizes } from './ml-dsa.ts'

/**
 * Whether `key` made the signature with an algorithm the caller allows. The header may only name an algorithm that is
 * both in `allowedAlgs` and fits the key; it never brings the key (I15).
 */
export function verifyJws(
  jws: ParsedJws,
  key: PublicKey,
  allowedAlgs: readonly JwsAlg[],
  purpose: KeyPurpose = 'sig',
): boolean {
  const alg = jws.header.alg as JwsAlg
  if (!allowedAlgs.includes(alg) || !key.fits(alg, purpose)) return false
  return verifyRaw(Buffer.from(jws.signingInput, 'latin1'), jws.signature, key, alg)
}

/**
 * Whether `key` made a signature in the raw form of JWS, over what is no JWS.
 * @param alg chosen by the caller, and found to fit the key
 */
export function verifyRaw(data: Buffer, signature: Buffer, key: PublicKey, alg: JwsAlg): boolean {
  try {
    return verifyBytes(alg, data, key, signature)
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
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return signature.length === mlDsaSizes[alg].signature && verify(null, data, key.keyObject, signature)
    default:
      return alg satisfies never
  }
}

/**
 * RSASSA-PSS-params of PS256: SHA-256, MGF1 with SHA-256, salt of 32 bytes (RFC 4055 section 3.1), as the
 * AlgorithmIdentifier of a SubjectPublicKeyInfo.
 */
const pssIdentifier = Buffer.from(
  '304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d0609608648016503' +
    '0402010500a203020120',
  'hex',
)

const pssKeys = new WeakMap<PublicKey, KeyObject>()

/**
 * The RSA key as one that knows its PSS parameters. Passing padding and salt with each call instead costs a third of
 * the verification again.
 */
function pssOf(key: PublicKey): KeyObject {
  const known = pssKeys.get(key)
  if (known !== undefined) return known
  const info = key.keyObject.export({ format: 'der', type: 'spki' })
  // SEQUENCE (4 bytes of head, for 2048 bits need two length bytes), AlgorithmIdentifier rsaEncryption (15), BIT STRING.
  const body = Buffer.concat([pssIdentifier, info.subarray(4 + 15)])
  const head = Buffer.from([0x30, 0x82, body.length >> 8, body.length & 0xff])
  const made = createPublicKey({ key: Buffer.concat([head, body]), format: 'der', type: 'spki' })
  pssKeys.set(key, made)
  return made
}
