import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type FreshnessInput,
  isStale,
  type OidcRequestInput,
  oidcRequestRules,
  type SessionInput,
  silentRules,
} from './rules.ts'

const good: OidcRequestInput = {
  nonce: 'n',
  prompt: [],
  maxAge: '60',
  acrValues: [],
  uiLocales: ['xx'],
  loginHint: 'alice',
  registration: undefined,
}
const many = Array.from({ length: 21 }, (_, index) => `v${index}`)

const refusals: readonly (Refused<OidcRequestInput> & { readonly error?: string })[] = [
  {
    name: 'a registration',
    input: { ...good, registration: '{}' },
    ruleId: 'oidc.registration',
    error: 'registration_not_supported',
  },
  { name: '513 bytes', input: { ...good, nonce: 'n'.repeat(513) }, ruleId: 'oidc.nonce' },
  { name: '257 letters of two bytes', input: { ...good, nonce: 'ä'.repeat(257) }, ruleId: 'oidc.nonce' },
  { name: 'none login', input: { ...good, prompt: ['none', 'login'] }, ruleId: 'oidc.prompt-none' },
  {
    name: 'none and an unknown value',
    input: { ...good, prompt: ['xyz', 'none'] },
    ruleId: 'oidc.prompt-none',
  },
  { name: 'negative', input: { ...good, maxAge: '-1' }, ruleId: 'oidc.max-age' },
  { name: 'a fraction', input: { ...good, maxAge: '1.5' }, ruleId: 'oidc.max-age' },
  { name: 'a leading zero', input: { ...good, maxAge: '01' }, ruleId: 'oidc.max-age' },
  { name: 'a word', input: { ...good, maxAge: 'NaN' }, ruleId: 'oidc.max-age' },
  { name: 'ten digits', input: { ...good, maxAge: '1000000000' }, ruleId: 'oidc.max-age' },
  { name: '21 acr values', input: { ...good, acrValues: many }, ruleId: 'oidc.lists' },
  { name: '21 locales', input: { ...good, uiLocales: many }, ruleId: 'oidc.lists' },
  { name: '21 prompts', input: { ...good, prompt: many }, ruleId: 'oidc.lists' },
  { name: 'a login hint of 321 bytes', input: { ...good, loginHint: 'a'.repeat(321) }, ruleId: 'oidc.lists' },
]

for (const { name, input, ruleId, error = 'invalid_request' } of refusals)
  test(`an OpenID request is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(oidcRequestRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, error)
  })

for (const [name, input] of [
  ['a good one', good],
  ['512 bytes of nonce', { ...good, nonce: 'n'.repeat(512) }],
  ['no nonce', { ...good, nonce: undefined }],
  ['prompt none alone', { ...good, prompt: ['none'] }],
  ['an unknown prompt', { ...good, prompt: ['xyz', 'login'] }],
  ['max_age 0', { ...good, maxAge: '0' }],
  ['nine digits of max_age', { ...good, maxAge: '999999999' }],
  ['20 acr values', { ...good, acrValues: many.slice(1) }],
  ['a login hint of 320 bytes', { ...good, loginHint: 'a'.repeat(320) }],
] as const)
  test(`an OpenID request passes: ${name}`, () => {
    assert.equal(firstRefusal(oidcRequestRules, input), undefined)
  })

const silent: SessionInput = {
  ...{ prompt: ['none'], needsLogin: false, needsInteraction: false, needsConsent: false },
}
const silentRefusals: readonly (Refused<SessionInput> & { readonly error: string })[] = [
  {
    name: 'no session',
    input: { ...silent, needsLogin: true, needsConsent: true },
    ruleId: 'oidc.login-required',
    error: 'login_required',
  },
  {
    name: 'others have to approve',
    input: { ...silent, needsInteraction: true },
    ruleId: 'oidc.interaction-required',
    error: 'interaction_required',
  },
  {
    name: 'no consent',
    input: { ...silent, needsConsent: true },
    ruleId: 'oidc.consent-required',
    error: 'consent_required',
  },
]

for (const { name, input, ruleId, error } of silentRefusals)
  test(`prompt=none is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(silentRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, error)
    assert.equal(firstRefusal(silentRules, { ...input, prompt: [] }), undefined)
  })

test('prompt=none passes when nothing would have to be shown', () => {
  assert.equal(firstRefusal(silentRules, silent), undefined)
})

test('an authentication is stale a second after max_age, at max_age=0, and for prompt=login', () => {
  const fresh: FreshnessInput = { prompt: [], maxAgeSeconds: 60, authTime: 1000, now: 1060 }
  assert.equal(isStale(fresh), false)
  assert.equal(isStale({ ...fresh, now: 1059 }), false)
  assert.equal(isStale({ ...fresh, now: 1061 }), true)
  assert.equal(isStale({ ...fresh, maxAgeSeconds: 0, now: 1000 }), true)
  assert.equal(isStale({ ...fresh, maxAgeSeconds: undefined, now: 9999 }), false)
  assert.equal(isStale({ ...fresh, prompt: ['login'] }), true)
  assert.equal(isStale({ ...fresh, prompt: ['select_account'] }), true)
  assert.equal(isStale({ ...fresh, prompt: ['consent'] }), false)
})
