import type { EpochSeconds, JwkThumbprint } from '../brand.ts'
import { type ParsedJws, parseCompactJws } from '../jose/compact.ts'
import { importPublicJwk } from '../jose/keys.ts'
import { verifyJws } from '../jose/verify.ts'
import type { JwsAlg } from '../profile.ts'
import { accept, type Outcome } from '../refusal.ts'
import { firstRefusal } from '../rule.ts'
import {
  type NonceDemand,
  proofBytesMax,
  proofClaimRules,
  proofFieldRules,
  proofKeyRules,
} from '../specs/rfc9449-dpop/rules.ts'
import { normaliseHtu } from '../wire/htu.ts'

/** One request that carries a proof, and what the receiver demands of it. */
export interface ProofInput {
  /** All values of the `DPoP` header field. */
  readonly proofs: readonly string[]
  readonly method: string
  /** Absolute request URL from configuration, never from a header the peer controls (I18). */
  readonly externalUrl: string
  readonly algs: readonly JwsAlg[]
  readonly now: EpochSeconds
  readonly ageSeconds: number
  readonly futureSeconds: number
  readonly nonce: NonceDemand
  /** When given, `ath` must be its hash. */
  readonly accessToken?: string | undefined
  /** Base64url SHA-256 of `accessToken`, when the caller has it already; spares the second digest. */
  readonly accessTokenHash?: string | undefined
  /** When given, the proof's key must be this one. */
  readonly expectedJkt?: string | undefined
}

/** A proof that holds, but for its single use: the receiver must still remember `replayPartsOf` it. */
export interface VerifiedProof {
  readonly jkt: JwkThumbprint
  readonly jti: string
  /** In normal form. */
  readonly htu: string
  readonly issuedAt: EpochSeconds
  readonly nonce: string | undefined
}

/**
 * Judges a DPoP proof (RFC 9449 section 4.3), cheap checks first. Single use is the caller's: it needs the store.
 * Refusals are `invalid_dpop_proof`, `use_dpop_nonce`, and `invalid_token` when `expectedJkt` is another key.
 */
export function judgeProof(input: ProofInput): Outcome<VerifiedProof> {
  const read = readProof(input)
  return read.ok ? verifyProof(read.value) : read
}

/** A proof that holds but for its key and signature; only `readProof` makes one. */
export interface ReadProof {
  readonly input: ProofInput
  readonly jws: ParsedJws
}

/** The half of `judgeProof` that needs no cryptography. */
export function readProof(input: ProofInput): Outcome<ReadProof> {
  const misplaced = firstRefusal(proofFieldRules, input)
  if (misplaced !== undefined) return misplaced
  const jws = parseCompactJws(input.proofs[0] ?? '', proofBytesMax, 'invalid_dpop_proof')
  if (!jws.ok) return jws

  const { header, claims } = jws.value
  const { method, externalUrl, algs, now, ageSeconds, futureSeconds, nonce, accessToken } = input
  const unsound = firstRefusal(proofClaimRules, {
    header,
    claims,
    method,
    externalUrl,
    algs,
    now,
    ageSeconds,
    futureSeconds,
    nonce,
    accessToken,
    accessTokenHash: input.accessTokenHash,
  })
  return unsound ?? accept({ input, jws: jws.value })
}

/** The other half: the key and the signature. */
export function verifyProof({ input, jws }: ReadProof): Outcome<VerifiedProof> {
  const { header, claims } = jws
  const { algs, externalUrl } = input
  const key = importPublicJwk(header.jwk)
  const unsigned = firstRefusal(proofKeyRules, {
    key,
    isSigned: proofKey => verifyJws(jws, proofKey, algs),
    expectedJkt: input.expectedJkt,
  })
  if (unsigned !== undefined) return unsigned
  if (!key.ok) return key

  return accept({
    jkt: key.value.thumbprint,
    jti: claims.jti as string,
    htu: normaliseHtu(externalUrl) ?? externalUrl,
    issuedAt: claims.iat as EpochSeconds,
    nonce: claims.nonce as string | undefined,
  })
}

/** What makes a proof unique, for the replay memory (RFC 9449 section 11.1): verified, canonical values only (I5). */
export function replayPartsOf(proof: VerifiedProof): readonly [jkt: string, htu: string, jti: string] {
  return [proof.jkt, proof.htu, proof.jti]
}

/** The first second in which a proof can no longer be accepted, so until when it must be remembered. */
export function proofForgottenAt(proof: VerifiedProof, ageSeconds: number): EpochSeconds {
  return (proof.issuedAt + ageSeconds + 1) as EpochSeconds
}
