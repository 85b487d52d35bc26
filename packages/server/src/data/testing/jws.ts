import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'

/** A key pair as a client holds it. */
export interface TestKey {
  readonly alg: JwsAlg
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly publicJwk: Readonly<Record<string, string>>
  /** RFC 7638. */
  readonly thumbprint: string
}

const thumbprintMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
  AKP: ['alg', 'kty', 'pub'],
}

export function newTestKey(alg: JwsAlg, kid: string): TestKey {
  const { privateKey, publicKey } = keyPair(alg)
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  const members = thumbprintMembers[jwk.kty ?? ''] ?? []
  const canonical = JSON.stringify(Object.fromEntries(members.map(name => [name, jwk[name]])))
  const thumbprint = createHash('sha256').update(canonical).digest('base64url')
  return { alg, kid, privateKey, publicKey, publicJwk: { ...jwk, kid, alg, use: 'sig' }, thumbprint }
}

function keyPair(alg: JwsAlg): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'EdDSA':
    case 'Ed25519':
      return generateKeyPairSync('ed25519')
    case 'PS256':
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'ML-DSA-44':
      return generateKeyPairSync('ml-dsa-44')
    case 'ML-DSA-65':
      return generateKeyPairSync('ml-dsa-65')
    case 'ML-DSA-87':
      return generateKeyPairSync('ml-dsa-87')
    default:
      return alg satisfies never
  }
}

/** The compact form of any header and claims, right or wrong; `alg` in the header may differ from the key's. */
export function compactJws(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  key: TestKey,
): string {
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${signature(key, Buffer.from(input)).toString('base64url')}`
}

function signature(key: TestKey, input: Buffer): Buffer {
  switch (key.alg) {
    case 'ES256':
      return sign('sha256', input, { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    case 'EdDSA':
    case 'Ed25519':
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return sign(null, input, key.privateKey)
    case 'PS256':
      return sign('sha256', input, { key: key.privateKey, padding: 6, saltLength: 32 })
    case 'RS256':
      return sign('sha256', input, key.privateKey)
    default:
      return key.alg satisfies never
  }
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** Claims of a compact JWS, unverified. */
export function claimsOf(compact: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString())
}

/** Header of a compact JWS, unverified. */
export function headerOf(compact: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString())
}
