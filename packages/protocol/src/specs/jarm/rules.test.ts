import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  isQueryMode,
  isSignedMode,
  modeOf,
  type ResponseModeInput,
  type ResponseModeName,
  responseModeRules,
  responseModes,
  usualMode,
} from './rules.ts'

const good: ResponseModeInput = {
  profile: { signedAuthorizationResponses: 'allowed' },
  responseType: 'code',
  responseMode: undefined,
  clientResponseModes: undefined,
  redirectUri: 'https://client.example/cb',
}
const signed: ResponseModeInput = {
  ...good,
  profile: { signedAuthorizationResponses: 'required' },
  responseMode: 'jwt',
}

const detached: ResponseModeInput = { ...good, profile: { signedAuthorizationResponses: 'detached' } }
const withToken: ResponseModeInput = { ...detached, responseType: 'code id_token' }

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
  { name: 'a bare code under FAPI 1.0', input: detached, ruleId: 'response-mode.signed' },
  {
    name: 'a code in an unsigned fragment under FAPI 1.0',
    input: { ...detached, responseMode: 'fragment' },
    ruleId: 'response-mode.signed',
  },
  {
    name: 'an ID token where only a JWT will do',
    input: { ...signed, responseType: 'code id_token', responseMode: undefined },
    ruleId: 'response-mode.signed',
  },
  ...(['query', 'query.jwt'] as const).map(responseMode => ({
    name: `an ID token in ${responseMode}`,
    input: { ...withToken, responseMode },
    ruleId: 'response-mode.token-in-query',
  })),
  {
    name: 'the fragment of an ID token by a client of jwt',
    input: { ...withToken, clientResponseModes: ['jwt'] },
    ruleId: 'response-mode.registered',
  },
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

test('an ID token is answered in every mode but a query, and a code under FAPI 1.0 as a JWT', () => {
  for (const responseMode of [undefined, 'fragment', 'form_post', 'fragment.jwt', 'form_post.jwt', 'jwt'])
    assert.equal(firstRefusal(responseModeRules, { ...withToken, responseMode }), undefined, responseMode)
  for (const responseMode of ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'])
    assert.equal(firstRefusal(responseModeRules, { ...detached, responseMode }), undefined, responseMode)
})

test('jwt and an absent mode mean the query for a code, and the fragment for an ID token', () => {
  assert.equal(usualMode('code'), 'query')
  assert.equal(usualMode('code id_token'), 'fragment')
  assert.equal(modeOf('jwt', 'code'), 'query.jwt')
  assert.equal(modeOf('jwt', 'code id_token'), 'fragment.jwt')
  assert.equal(modeOf(undefined, 'code id_token'), 'fragment')
  assert.equal(modeOf('form_post', 'code id_token'), 'form_post')
  assert.equal(isQueryMode('jwt', 'code'), true)
  assert.equal(isQueryMode('jwt', 'code id_token'), false)
})
