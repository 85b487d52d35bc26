import { fail, pass, type Rule } from '../../rule.ts'

export interface OnboardingStandingInput {
  /** Why the client is not served, in words; undefined: nothing in its onboarding stands against it. */
  readonly withheld: string | undefined
}

const title = 'a client is served while its onboarding is active and it is registered as approved'

/** Where the client proves itself. */
export const onboardedClientRules: readonly Rule<OnboardingStandingInput>[] = [
  {
    id: 'onboarding.client',
    clauses: ['HFO-9'],
    level: 'MUST',
    title,
    check: ({ withheld }) =>
      withheld === undefined ? pass : fail('invalid_client', `the client ${withheld}`),
  },
]

/** Where a browser brings its request: nothing is redirected to it. */
export const onboardedTargetRules: readonly Rule<OnboardingStandingInput>[] = [
  {
    id: 'onboarding.authorization',
    clauses: ['HFO-9'],
    level: 'MUST',
    title,
    check: ({ withheld }) =>
      withheld === undefined ? pass : fail('unauthorized_client', `the client ${withheld}`),
  },
]
