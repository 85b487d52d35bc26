import type { EpochSeconds } from '../../brand.ts'
import type { ParsedJws } from '../../jose/compact.ts'
import type { MacAlg } from '../../jose/mac.ts'
import type { JwsAlg, SecurityProfile } from '../../profile.ts'
import { accept, type Outcome } from '../../refusal.ts'
import { firstRefusal } from '../../rule.ts'
import { assertionRules, assertionSkewSeconds } from './rules.ts'

export { assertionBytesMax } from './rules.ts'

export interface AssertionInput {
  readonly jws: ParsedJws
  readonly clientId: string
  readonly issuer: string
  readonly endpoints: readonly string[]
  readonly profile: SecurityProfile
  /** That may have made the proof: signatures, or MACs, never both. */
  readonly algs: readonly (JwsAlg | MacAlg)[]
  readonly registeredAlg?: JwsAlg | MacAlg | undefined
  readonly now: EpochSeconds
}

/** Claims that hold; the proof and the single use of `jti` are the caller's. */
export interface JudgedAssertion {
  readonly jti: string
  /** `iat`, or `exp` when there is none. */
  readonly issuedAt: EpochSeconds
  /** The first second in which it is no longer accepted, tolerance included: remember `jti` until then. */
  readonly expiresAt: EpochSeconds
}

/** Judges the header and claims of a client assertion; every refusal is `invalid_client`. */
export function judgeAssertion(input: AssertionInput): Outcome<JudgedAssertion> {
  const { jws, clientId, issuer, endpoints, profile, algs, registeredAlg, now } = input
  const { header, claims } = jws
  const refused = firstRefusal(assertionRules, {
    header,
    claims,
    clientId,
    issuer,
    endpoints,
    profile,
    algs,
    registeredAlg,
    now,
  })
  if (refused !== undefined) return refused
  const exp = claims.exp as EpochSeconds
  return accept({
    jti: claims.jti as string,
    issuedAt: (claims.iat ?? exp) as EpochSeconds,
    expiresAt: (exp + assertionSkewSeconds) as EpochSeconds,
  })
}
