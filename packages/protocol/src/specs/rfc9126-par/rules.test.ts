import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type PushInput,
  type PushRequiredInput,
  pushRequiredRules,
  pushRules,
  type RequestUriInput,
  requestUriPrefix,
  requestUriRules,
} from './rules.ts'

const push: PushInput = { requestUri: undefined }
const pushRefusals: readonly Refused<PushInput>[] = [
  {
    name: 'a request_uri in the body',
    input: { requestUri: `${requestUriPrefix}x` },
    ruleId: 'par.request-uri',
  },
]

test('a body without request_uri may be pushed', () => {
  assert.equal(firstRefusal(pushRules, push), undefined)
})

for (const { name, input, ruleId } of pushRefusals)
  test(`a push is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(pushRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request')
  })

const direct: PushRequiredInput = { profile: oauth21, clientRequiresPush: false, pushed: false }
const requiredRefusals: readonly Refused<PushRequiredInput>[] = [
  { name: 'the profile requires PAR', input: { ...direct, profile: fapi2Security }, ruleId: 'par.required' },
  { name: 'the client requires PAR', input: { ...direct, clientRequiresPush: true }, ruleId: 'par.required' },
]

for (const { name, input, ruleId } of requiredRefusals)
  test(`a direct request is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(pushRequiredRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request')
    assert.equal(firstRefusal(pushRequiredRules, { ...input, pushed: true }), undefined)
  })

test('a direct request passes where neither profile nor client requires PAR', () => {
  assert.equal(firstRefusal(pushRequiredRules, direct), undefined)
})

const found = { clientId: 'c1', expiresAt: 160, spentAt: undefined }
const good: RequestUriInput = { clientId: 'c1', now: 159, found }
const refusals: readonly Refused<RequestUriInput>[] = [
  { name: 'unknown', input: { ...good, found: undefined }, ruleId: 'request-uri.known' },
  { name: 'another client', input: { ...good, clientId: 'c2' }, ruleId: 'request-uri.client' },
  { name: 'no client', input: { ...good, clientId: undefined }, ruleId: 'request-uri.client' },
  { name: 'at its expiry', input: { ...good, now: 160 }, ruleId: 'request-uri.live' },
  { name: 'after its expiry', input: { ...good, now: 161 }, ruleId: 'request-uri.live' },
  { name: 'spent', input: { ...good, found: { ...found, spentAt: 120 } }, ruleId: 'request-uri.unspent' },
]

test('a request URI passes one second before it expires', () => {
  assert.equal(firstRefusal(requestUriRules, good), undefined)
})

for (const { name, input, ruleId } of refusals)
  test(`a request URI is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(requestUriRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request_uri')
  })
