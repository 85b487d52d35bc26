import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { approvalsNeeded, daySeconds, hashOfContent } from '../content-approvals.ts'
import type {
  ClientOnboardingSpec,
  KeyRotation,
  OnboardedKey,
  OnboardingContent,
} from '../resources/client-onboarding.ts'
import { firstJwk, newJwk, shopForm } from '../testing/onboarded.ts'
import { onboardedKeyOf } from './registration.ts'
import {
  approvedKeys,
  brokenOnboarding,
  hashOfRotation,
  onboardingEndsAt,
  onboardingName,
  onboardingState,
} from './state.ts'

const content: OnboardingContent = {
  ...shopForm,
  environment: 'production',
  registration: {
    ...{ profile: 'fapi2-security', metadata: { redirect_uris: ['https://shop.example/cb'] }, audiences: [] },
    ...{ introspects: [], exchangesTokensOf: [], exchangesTokensFor: [], attesters: [] },
    ...{ ownAuthorizationDetails: [], allowedOrigins: [], keys: [onboardedKeyOf(firstJwk)] },
  },
  ...{ requestedBy: 'bob', requestedAt: 100, expiresAt: 10_000 },
}
const hash = hashOfContent(content)
const name = onboardingName(content)
const act = (by: string, at = 200) => ({ by, at })
const approval = (by: string, of = hash) => ({ ...act(by), content: of })
const check = { ...approval('bob'), passed: true, findings: [], keysSeen: [], certificatesEnd: [] }
const certification = { ...approval('carol'), against: 'FAPI 2.0', evidence: 'report', until: 5000 }

const draft: ClientOnboardingSpec = { content, state: 'draft', approvals: [], rotations: [] }
const submitted: ClientOnboardingSpec = { ...draft, state: 'submitted', submitted: act('bert') }
const checkedOnce: ClientOnboardingSpec = {
  ...submitted,
  state: 'checked',
  check,
  approvals: [approval('alice')],
}
const approved: ClientOnboardingSpec = {
  ...checkedOnce,
  state: 'approved',
  approvals: [approval('alice'), approval('carol')],
}
const certified: ClientOnboardingSpec = { ...approved, state: 'certified', certification }
const active: ClientOnboardingSpec = { ...certified, state: 'active', activated: act('bob', 300) }
const suspended: ClientOnboardingSpec = {
  ...active,
  state: 'suspended',
  suspended: { ...act('alice'), reason: 'x' },
}
const retired: ClientOnboardingSpec = {
  ...active,
  state: 'retired',
  retired: { ...act('alice'), reason: 'x' },
}

const next = onboardedKeyOf(newJwk('next'))
const proposal: KeyRotation = {
  ...{
    key: next,
    replaces: [onboardedKeyOf(firstJwk).thumbprint],
    overlapDays: 7,
    proposed: act('bob', 400),
  },
}
const rotated = (by = 'alice', of = hashOfRotation(name, proposal)): ClientOnboardingSpec => ({
  ...active,
  rotations: [{ ...proposal, approved: { by, at: 500, content: of } }],
})

describe('a record stands on the steps it took', () => {
  const sound = { draft, submitted, checkedOnce, approved, certified, active, suspended, retired }
  for (const [state, spec] of Object.entries(sound))
    test(`${state} does`, () => assert.equal(brokenOnboarding(name, spec), undefined))
  test('a retired draft and a rotation do', () => {
    const gone: ClientOnboardingSpec = {
      ...draft,
      state: 'retired',
      retired: { ...act('alice'), reason: 'x' },
    }
    assert.equal(brokenOnboarding(name, gone), undefined)
    assert.equal(brokenOnboarding(name, rotated()), undefined)
  })

  const forged: readonly (readonly [string, ClientOnboardingSpec])[] = [
    ['submitted by nobody', { ...draft, state: 'submitted' }],
    ['checked without a check', { ...submitted, state: 'checked' }],
    ['approved by one in a high tier', { ...approved, approvals: [approval('alice')] }],
    ['approved by who drafted', { ...approved, approvals: [approval('alice'), approval('bob')] }],
    ['approved by who submitted', { ...approved, approvals: [approval('alice'), approval('bert')] }],
    ['approved twice by one', { ...approved, approvals: [approval('alice'), approval('alice')] }],
    ['approved as something else', { ...approved, approvals: [approval('alice'), approval('carol', 'x')] }],
    ['checked as something else', { ...checkedOnce, check: { ...check, content: 'x' } }],
    ['checked, and approved enough', { ...approved, state: 'checked' }],
    ['certified without a certification', { ...approved, state: 'certified' }],
    ['certified by who drafted', { ...certified, certification: { ...certification, by: 'bob' } }],
    ['certified as something else', { ...certified, certification: { ...certification, content: 'x' } }],
    ['active without a certification', { ...active, certification: undefined }],
    ['active without activation', { ...certified, state: 'active' }],
    ['activated and only certified', { ...active, state: 'certified' }],
    ['reviewed by who drafted', { ...active, reviewed: act('bob') }],
    ['reviewed before it was active', { ...certified, reviewed: act('alice') }],
    ['suspended by nobody', { ...active, state: 'suspended' }],
    ['active and suspended', { ...suspended, state: 'active' }],
    ['retired by nobody', { ...active, state: 'retired' }],
    ['active and retired', { ...retired, state: 'active' }],
    ['a key approved by who proposed it', rotated('bob')],
    ['a key approved as another', rotated('alice', 'x')],
    ['a key of another record', rotated('alice', hashOfRotation('o-other', proposal))],
    ['a key of a draft', { ...draft, rotations: [proposal] }],
  ]
  for (const [what, spec] of forged)
    test(`${what} does not`, () => assert.notEqual(brokenOnboarding(name, spec), undefined))

  test('other content than the name says does not, whatever member was changed', () => {
    const changes = fc.oneof(
      fc.record({ purpose: fc.string({ minLength: 1 }) }),
      fc.record({ riskTier: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ expiresAt: fc.integer({ min: 0, max: 100_000 }) }),
      fc.record({ requestedBy: fc.constantFrom('alice', 'carol', 'eve') }),
      fc
        .string()
        .map(uri => ({ registration: { ...content.registration, metadata: { redirect_uris: [uri] } } })),
      fc.constantFrom('audiences', 'introspects', 'allowedOrigins', 'attesters').map(list => ({
        registration: { ...content.registration, [list]: ['https://evil.example'] },
      })),
      fc.constant({ registration: { ...content.registration, keys: [next] as OnboardedKey[] } }),
    )
    fc.assert(
      fc.property(changes, fc.constantFrom(approved, certified, active), (change, spec) => {
        const changed: OnboardingContent = { ...content, ...change }
        if (hashOfContent(changed) === hash) return
        const forgedSpec = { ...spec, content: changed }
        assert.notEqual(brokenOnboarding(name, forgedSpec), undefined)
        // Named after its new content it has approvals of another one.
        assert.notEqual(brokenOnboarding(onboardingName(changed), forgedSpec), undefined)
      }),
      { numRuns: 300 },
    )
  })
})

describe('time', () => {
  test('ends a record at its second, and one without certification at the end of that', () => {
    assert.deepEqual(
      [4999, 5000, 9999, 10_000].map(now => onboardingState(active, now)),
      [...(['active', 'uncertified', 'uncertified', 'expired'] as const)],
    )
    assert.equal(onboardingEndsAt(active), 5000)
    assert.equal(onboardingState(retired, 10_000), 'retired')
    const low = { ...active, content: { ...content, riskTier: 1 } }
    assert.equal(onboardingEndsAt(low), 10_000)
  })

  test('a replaced key ends when the overlap is over, and comes back when it is approved again', () => {
    const [old, added] = approvedKeys(rotated())
    assert.deepEqual([old?.until, added?.until, added?.since], [500 + 7 * daySeconds, undefined, 500])
    const back: KeyRotation = { ...proposal, key: onboardedKeyOf(firstJwk), replaces: [next.thumbprint] }
    const spec = rotated()
    const twice = {
      ...spec,
      rotations: [...spec.rotations, { ...back, approved: { ...approval('alice'), at: 600 } }],
    }
    const [again, replaced] = approvedKeys(twice)
    assert.deepEqual([again?.until, replaced?.until], [undefined, 600 + 7 * daySeconds])
  })

  test('two approve from tier 3 on', () => {
    assert.deepEqual([0, 2, 3, 4].map(approvalsNeeded), [1, 1, 2, 2])
  })
})
