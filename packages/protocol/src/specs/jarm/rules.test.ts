import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  isSignedMode,
  type ResponseModeInput,
  type ResponseModeName,
  responseModeRules,
  responseModes,
} from './rules.ts'

const good: ResponseModeInput = {
  profile: { signedAuthorizationResponses: 'allowed' },
  responseMode: undefined,
  clientResponseModes: undefined,
  redirectUri: 'https://client.example/cb',
}
const signed: ResponseModeInput = {
  ...good,
  profile: { signedAuthorizationResponses: 'required' },
  responseMode: 'jwt',
}

const refusals: readonly Refused<ResponseModeInput>[] = [
  { name: 'unknown', input: { ...good, responseMode: 'web_message' }, ruleId: 'response-mode.supported' },
  { name: 'another case', input: { ...good, responseMode: 'JWT' }, ruleId: 'response-mode.supported' },
  {
    name: 'query by a client of jwt',
    input: { ...good, responseMode: 'query', clientResponseModes: ['jwt'] },
    ruleId: 'response-mode.registered',
  },
  {
    name: 'none by a client of jwt',
    input: { ...good, clientResponseModes: ['jwt'] },
    ruleId: 'response-mode.registered',
  },
  { name: 'none', input: { ...signed, responseMode: undefined }, ruleId: 'response-mode.signed' },
  { name: 'query', input: { ...signed, responseMode: 'query' }, ruleId: 'response-mode.signed' },
  { name: 'form_post', input: { ...signed, responseMode: 'form_post' }, ruleId: 'response-mode.signed' },
  {
    name: 'form to an app',
    input: { ...good, responseMode: 'form_post', redirectUri: 'com.example.app:/cb' },
    ruleId: 'response-mode.form-target',
  },
]
for (const { name, input, ruleId } of refusals)
  test(`a response mode is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(responseModeRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request')
  })

test('every mode is accepted where nothing is required, and the signed ones where signing is', () => {
  assert.equal(firstRefusal(responseModeRules, good), undefined)
  for (const responseMode of responseModes) {
    assert.equal(firstRefusal(responseModeRules, { ...good, responseMode }), undefined)
    const isRefused = firstRefusal(responseModeRules, { ...signed, responseMode }) !== undefined
    assert.equal(isRefused, !isSignedMode(responseMode))
  }
  const registered: readonly ResponseModeName[] = ['jwt']
  assert.equal(firstRefusal(responseModeRules, { ...signed, clientResponseModes: registered }), undefined)
})

test('a query goes to an app too, and a form to a loopback address', () => {
  const app = { ...good, redirectUri: 'com.example.app:/cb' }
  assert.equal(firstRefusal(responseModeRules, { ...app, responseMode: 'query.jwt' }), undefined)
  const loopback = { ...good, redirectUri: 'http://127.0.0.1/cb' }
  assert.equal(firstRefusal(responseModeRules, { ...loopback, responseMode: 'form_post.jwt' }), undefined)
})
