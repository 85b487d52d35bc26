import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { type JwsAlg, mlDsaAlgs } from '@holdfast/protocol'
import { jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'

/** The public half of a signing key, as published. */
export interface PublicHalf {
  /** RFC 7638 thumbprint: two keys cannot share one, and nobody has to invent names. */
  readonly kid: string
  readonly alg: JwsAlg
  readonly publicJwk: Readonly<Record<string, string>>
}

/** A key the ring can sign with, wherever its private half lies. */
export interface SigningKey extends PublicHalf {
  /**
   * @returns compact JWS with `alg`, `kid` and `typ`; a promise where the key is not in this process
   * @throws Fault `keys.custody` when its custody does not answer
   */
  readonly sign: (typ: string, claims: Readonly<Record<string, unknown>>) => string | Promise<string>
}

/**
 * What we sign as. `Ed25519` (RFC 9864) is the name that says it all of what `EdDSA` does: each name has a key of its
 * own, because a published key says one algorithm.
 */
export const ownSigningAlgs: readonly JwsAlg[] = ['ES256', 'PS256', 'EdDSA', 'Ed25519', 'RS256', ...mlDsaAlgs]

/** Finding their primes can take longer than a start may. */
export const slowToMake: readonly JwsAlg[] = ['PS256', 'RS256']

const generate = promisify(generateKeyPair) as (
  type: string,
  options: object,
) => Promise<{ readonly privateKey: KeyObject }>
const rsaBits = 2048

/** Off the request loop: an RSA key takes from 30 ms to a second. */
export async function generatePrivateKey(alg: JwsAlg): Promise<KeyObject> {
  switch (alg) {
    case 'ES256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey
    case 'EdDSA':
    case 'Ed25519':
      return (await generate('ed25519', {})).privateKey
    case 'PS256':
    case 'RS256':
      return (await generate('rsa', { modulusLength: rsaBits })).privateKey
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return (await generate(alg.toLowerCase(), {})).privateKey
    default:
      return alg satisfies never
  }
}

/** PKCS #8, for sealing. */
export function encodePrivateKey(key: KeyObject): Buffer {
  return key.export({ type: 'pkcs8', format: 'der' })
}

export function decodePrivateKey(der: Buffer): KeyObject {
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
}

/** @param key a public key, or a private one whose public half is meant */
export function publicHalfOf(alg: JwsAlg, key: KeyObject): PublicHalf {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const exported = publicKey.export({ format: 'jwk' }) as Record<string, string>
  const kid = jwkThumbprint(exported)
  return { kid, alg, publicJwk: { ...exported, kid, use: 'sig', alg } }
}
