import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type UpstreamAnswer,
  type UpstreamIdToken,
  type UpstreamUser,
  upstreamAnswerRules,
  upstreamIdTokenRules,
  upstreamMaxAgeSeconds,
  upstreamParameterBytesMax,
  upstreamUserRules,
} from './rules.ts'

const issuer = 'https://op.example'
const now = epochSeconds(1_800_000_000)
const startedAt = epochSeconds(now - 30)

const answer: UpstreamAnswer = {
  isStateExpected: true,
  sentTo: 'op',
  cameTo: 'op',
  issuer,
  sendsIss: true,
  iss: issuer,
  error: undefined,
  code: 'c'.repeat(upstreamParameterBytesMax),
}

const claims = {
  iss: issuer,
  aud: 'us',
  sub: 'their-1',
  nonce: 'n',
  iat: now,
  exp: now + 1,
  auth_time: startedAt,
}

const token: UpstreamIdToken = {
  claims,
  isSigned: true,
  issuer,
  clientId: 'us',
  nonce: 'n',
  mustBeFresh: false,
  startedAt,
  now,
}

const withClaims = (more: Record<string, unknown>): UpstreamIdToken => ({
  ...token,
  claims: { ...claims, ...more },
})

describe('the answer of another provider', () => {
  const taken: readonly (readonly [string, UpstreamAnswer])[] = [
    ['with everything', answer],
    ['without iss, of a provider that never sends it', { ...answer, sendsIss: false, iss: undefined }],
  ]
  for (const [name, input] of taken)
    it(`is taken: ${name}`, () => assert.equal(firstRefusal(upstreamAnswerRules, input), undefined))

  const refusals: readonly Refused<UpstreamAnswer>[] = [
    { name: 'another state', input: { ...answer, isStateExpected: false }, ruleId: 'upstream.state' },
    { name: 'another callback', input: { ...answer, cameTo: 'evil' }, ruleId: 'upstream.mix-up' },
    { name: 'nobody was asked', input: { ...answer, sentTo: undefined }, ruleId: 'upstream.mix-up' },
    { name: 'another iss', input: { ...answer, iss: `${issuer}/` }, ruleId: 'upstream.iss' },
    { name: 'no iss', input: { ...answer, iss: undefined }, ruleId: 'upstream.iss' },
    {
      name: 'another iss of a provider that never sends it',
      input: { ...answer, sendsIss: false, iss: 'https://evil.example' },
      ruleId: 'upstream.iss',
    },
    { name: 'an error', input: { ...answer, error: 'access_denied' }, ruleId: 'upstream.error' },
    { name: 'no code', input: { ...answer, code: undefined }, ruleId: 'upstream.code' },
    { name: 'a long code', input: { ...answer, code: `${answer.code}c` }, ruleId: 'upstream.code' },
  ]
  for (const { name, input, ruleId } of refusals)
    it(`is refused by ${ruleId}: ${name}`, () => {
      assert.equal(firstRefusal(upstreamAnswerRules, input)?.ruleId, ruleId)
    })

  it('an error that is no word is not repeated', () => {
    const facts = (error: string) => firstRefusal(upstreamAnswerRules, { ...answer, error })?.facts
    assert.deepEqual(facts('login_required'), { upstream_error: 'login_required' })
    assert.deepEqual(facts('<script>'), { upstream_error: 'not a word' })
  })
})

describe('the ID token of another provider', () => {
  const taken: readonly (readonly [string, UpstreamIdToken])[] = [
    ['good', token],
    ['one audience in a list', withClaims({ aud: ['us'] })],
    ['azp is us', withClaims({ azp: 'us' })],
    ['issued 60 s before the request', withClaims({ iat: startedAt - 60 })],
    ['issued 10 s in the future', withClaims({ iat: now + 10 })],
    ['authenticated as long ago as may be', withClaims({ auth_time: now - upstreamMaxAgeSeconds })],
    ['freshly authenticated', { ...withClaims({ auth_time: startedAt - 10 }), mustBeFresh: true }],
    ['a subject of 255 characters', withClaims({ sub: 's'.repeat(255) })],
  ]
  for (const [name, input] of taken)
    it(`is taken: ${name}`, () => assert.equal(firstRefusal(upstreamIdTokenRules, input), undefined))

  const refusals: readonly Refused<UpstreamIdToken>[] = [
    { name: 'not signed', input: { ...token, isSigned: false }, ruleId: 'upstream.signature' },
    { name: 'another issuer', input: withClaims({ iss: `${issuer}/` }), ruleId: 'upstream.id-token-iss' },
    { name: 'another audience', input: withClaims({ aud: 'them' }), ruleId: 'upstream.audience' },
    { name: 'two audiences', input: withClaims({ aud: ['us', 'them'] }), ruleId: 'upstream.audience' },
    { name: 'no audience', input: withClaims({ aud: [] }), ruleId: 'upstream.audience' },
    { name: 'azp of another', input: withClaims({ azp: 'them' }), ruleId: 'upstream.azp' },
    { name: 'expires now', input: withClaims({ exp: now }), ruleId: 'upstream.expiry' },
    { name: 'exp as text', input: withClaims({ exp: `${now + 60}` }), ruleId: 'upstream.expiry' },
    { name: 'no exp', input: withClaims({ exp: undefined }), ruleId: 'upstream.expiry' },
    { name: 'issued 61 s before', input: withClaims({ iat: startedAt - 61 }), ruleId: 'upstream.issued' },
    { name: 'issued in 11 s', input: withClaims({ iat: now + 11 }), ruleId: 'upstream.issued' },
    { name: 'no iat', input: withClaims({ iat: undefined }), ruleId: 'upstream.issued' },
    { name: 'another nonce', input: withClaims({ nonce: 'm' }), ruleId: 'upstream.nonce' },
    { name: 'no nonce', input: withClaims({ nonce: undefined }), ruleId: 'upstream.nonce' },
    { name: 'no auth_time', input: withClaims({ auth_time: undefined }), ruleId: 'upstream.auth-time' },
    {
      name: 'authenticated a second too long ago',
      input: withClaims({ auth_time: now - upstreamMaxAgeSeconds - 1 }),
      ruleId: 'upstream.auth-time',
    },
    {
      name: 'authenticated before the request, which wants a fresh login',
      input: { ...withClaims({ auth_time: startedAt - 11 }), mustBeFresh: true },
      ruleId: 'upstream.auth-time',
    },
    {
      name: 'authenticated in 11 s',
      input: withClaims({ auth_time: now + 11 }),
      ruleId: 'upstream.auth-time',
    },
    { name: 'no subject', input: withClaims({ sub: '' }), ruleId: 'upstream.sub' },
    {
      name: 'a subject of 256 characters',
      input: withClaims({ sub: 's'.repeat(256) }),
      ruleId: 'upstream.sub',
    },
    { name: 'a subject that is not ASCII', input: withClaims({ sub: 'ü' }), ruleId: 'upstream.sub' },
  ]
  for (const { name, input, ruleId } of refusals)
    it(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(upstreamIdTokenRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'access_denied')
    })

  it('never throws, whatever the claims are', () => {
    const names = fc.constantFrom('iss', 'aud', 'azp', 'exp', 'iat', 'nonce', 'auth_time', 'sub')
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), spoiled => {
        firstRefusal(upstreamIdTokenRules, withClaims(spoiled))
      }),
    )
  })
})

describe('the user of another provider', () => {
  const good: UpstreamUser = { status: 'active', hasMethods: true }
  it('is taken when linked, active and worth something', () => {
    assert.equal(firstRefusal(upstreamUserRules, good), undefined)
  })
  const refusals: readonly Refused<UpstreamUser>[] = [
    { name: 'no methods', input: { ...good, hasMethods: false }, ruleId: 'upstream.assurance' },
    { name: 'nobody linked', input: { ...good, status: undefined }, ruleId: 'upstream.linked' },
    { name: 'disabled', input: { ...good, status: 'disabled' }, ruleId: 'upstream.user' },
  ]
  for (const { name, input, ruleId } of refusals)
    it(`is refused by ${ruleId}: ${name}`, () => {
      assert.equal(firstRefusal(upstreamUserRules, input)?.ruleId, ruleId)
    })
})
