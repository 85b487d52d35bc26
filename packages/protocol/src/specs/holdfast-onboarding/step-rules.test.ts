import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { onboardedClientRules, onboardedTargetRules } from './standing-rules.ts'
import {
  checkAgeSecondsMax,
  type OnboardingState,
  type OnboardingStep,
  type OnboardingStepInput,
  onboardingStepRules,
  statesBefore,
} from './step-rules.ts'

const now = 1_800_000_000
const good: OnboardingStepInput = {
  ...{ step: 'activate', state: 'certified', person: 'dave', requestedBy: 'bob', submittedBy: 'bert' },
  ...{ approvedBy: ['alice'], suspendedBy: undefined, keyProposedBy: undefined },
  ...{ riskTier: 3, neededTier: 3, moved: [], check: { passed: true, at: now - checkAgeSecondsMax } },
  ...{ needsCertification: true, certifiedUntil: now + 1, now },
}
const approve: OnboardingStepInput = { ...good, step: 'approve', state: 'checked', person: 'carol' }
const resume: OnboardingStepInput = { ...good, step: 'resume', state: 'suspended', suspendedBy: 'alice' }
const approveKey: OnboardingStepInput = {
  ...good,
  step: 'approve-key',
  state: 'active',
  keyProposedBy: 'bob',
}

const fine: readonly (readonly [string, OnboardingStepInput])[] = [
  ['activation of a certified client whose check is 30 days old', good],
  [
    'activation of a low tier without certification',
    { ...good, state: 'approved', needsCertification: false, certifiedUntil: undefined },
  ],
  ['activation by who drafted it', { ...good, person: 'bob' }],
  ['a second approval by another person', approve],
  ['a tier above the needed one', { ...good, riskTier: 4 }],
  ['a resumption by another person', resume],
  [
    'a resumption by the same person in a low tier',
    { ...resume, riskTier: 2, neededTier: 2, person: 'alice' },
  ],
  ['a key approved by another person', approveKey],
  ['a review of what moved', { ...good, step: 'review', state: 'active', person: 'carol', moved: ['scope'] }],
  ['a suspension by who approved it', { ...good, step: 'suspend', state: 'active', person: 'alice' }],
]

const refusals: readonly Refused<OnboardingStepInput>[] = [
  {
    name: 'activation of what was only checked',
    input: { ...good, state: 'checked' },
    ruleId: 'onboarding.state',
  },
  { name: 'activation of what ended', input: { ...good, state: 'expired' }, ruleId: 'onboarding.state' },
  { name: 'approval of a draft', input: { ...approve, state: 'draft' }, ruleId: 'onboarding.state' },
  {
    name: 'approval of what moved',
    input: { ...approve, moved: ['scope'] },
    ruleId: 'onboarding.registration',
  },
  {
    name: 'activation of what moved',
    input: { ...good, moved: ['keys'] },
    ruleId: 'onboarding.registration',
  },
  {
    name: 'submission of what moved',
    input: { ...good, step: 'submit', state: 'draft', moved: ['redirect_uris'] },
    ruleId: 'onboarding.registration',
  },
  { name: 'a tier below the needed one', input: { ...good, riskTier: 2 }, ruleId: 'onboarding.tier' },
  { name: 'approval by who drafted', input: { ...approve, person: 'bob' }, ruleId: 'onboarding.own-request' },
  {
    name: 'approval by who submitted',
    input: { ...approve, person: 'bert' },
    ruleId: 'onboarding.own-request',
  },
  {
    name: 'certification by who drafted',
    input: { ...good, step: 'certify', person: 'bob' },
    ruleId: 'onboarding.own-request',
  },
  {
    name: 'review by who submitted',
    input: { ...good, step: 'review', state: 'active', person: 'bert' },
    ruleId: 'onboarding.own-request',
  },
  {
    name: 'two approvals of one person',
    input: { ...approve, person: 'alice' },
    ruleId: 'onboarding.second-person',
  },
  {
    name: 'resumption by who suspended',
    input: { ...resume, person: 'alice' },
    ruleId: 'onboarding.second-person',
  },
  {
    name: 'a key approved by who proposed it',
    input: { ...approveKey, person: 'bob' },
    ruleId: 'onboarding.second-person',
  },
  {
    name: 'approval of no key',
    input: { ...approveKey, keyProposedBy: undefined },
    ruleId: 'onboarding.key-waits',
  },
  { name: 'activation without a check', input: { ...good, check: undefined }, ruleId: 'onboarding.checked' },
  {
    name: 'activation after a check that failed',
    input: { ...good, check: { passed: false, at: now } },
    ruleId: 'onboarding.checked',
  },
  {
    name: 'activation a second after the check is too old',
    input: { ...good, check: { passed: true, at: now - checkAgeSecondsMax - 1 } },
    ruleId: 'onboarding.checked',
  },
  {
    name: 'activation without certification',
    input: { ...good, certifiedUntil: undefined },
    ruleId: 'onboarding.certified',
  },
  {
    name: 'activation in the second its certification ends',
    input: { ...good, certifiedUntil: now },
    ruleId: 'onboarding.certified',
  },
  {
    name: 'resumption when the certification ended',
    input: { ...resume, certifiedUntil: now - 1 },
    ruleId: 'onboarding.certified',
  },
]

describe('a step of an onboarding', () => {
  for (const [name, input] of fine)
    test(`is taken: ${name}`, () => assert.equal(firstRefusal(onboardingStepRules, input), undefined))
  for (const { name, input, ruleId } of refusals)
    test(`is refused: ${name}`, () => assert.equal(firstRefusal(onboardingStepRules, input)?.ruleId, ruleId))

  const states: readonly OnboardingState[] = [
    ...(['draft', 'submitted', 'checked', 'approved', 'certified'] as const),
    ...(['active', 'uncertified', 'suspended', 'retired', 'expired'] as const),
  ]
  for (const step of Object.keys(statesBefore) as OnboardingStep[])
    test(`\`${step}\` is refused in every state but its own`, () => {
      const refused = states.filter(
        state =>
          firstRefusal(onboardingStepRules, { ...good, step, state, person: 'carol', keyProposedBy: 'bob' })
            ?.ruleId === 'onboarding.state',
      )
      assert.deepEqual(
        refused,
        states.filter(state => !statesBefore[step].includes(state)),
      )
    })
})

describe('a client that its onboarding holds back', () => {
  test('is refused where it proves itself and where a browser brings its request', () => {
    const held = { withheld: 'is suspended by its onboarding' }
    const client = firstRefusal(onboardedClientRules, held)
    assert.deepEqual([client?.ruleId, client?.error], ['onboarding.client', 'invalid_client'])
    const target = firstRefusal(onboardedTargetRules, held)
    assert.deepEqual([target?.ruleId, target?.error], ['onboarding.authorization', 'unauthorized_client'])
    assert.match(target?.reason ?? '', /^the client is suspended by its onboarding$/)
  })
  test('and any other is not', () => {
    for (const rules of [onboardedClientRules, onboardedTargetRules])
      assert.equal(firstRefusal(rules, { withheld: undefined }), undefined)
  })
})
