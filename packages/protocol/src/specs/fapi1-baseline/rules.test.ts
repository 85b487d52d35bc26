import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fapi1Advanced } from '../../profiles/fapi1-advanced.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { httpsRedirectMetadataRules } from './metadata-rules.ts'
import {
  type HttpsRedirectInput,
  httpsRedirectRules,
  type NonceOrStateInput,
  nonceOrStateRules,
} from './rules.ts'

const profile = fapi1Advanced
const notHttps = [
  'http://127.0.0.1/cb',
  'http://[::1]:8080/cb',
  'com.example.app:/cb',
  'HTTPS://app.example/cb',
]

const targets: readonly Refused<HttpsRedirectInput>[] = notHttps.map(redirectUri => ({
  name: redirectUri,
  input: { profile, redirectUri },
  ruleId: 'redirect-uri.https',
}))

for (const { name, input, ruleId } of targets)
  test(`a redirect is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(httpsRedirectRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request')
  })

test('a redirect to https passes, and a native one where the profile has native applications', () => {
  for (const redirectUri of [undefined, 'https://app.example/cb', 'https://localhost:8443/cb'])
    assert.equal(firstRefusal(httpsRedirectRules, { profile, redirectUri }), undefined)
  for (const redirectUri of notHttps)
    assert.equal(firstRefusal(httpsRedirectRules, { profile: oidcBaseline, redirectUri }), undefined)
})

const registering = (redirect_uris: readonly string[]): ClientMetadataInput => ({
  metadata: { redirect_uris, application_type: 'native' },
  profile,
  environment: 'production',
})

for (const uri of notHttps)
  test(`a registration is refused by client.redirect-uri-https: ${uri}`, () => {
    const refusal = firstRefusal(httpsRedirectMetadataRules, registering(['https://app.example/cb', uri]))
    assert.equal(refusal?.ruleId, 'client.redirect-uri-https')
    assert.equal(refusal?.error, 'invalid_redirect_uri')
    assert.deepEqual(refusal?.facts, { field: 'redirect_uris[1]' })
  })

test('a claimed https redirect is registered, and a native one where the profile has native applications', () => {
  const good = registering(['https://app.example/cb'])
  assert.equal(firstRefusal(httpsRedirectMetadataRules, good), undefined)
  const native = { ...registering(notHttps), profile: oidcBaseline }
  assert.equal(firstRefusal(httpsRedirectMetadataRules, native), undefined)
})

const good: NonceOrStateInput = { profile, scopes: ['openid', 'accounts'], nonce: 'n', state: 's' }

const requests: readonly Refused<NonceOrStateInput>[] = [
  { name: 'openid without nonce', input: { ...good, nonce: undefined }, ruleId: 'nonce.required' },
  {
    name: 'no openid and no state',
    input: { ...good, scopes: ['accounts'], state: undefined },
    ruleId: 'state.required',
  },
  {
    name: 'no scope at all and no state',
    input: { ...good, scopes: undefined, state: undefined },
    ruleId: 'state.required',
  },
]

for (const { name, input, ruleId } of requests)
  test(`a request is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(nonceOrStateRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request')
  })

test('a nonce is enough with openid, a state is enough without, and neither is asked for elsewhere', () => {
  for (const input of [
    good,
    { ...good, state: undefined },
    { ...good, scopes: ['accounts'], nonce: undefined },
    { ...good, profile: oidcBaseline, nonce: undefined, state: undefined },
  ])
    assert.equal(firstRefusal(nonceOrStateRules, input), undefined)
})
