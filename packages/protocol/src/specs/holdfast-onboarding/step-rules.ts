import type { ErrorCode } from '../../refusal.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** From this tier on two persons approve, and the client is certified. */
export const highTier = 3

/** A record as it is now. `expired` and `uncertified` are made by time alone. */
export type OnboardingState =
  | 'draft'
  | 'submitted'
  | 'checked'
  | 'approved'
  | 'certified'
  | 'active'
  | 'uncertified'
  | 'suspended'
  | 'retired'
  | 'expired'

export type OnboardingStep =
  | 'submit'
  | 'check'
  | 'approve'
  | 'certify'
  | 'activate'
  | 'review'
  | 'rotate-key'
  | 'approve-key'
  | 'suspend'
  | 'resume'
  | 'retire'
  | 'remove'

const beforeActive: readonly OnboardingState[] = ['submitted', 'checked', 'approved', 'certified']
const onceActive: readonly OnboardingState[] = ['active', 'uncertified', 'suspended']

/** The states a step may begin in. */
export const statesBefore: Readonly<Record<OnboardingStep, readonly OnboardingState[]>> = {
  submit: ['draft'],
  check: [...beforeActive, ...onceActive],
  approve: ['checked'],
  certify: ['approved', 'certified', ...onceActive],
  activate: ['approved', 'certified'],
  review: ['active', 'uncertified'],
  // Also while it is suspended: a key that is known to others is the usual reason.
  'rotate-key': onceActive,
  'approve-key': onceActive,
  suspend: ['active', 'uncertified'],
  resume: ['suspended'],
  retire: ['draft', ...beforeActive, ...onceActive],
  remove: ['draft', 'retired', 'expired'],
}

export interface OnboardingStepInput {
  readonly step: OnboardingStep
  readonly state: OnboardingState
  /** Who takes the step. */
  readonly person: string
  readonly requestedBy: string
  readonly submittedBy: string | undefined
  readonly approvedBy: readonly string[]
  readonly suspendedBy: string | undefined
  /** Of the key that waits for approval. */
  readonly keyProposedBy: string | undefined
  /** What the record says. */
  readonly riskTier: number
  /** Of everything the client may ask for now. */
  readonly neededTier: number
  /** In what the client is registered otherwise now than the record says. */
  readonly moved: readonly string[]
  readonly check: { readonly passed: boolean; readonly at: number } | undefined
  readonly needsCertification: boolean
  /** Until when somebody certified it. */
  readonly certifiedUntil: number | undefined
  readonly now: number
}

/** Who checked a client a month ago has not seen it. */
export const checkAgeSecondsMax = 30 * 86_400

const code: ErrorCode = 'access_denied'
const no = (reason: string): Verdict => fail(code, reason)

/** What must hold for a step, in the order in which people want to hear it. */
export const onboardingStepRules: readonly Rule<OnboardingStepInput>[] = [
  {
    id: 'onboarding.state',
    clauses: ['HFO-1'],
    level: 'MUST',
    title: 'a step is taken in a state in which it may be taken',
    check: ({ step, state }) =>
      statesBefore[step].includes(state)
        ? pass
        : no(`is \`${state}\`, not \`${statesBefore[step].join('` or `')}\``),
  },
  {
    id: 'onboarding.registration',
    clauses: ['HFO-2'],
    level: 'MUST',
    title: 'the client is registered as the record says when it is submitted, approved and activated',
    check: ({ step, moved }) =>
      ['submit', 'approve', 'activate'].includes(step) && moved.length > 0
        ? no(`the client is registered otherwise now (${moved.join(', ')}): draft it again`)
        : pass,
  },
  {
    id: 'onboarding.tier',
    clauses: ['HFO-3'],
    level: 'MUST',
    title: 'the risk tier is at least that of what the client may ask for',
    check: ({ step, riskTier, neededTier }) =>
      ['submit', 'approve', 'activate'].includes(step) && riskTier < neededTier
        ? no(
            `what the client may ask for has tier ${neededTier}: draft it again with \`riskTier\` ${neededTier}`,
          )
        : pass,
  },
  {
    id: 'onboarding.own-request',
    clauses: ['HFO-4'],
    level: 'MUST',
    title: 'nobody approves, certifies or reviews what they drafted or submitted',
    check: ({ step, person, requestedBy, submittedBy }) =>
      ['approve', 'certify', 'review'].includes(step) && (person === requestedBy || person === submittedBy)
        ? no('nobody approves, certifies or reviews what they drafted or submitted')
        : pass,
  },
  {
    id: 'onboarding.second-person',
    clauses: ['HFO-5'],
    level: 'MUST',
    title:
      'a second approval, the approval of a key and, in high tiers, the end of a suspension are of another person',
    check: ({ step, person, approvedBy, keyProposedBy, suspendedBy, riskTier }) => {
      if (step === 'approve' && approvedBy.includes(person))
        return no(`\`${person}\` approved it already: another person is needed`)
      if (step === 'approve-key' && keyProposedBy === person)
        return no(`\`${person}\` proposed the key: another person is needed`)
      return step === 'resume' && riskTier >= highTier && suspendedBy === person
        ? no(`\`${person}\` suspended it: another person is needed`)
        : pass
    },
  },
  {
    id: 'onboarding.key-waits',
    clauses: ['HFO-5'],
    level: 'MUST',
    title: 'only a key that was proposed is approved',
    check: ({ step, keyProposedBy }) =>
      step === 'approve-key' && keyProposedBy === undefined ? no('no key waits for approval') : pass,
  },
  {
    id: 'onboarding.checked',
    clauses: ['HFO-6'],
    level: 'MUST',
    title: 'a client becomes active after automatic checks that passed in the last 30 days',
    check: ({ step, check, now }) => {
      if (step !== 'activate') return pass
      if (check === undefined || !check.passed) return no('its automatic checks did not pass: check it')
      return now - check.at > checkAgeSecondsMax ? no('was checked too long ago: check it again') : pass
    },
  },
  {
    id: 'onboarding.certified',
    clauses: ['HFO-7'],
    level: 'MUST',
    title: 'a client that needs certification has it when it becomes active or is resumed',
    check: ({ step, needsCertification, certifiedUntil, now }) =>
      (step === 'activate' || step === 'resume') &&
      needsCertification &&
      (certifiedUntil === undefined || certifiedUntil <= now)
        ? no('needs a certification that has not ended')
        : pass,
  },
]
