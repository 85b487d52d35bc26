import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { cnfOf } from '@holdfast/protocol/sender/binding.ts'
import { evidenceSecondsMax, evidenceTyp } from '@holdfast/protocol/specs/holdfast-evidence/rules.ts'
import type { Clock, VerifiedToken } from '@holdfast/resource-server'

/** The key a gateway signs evidence with. Its own, for nothing else. */
export interface EvidenceKey {
  readonly privateKey: KeyObject
  readonly alg: Extract<JwsAlg, 'ES256' | 'EdDSA'>
  readonly kid: string
  /** For the APIs behind the gateway. */
  readonly publicJwk: Readonly<Record<string, unknown>>
}

/** @param jwk a private P-256 or Ed25519 key @throws TypeError when it is another */
export function evidenceKeyOf(jwk: Readonly<Record<string, unknown>>): EvidenceKey {
  const privateKey = createPrivateKey({ format: 'jwk', key: jwk as Record<string, string> })
  const plain = createPublicKey(privateKey).export({ format: 'jwk' }) as Readonly<Record<string, unknown>>
  const alg = plain.crv === 'P-256' ? 'ES256' : plain.crv === 'Ed25519' ? 'EdDSA' : undefined
  if (alg === undefined) throw new TypeError('the evidence key is neither P-256 nor Ed25519')
  const kid = jwkThumbprint(plain)
  return { privateKey, alg, kid, publicJwk: { ...plain, kid, alg, use: 'sig' } }
}

/** The one request evidence is made for. */
export interface EvidenceRequest {
  readonly method: string
  /** Path and query as they go to the API. */
  readonly target: string
  readonly audience: string
  readonly token: VerifiedToken
  readonly phantom: string
}

export interface EvidenceMaker {
  readonly externalUrl: string
  readonly key: EvidenceKey
  readonly clock: Clock
  readonly ids: () => string
}

/** What the gateway verified, signed, for one request and 30 s. The token of the client is not in it. */
export function makeEvidence(
  { externalUrl, key, clock, ids }: EvidenceMaker,
  { method, target, audience, token, phantom }: EvidenceRequest,
): string {
  const now = clock.now()
  const claims = {
    iss: externalUrl,
    aud: audience,
    iat: now,
    exp: Math.min(now + evidenceSecondsMax, Math.max(token.expiresAt, now + 1)),
    jti: ids(),
    rid: token.requestId,
    htm: method,
    target,
    pth: sha256(phantom),
    cnf: cnfOf(token.binding) ?? {},
  }
  return signJws({ typ: evidenceTyp, kid: key.kid }, claims, key.privateKey, key.alg)
}
