import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** What a benchmark client signs, in plain `node:crypto`: independent of the code under measurement. */

export interface ClientKeys {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
}

export function newKeys(): ClientKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  return { privateKey, publicKey, jwk: { kty, crv, x, y } }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export function es256(header: object, claims: object, key: KeyObject): string {
  const input = `${encode({ alg: 'ES256', ...header })}.${encode(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

export function clientAssertion(clientId: string, issuer: string, keys: ClientKeys, kid?: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: issuer,
    jti: randomBytes(16).toString('base64url'),
    iat: now,
    exp: now + 240,
  }
  return es256({ typ: 'JWT', ...(kid && { kid }) }, claims, keys.privateKey)
}

/** @param accessToken which the request presents; none for a token endpoint */
export function dpopProof(
  keys: ClientKeys,
  method: string,
  url: string,
  nonce?: string,
  accessToken?: string,
): string {
  const claims = {
    jti: randomBytes(16).toString('base64url'),
    htm: method,
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    ...(nonce && { nonce }),
    ...(accessToken && { ath: createHash('sha256').update(accessToken).digest('base64url') }),
  }
  return es256({ typ: 'dpop+jwt', jwk: keys.jwk }, claims, keys.privateKey)
}

export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
