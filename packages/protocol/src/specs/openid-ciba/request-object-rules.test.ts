import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  cibaParametersOf,
  type SignedCibaInput,
  signedCibaAlgRules,
  signedCibaRules,
} from './request-object-rules.ts'

const now = epochSeconds(1_800_000_000)
const claims = {
  iss: 'c',
  aud: 'https://as.example',
  iat: now,
  nbf: now,
  exp: now + 300,
  jti: 'j',
  scope: 'openid',
  login_hint: 'alice',
}
const good: SignedCibaInput = {
  header: { alg: 'ES256' },
  claims,
  clientId: 'c',
  issuer: 'https://as.example',
  profile: { futureSeconds: 30 },
  now,
}
const of = (change: Readonly<Record<string, unknown>>): SignedCibaInput => ({
  ...good,
  claims: { ...claims, ...change },
})

const passing: readonly (readonly [name: string, input: SignedCibaInput])[] = [
  ['as it is', good],
  ['typ JWT', { ...good, header: { typ: 'JWT' } }],
  ['typ of a request object', { ...good, header: { typ: 'application/oauth-authz-req+jwt' } }],
  ['two audiences', of({ aud: ['x', 'https://as.example'] })],
  ['client_id too', of({ client_id: 'c' })],
  ['nbf 30 seconds ahead', of({ nbf: now + 30 })],
  ['exp 60 minutes after nbf', of({ exp: now + 3600 })],
  ['a second before its end', of({ exp: now + 1 })],
  ['256 bytes of jti', of({ jti: 'j'.repeat(256) })],
  ['a number of seconds', of({ requested_expiry: 120 })],
  ['a context', of({ request_context: { a: [1] } })],
  ['two resources', of({ resource: ['https://a.example', 'https://b.example'] })],
]

const refusals: readonly Refused<SignedCibaInput>[] = [
  { name: 'typ at+jwt', input: { ...good, header: { typ: 'at+jwt' } }, ruleId: 'ciba-object.typ' },
  { name: 'typ 7', input: { ...good, header: { typ: 7 } }, ruleId: 'ciba-object.typ' },
  ...['response_type', 'redirect_uri', 'code_challenge', 'request', 'request_uri'].map(name => ({
    name: `holds ${name}`,
    input: of({ [name]: 'x' }),
    ruleId: 'ciba-object.kind',
  })),
  { name: 'a client assertion', input: of({ sub: 'c' }), ruleId: 'ciba-object.kind' },
  { name: 'no iss', input: of({ iss: undefined }), ruleId: 'ciba-object.iss' },
  { name: 'another client', input: of({ client_id: 'd' }), ruleId: 'ciba-object.iss' },
  { name: 'no aud', input: of({ aud: undefined }), ruleId: 'ciba-object.aud' },
  { name: 'another aud', input: of({ aud: ['https://as.example/'] }), ruleId: 'ciba-object.aud' },
  { name: 'no nbf', input: of({ nbf: undefined }), ruleId: 'ciba-object.nbf' },
  { name: 'nbf as text', input: of({ nbf: String(now) }), ruleId: 'ciba-object.nbf' },
  { name: 'nbf 31 seconds ahead', input: of({ nbf: now + 31 }), ruleId: 'ciba-object.nbf' },
  { name: 'nbf 3601 seconds old', input: of({ nbf: now - 3601 }), ruleId: 'ciba-object.nbf' },
  { name: 'no exp', input: of({ exp: undefined }), ruleId: 'ciba-object.exp' },
  { name: 'at its end', input: of({ nbf: now - 10, exp: now }), ruleId: 'ciba-object.exp' },
  { name: '3601 seconds of life', input: of({ exp: now + 3601 }), ruleId: 'ciba-object.exp' },
  { name: 'no iat', input: of({ iat: undefined }), ruleId: 'ciba-object.iat' },
  { name: 'iat 31 seconds ahead', input: of({ iat: now + 31 }), ruleId: 'ciba-object.iat' },
  { name: 'no jti', input: of({ jti: undefined }), ruleId: 'ciba-object.jti' },
  { name: 'an empty jti', input: of({ jti: '' }), ruleId: 'ciba-object.jti' },
  { name: '257 bytes of jti', input: of({ jti: 'j'.repeat(257) }), ruleId: 'ciba-object.jti' },
  ...Object.entries({ scope: ['openid'], login_hint: 7, resource: [7], binding_message: 'a\0b', x: {} }).map(
    ([name, value]) => ({
      name: `${name} of the wrong type`,
      input: of({ [name]: value }),
      ruleId: 'ciba-object.parameters',
    }),
  ),
]

describe('a signed authentication request', () => {
  for (const [name, input] of passing)
    test(`passes: ${name}`, () => assert.equal(firstRefusal(signedCibaRules, input), undefined))
  for (const { name, input, ruleId } of refusals)
    test(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(signedCibaRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_request')
    })

  test('passes at 60 minutes of age', () => {
    const input = of({ nbf: now - 3599, iat: now - 3599, exp: now + 1 })
    assert.equal(firstRefusal(signedCibaRules, input), undefined)
  })

  test('has the algorithm of the profile that the client registered', () => {
    const judge = (alg: unknown, registeredAlg: 'ES256' | 'PS256' | undefined) =>
      firstRefusal(signedCibaAlgRules, {
        header: { alg },
        profile: { signingAlgs: ['ES256', 'PS256'] },
        registeredAlg,
      })?.ruleId
    assert.equal(judge('ES256', 'ES256'), undefined)
    for (const alg of ['none', 'HS256', 'RS256', undefined])
      assert.equal(judge(alg, 'ES256'), 'ciba-object.alg')
    assert.equal(judge('PS256', 'ES256'), 'ciba-object.registered-alg')
    assert.equal(judge('ES256', undefined), 'ciba-object.registered-alg')
  })

  test('gives its parameters as text, and none of its own claims', () => {
    const values = cibaParametersOf({ ...claims, requested_expiry: 9, request_context: { a: 1 }, state: '' })
    assert.deepEqual(values.get('requested_expiry'), ['9'])
    assert.deepEqual(values.get('request_context'), ['{"a":1}'])
    assert.deepEqual(values.get('state'), [])
    assert.deepEqual(values.get('iss'), [])
  })
})
