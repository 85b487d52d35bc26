import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  checkStepUpRequirement,
  type StepUpInput,
  type StepUpOrderInput,
  stepUpOrderRules,
  stepUpRules,
} from './rules.ts'

const now = epochSeconds(1_800_000_000)
const good: StepUpInput = {
  acrValues: ['urn:phr', 'urn:mfa'],
  maxAgeSeconds: 300,
  acr: 'urn:mfa',
  authTime: epochSeconds(now - 300),
  now,
  futureSeconds: 30,
}

const refusals: readonly Refused<StepUpInput>[] = [
  { name: 'another class', input: { ...good, acr: 'urn:pwd' }, ruleId: 'step-up.acr' },
  { name: 'no class', input: { ...good, acr: undefined }, ruleId: 'step-up.acr' },
  { name: 'class in other case', input: { ...good, acr: 'URN:MFA' }, ruleId: 'step-up.acr' },
  {
    name: 'one second too old',
    input: { ...good, authTime: epochSeconds(now - 301) },
    ruleId: 'step-up.max-age',
  },
  { name: 'no auth_time', input: { ...good, authTime: undefined }, ruleId: 'step-up.max-age' },
  {
    name: 'auth_time ahead',
    input: { ...good, authTime: epochSeconds(now + 31) },
    ruleId: 'step-up.max-age',
  },
]

test('accepts the good value, which lies on the edge', () => {
  assert.equal(firstRefusal(stepUpRules, good), undefined)
  assert.equal(firstRefusal(stepUpRules, { ...good, authTime: epochSeconds(now + 30) }), undefined)
})

for (const { name, input, ruleId } of refusals)
  test(`refuses: ${name}`, () => assert.equal(firstRefusal(stepUpRules, input)?.ruleId, ruleId))

test('a route that asks nothing takes a token without acr and auth_time', () => {
  const input = { ...good, acrValues: [], maxAgeSeconds: undefined, acr: undefined, authTime: undefined }
  assert.equal(firstRefusal(stepUpRules, input), undefined)
})

test('a max_age of zero means this very second', () => {
  assert.equal(firstRefusal(stepUpRules, { ...good, maxAgeSeconds: 0, authTime: now }), undefined)
  const earlier = { ...good, maxAgeSeconds: 0, authTime: epochSeconds(now - 1) }
  assert.equal(firstRefusal(stepUpRules, earlier)?.ruleId, 'step-up.max-age')
})

test('a requirement no challenge can carry is a mistake of the developer', () => {
  assert.throws(() => checkStepUpRequirement(['a b'], undefined), TypeError)
  assert.throws(() => checkStepUpRequirement([''], undefined), TypeError)
  assert.throws(() => checkStepUpRequirement(['"'], undefined), TypeError)
  assert.throws(() => checkStepUpRequirement([], -1), TypeError)
  assert.throws(() => checkStepUpRequirement([], 1.5), TypeError)
  checkStepUpRequirement(['urn:mfa'], 0)
})

const order: StepUpOrderInput = {
  hasUser: true,
  leastAcr: 'urn:mfa',
  isReached: true,
  maxAgeSeconds: 300,
  authTime: epochSeconds(now - 300),
  now,
}

const orderRefusals: readonly Refused<StepUpOrderInput>[] = [
  { name: 'a level not reached', input: { ...order, isReached: false }, ruleId: 'step-up.order-acr' },
  {
    name: 'a second too old',
    input: { ...order, authTime: epochSeconds(now - 301) },
    ruleId: 'step-up.order-age',
  },
  { name: 'no time', input: { ...order, authTime: undefined }, ruleId: 'step-up.order-age' },
]

test('a token is minted at the edge of what its API asks for, and for a client without a user', () => {
  assert.equal(firstRefusal(stepUpOrderRules, order), undefined)
  const bare = { ...order, isReached: false, authTime: undefined }
  assert.equal(firstRefusal(stepUpOrderRules, { ...bare, hasUser: false }), undefined)
  assert.equal(
    firstRefusal(stepUpOrderRules, { ...bare, leastAcr: undefined, maxAgeSeconds: undefined }),
    undefined,
  )
})

for (const { name, input, ruleId } of orderRefusals)
  test(`a token is refused for ${name}`, () => {
    const refusal = firstRefusal(stepUpOrderRules, input)
    assert.deepEqual([refusal?.ruleId, refusal?.error], [ruleId, 'invalid_grant'])
  })
