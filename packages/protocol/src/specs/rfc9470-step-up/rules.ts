import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** What a route asks of the user's authentication, and what the token says about it. */
export interface StepUpInput {
  /** Accepted classes, the preferred first; empty when the route does not care. */
  readonly acrValues: readonly string[]
  /** Longest time since the user authenticated. */
  readonly maxAgeSeconds: number | undefined
  readonly acr: string | undefined
  readonly authTime: EpochSeconds | undefined
  readonly now: EpochSeconds
  /** How far ahead `auth_time` may lie. */
  readonly futureSeconds: number
}

export const stepUpRules: readonly Rule<StepUpInput>[] = [
  {
    id: 'step-up.acr',
    clauses: ['RFC9470-3'],
    level: 'MUST',
    title: 'the user authenticated in a class the route accepts',
    check: ({ acrValues, acr }) =>
      acrValues.length === 0 || (acr !== undefined && acrValues.includes(acr))
        ? pass
        : fail('insufficient_user_authentication', `the route needs acr \`${acrValues.join(' ')}\``),
  },
  {
    id: 'step-up.max-age',
    clauses: ['RFC9470-3'],
    level: 'MUST',
    title: 'the user authenticated recently enough for the route',
    check: ({ maxAgeSeconds, authTime, now, futureSeconds }) => {
      if (maxAgeSeconds === undefined) return pass
      const isFresh =
        authTime !== undefined && now - authTime <= maxAgeSeconds && authTime - now <= futureSeconds
      return isFresh
        ? pass
        : fail(
            'insufficient_user_authentication',
            `the user must have authenticated within ${maxAgeSeconds} s`,
          )
    },
  },
]

/** An access token about to be minted for a user, and what its scopes and its API ask of the authentication. */
export interface StepUpOrderInput {
  /** Whether a user stands behind it; a client's own authority was never authenticated that way. */
  readonly hasUser: boolean
  /** Least `acr` asked for; undefined when nobody asks. */
  readonly leastAcr: string | undefined
  /** Whether the authentication reaches it. */
  readonly isReached: boolean
  readonly maxAgeSeconds: number | undefined
  readonly authTime: EpochSeconds | undefined
  readonly now: EpochSeconds
}

/** What a scope or an API asks for holds for every token of it, a refreshed or exchanged one too. */
export const stepUpOrderRules: readonly Rule<StepUpOrderInput>[] = [
  {
    id: 'step-up.order-acr',
    clauses: ['RFC9470-5-acr'],
    level: 'SHOULD',
    title: 'no token is minted below the level its scopes and its API ask for',
    check: ({ hasUser, leastAcr, isReached }) =>
      !hasUser || leastAcr === undefined || isReached
        ? pass
        : fail('invalid_grant', `the user must authenticate with acr \`${leastAcr}\``),
  },
  {
    id: 'step-up.order-age',
    clauses: ['RFC9470-5'],
    level: 'MUST',
    title: 'no token is minted for an authentication older than its scopes and its API allow',
    check: ({ hasUser, maxAgeSeconds, authTime, now }) =>
      !hasUser || maxAgeSeconds === undefined || (authTime !== undefined && now - authTime <= maxAgeSeconds)
        ? pass
        : fail('invalid_grant', `the user must have authenticated within ${maxAgeSeconds} s`),
  },
]

/** @throws TypeError when a route asks for something RFC 9470 cannot express */
export function checkStepUpRequirement(
  acrValues: readonly string[],
  maxAgeSeconds: number | undefined,
): void {
  for (const acr of acrValues)
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(acr))
      throw new TypeError(`acr value \`${acr}\` has a character no challenge can carry`)
  if (maxAgeSeconds !== undefined && !(Number.isSafeInteger(maxAgeSeconds) && maxAgeSeconds >= 0))
    throw new TypeError(`maxAgeSeconds is \`${maxAgeSeconds}\`, not a non-negative integer`)
}
