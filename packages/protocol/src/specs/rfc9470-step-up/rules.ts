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
