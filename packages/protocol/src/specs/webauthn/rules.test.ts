import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { firstRefusal, type Refused } from '../../rule.ts'
import { parseAuthenticatorFlags, parseCredential, webauthnLimits } from './ceremony.ts'
import { type AssertionInput, assertionRules } from './rules.ts'

const good: AssertionInput = {
  clientData: { type: 'webauthn.get', challenge: 'c', origin: 'https://as.example', isCrossOrigin: false },
  flags: { rpIdHash: 'h', isUserPresent: true, isUserVerified: true, counter: 6 },
  expected: { type: 'webauthn.get', challenge: 'c', origin: 'https://as.example', rpIdHash: 'h' },
  userHandle: 'alice',
  ownerHandle: 'alice',
  ownerIsExpected: true,
  lastCounter: 5,
  isSigned: true,
}
const client = (change: Partial<AssertionInput['clientData']>): AssertionInput => ({
  ...good,
  clientData: { ...good.clientData, ...change },
})
const flags = (change: Partial<AssertionInput['flags']>): AssertionInput => ({
  ...good,
  flags: { ...good.flags, ...change },
})

const refusals: readonly Refused<AssertionInput>[] = [
  { name: 'a registration as a sign-in', input: client({ type: 'webauthn.create' }), ruleId: 'passkey.type' },
  { name: 'another challenge', input: client({ challenge: 'd' }), ruleId: 'passkey.challenge' },
  { name: 'no challenge', input: client({ challenge: '' }), ruleId: 'passkey.challenge' },
  { name: 'another site', input: client({ origin: 'https://as.example.evil' }), ruleId: 'passkey.origin' },
  { name: 'another port', input: client({ origin: 'https://as.example:8443' }), ruleId: 'passkey.origin' },
  { name: 'a foreign frame', input: client({ isCrossOrigin: true }), ruleId: 'passkey.origin' },
  { name: 'another host', input: flags({ rpIdHash: 'i' }), ruleId: 'passkey.rp-id' },
  { name: 'nobody there', input: flags({ isUserPresent: false }), ruleId: 'passkey.user-present' },
  { name: 'no user verification', input: flags({ isUserVerified: false }), ruleId: 'passkey.user-verified' },
  { name: 'the handle of another user', input: { ...good, userHandle: 'bob' }, ruleId: 'passkey.owner' },
  { name: 'another user than asked', input: { ...good, ownerIsExpected: false }, ruleId: 'passkey.owner' },
  { name: 'a foreign signature', input: { ...good, isSigned: false }, ruleId: 'passkey.signature' },
  { name: 'the same counter again', input: flags({ counter: 5 }), ruleId: 'passkey.counter' },
  { name: 'a counter that fell to nought', input: flags({ counter: 0 }), ruleId: 'passkey.counter' },
]

const b64 = (text: string): string => Buffer.from(text).toString('base64url')
const sent = {
  id: b64('credential'),
  rawId: b64('credential'),
  type: 'public-key',
  response: {
    clientDataJSON: b64('{"type":"webauthn.get","challenge":"c","origin":"https://as.example"}'),
    authenticatorData: b64('data'),
    signature: b64('signature'),
  },
}
const wanted = ['clientDataJSON', 'authenticatorData', 'signature']
const parse = (value: unknown): boolean => parseCredential(JSON.stringify(value), wanted).ok

describe('passkeys', () => {
  it('accepts the good value, and a counter that stays at nought', () => {
    assert.equal(firstRefusal(assertionRules, good), undefined)
    assert.equal(firstRefusal(assertionRules, { ...flags({ counter: 0 }), lastCounter: 0 }), undefined)
    assert.equal(firstRefusal(assertionRules, { ...good, userHandle: undefined }), undefined)
  })

  for (const { name, input, ruleId } of refusals)
    it(`refuses: ${name}`, () => assert.equal(firstRefusal(assertionRules, input)?.ruleId, ruleId))

  it('takes an answer of a browser, and none that is spoiled', () => {
    assert.ok(parse(sent))
    const { response } = sent
    for (const spoiled of [
      { ...sent, rawId: b64('other') },
      { ...sent, id: `${sent.id}=`, rawId: `${sent.id}=` },
      { ...sent, type: 'password' },
      { ...sent, response: null },
      { ...sent, response: { ...response, signature: undefined } },
      { ...sent, response: { ...response, signature: 7 } },
      { ...sent, response: { ...response, signature: 'not base64url!' } },
      { ...sent, response: { ...response, clientDataJSON: b64('[]') } },
      { ...sent, response: { ...response, clientDataJSON: b64('{"type":"webauthn.get","type":"x"}') } },
      { ...sent, id: b64('x'.repeat(1024)), rawId: b64('x'.repeat(1024)) },
    ]) {
      const outcome = parseCredential(JSON.stringify(spoiled), wanted)
      assert.equal(outcome.ok ? undefined : outcome.ruleId, 'passkey.format')
    }
    assert.ok(parse({ ...sent, id: b64('x'.repeat(1023)), rawId: b64('x'.repeat(1023)) }))
    assert.ok(!parseCredential(' '.repeat(webauthnLimits.credentialTextMax + 1), wanted).ok)
    assert.ok(!parse({ ...sent, id: '', rawId: '' }))
  })

  it('says cross-origin of an answer from a frame', () => {
    const framed = b64('{"type":"t","challenge":"c","origin":"o","crossOrigin":true}')
    const parsed = parseCredential(
      JSON.stringify({ ...sent, response: { ...sent.response, clientDataJSON: framed } }),
      wanted,
    )
    assert.ok(parsed.ok && parsed.value.clientData.isCrossOrigin)
  })

  it('reads flags and counter, and nothing from too few bytes', () => {
    const bytes = Buffer.concat([Buffer.alloc(32, 1), Buffer.of(0x05), Buffer.of(0, 0, 1, 2)])
    const expected = { isUserPresent: true, isUserVerified: true, counter: 258 }
    assert.deepEqual(parseAuthenticatorFlags(bytes), {
      rpIdHash: Buffer.alloc(32, 1).toString('base64url'),
      ...expected,
    })
    assert.equal(parseAuthenticatorFlags(bytes.subarray(1)), undefined)
  })

  it('takes any text without harm', () => {
    const loose = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.jsonValue().map(value => JSON.stringify({ ...sent, response: value })),
    )
    fc.assert(fc.property(loose, text => typeof parseCredential(text, wanted).ok === 'boolean'))
  })
})
