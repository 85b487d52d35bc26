import { constants, type KeyObject, sign } from 'node:crypto'
import type { JwsAlg } from '../profile.ts'
import { rawFromDer } from './ecdsa.ts'

/**
 * A compact JWS.
 * @param header protected header, in the order it is written; `alg` is put first when it is not there
 * @param key private key of the type `alg` needs
 * @throws TypeError when `header.alg` contradicts `alg` or the key is of another type
 */
export function signJws(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  key: KeyObject,
  alg: JwsAlg,
): string {
  if (header.alg !== undefined && header.alg !== alg) throw new TypeError('header names another algorithm')
  return signAfter(encodedHeader(header.alg === undefined ? { alg, ...header } : header), claims, key, alg)
}

/** A protected header as it stands in a JWS. @param header in the order it is written, with `alg` */
export function encodedHeader(header: Readonly<Record<string, unknown>>): string {
  return partOf(header)
}

/**
 * `signJws` for who signs much with one header and encodes it once.
 * @param header from `encodedHeader`, of one that names `alg`
 */
export function signAfter(
  header: string,
  claims: Readonly<Record<string, unknown>>,
  key: KeyObject,
  alg: JwsAlg,
): string {
  const input = `${header}.${partOf(claims)}`
  return `${input}.${signRaw(Buffer.from(input, 'latin1'), key, alg).toString('base64url')}`
}

/**
 * What is signed of a compact JWS (RFC 7515 section 5.1): for keys that sign elsewhere.
 * @param header protected header, in the order it is written, with `alg`
 */
export function jwsSigningInput(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): string {
  return `${partOf(header)}.${partOf(claims)}`
}

function partOf(value: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url')
}

/**
 * A signature in the raw form of JWS, over what is no JWS.
 * @throws TypeError when the key is of another type
 */
export function signRaw(data: Buffer, key: KeyObject, alg: JwsAlg): Buffer {
  if (fitting.get(key) !== alg) {
    if (key.type !== 'private' || !fits(key, alg)) throw new TypeError(`key cannot sign ${alg}`)
    fitting.set(key, alg)
  }
  return signBytes(alg, data, key)
}

/** What each key was found to fit: its details are copied whenever they are asked for. */
const fitting = new WeakMap<KeyObject, JwsAlg>()

function fits(key: KeyObject, alg: JwsAlg): boolean {
  switch (alg) {
    case 'ES256':
      return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    case 'EdDSA':
    case 'Ed25519':
      return key.asymmetricKeyType === 'ed25519'
    case 'PS256':
    case 'RS256':
      return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return key.asymmetricKeyType === alg.toLowerCase()
    default:
      return alg satisfies never
  }
}

function signBytes(alg: JwsAlg, data: Buffer, key: KeyObject): Buffer {
  switch (alg) {
    case 'ES256':
      return rawFromDer(sign('sha256', data, key))
    case 'PS256':
      return sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
    case 'EdDSA':
    case 'Ed25519':
    // The context of ML-DSA stays empty (RFC 9964 section 5).
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return sign(null, data, key)
    case 'RS256':
      return sign('sha256', data, key)
    default:
      return alg satisfies never
  }
}
