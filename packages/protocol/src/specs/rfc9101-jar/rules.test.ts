import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  parametersOf,
  type RequestCarrierInput,
  type RequestObjectAlgInput,
  type RequestObjectInput,
  requestCarrierRules,
  requestObjectAlgRules,
  requestObjectRules,
  type SignedRequestInput,
  signedRequestRules,
} from './rules.ts'

const now = 1_800_000_000 as EpochSeconds
const issuer = 'https://issuer.example'

const good: RequestObjectInput = {
  header: { alg: 'PS256', typ: 'oauth-authz-req+jwt' },
  claims: {
    iss: 'c_bank',
    aud: issuer,
    nbf: now,
    exp: now + 300,
    iat: now,
    jti: 'j-1',
    client_id: 'c_bank',
    response_type: 'code',
    max_age: 0,
    resource: ['https://a.example', 'https://b.example'],
    authorization_details: [{ type: 'x' }],
  },
  clientId: 'c_bank',
  issuer,
  profile: { futureSeconds: 30, signedRequestObjects: 'required' },
  now,
}

const claimed = (changes: Readonly<Record<string, unknown>>): RequestObjectInput => ({
  ...good,
  claims: { ...good.claims, ...changes },
})
const relaxed = { futureSeconds: 30, signedRequestObjects: 'allowed' } as const

const refusals: readonly Refused<RequestObjectInput>[] = [
  { name: 'of another kind', input: { ...good, header: { typ: 'JWT' } }, ruleId: 'request-object.typ' },
  { name: 'a request inside', input: claimed({ request: 'x' }), ruleId: 'request-object.not-nested' },
  { name: 'a reference inside', input: claimed({ request_uri: 'x' }), ruleId: 'request-object.not-nested' },
  { name: 'of another client', input: claimed({ client_id: 'c_other' }), ruleId: 'request-object.client' },
  { name: 'of no client', input: claimed({ client_id: undefined }), ruleId: 'request-object.client' },
  { name: 'another iss', input: claimed({ iss: 'c_other' }), ruleId: 'request-object.iss' },
  { name: 'sub is the client', input: claimed({ sub: 'c_bank' }), ruleId: 'request-object.sub' },
  { name: 'another aud', input: claimed({ aud: `${issuer}/` }), ruleId: 'request-object.aud' },
  { name: 'a list without us', input: claimed({ aud: ['x'] }), ruleId: 'request-object.aud' },
  { name: 'no nbf', input: claimed({ nbf: undefined }), ruleId: 'request-object.nbf' },
  { name: 'nbf as text', input: claimed({ nbf: String(now) }), ruleId: 'request-object.nbf' },
  { name: 'nbf 31 s ahead', input: claimed({ nbf: now + 31 }), ruleId: 'request-object.nbf' },
  { name: 'nbf 3601 s old', input: claimed({ nbf: now - 3601, exp: now - 1 }), ruleId: 'request-object.nbf' },
  { name: 'no exp', input: claimed({ exp: undefined }), ruleId: 'request-object.exp' },
  { name: 'exp as text', input: claimed({ exp: String(now) }), ruleId: 'request-object.exp' },
  { name: 'exp now', input: claimed({ nbf: now - 60, exp: now }), ruleId: 'request-object.exp' },
  { name: 'exp 3601 s after nbf', input: claimed({ exp: now + 3601 }), ruleId: 'request-object.exp' },
  {
    name: 'exp 3601 s ahead without nbf',
    input: { ...claimed({ nbf: undefined, exp: now + 3601 }), profile: relaxed },
    ruleId: 'request-object.exp',
  },
  { name: 'iat 31 s ahead', input: claimed({ iat: now + 31 }), ruleId: 'request-object.iat' },
  { name: 'an empty jti', input: claimed({ jti: '' }), ruleId: 'request-object.jti' },
  { name: '257 bytes of jti', input: claimed({ jti: 'j'.repeat(257) }), ruleId: 'request-object.jti' },
  {
    name: 'a jti without exp',
    input: { ...claimed({ exp: undefined }), profile: relaxed },
    ruleId: 'request-object.jti',
  },
  { name: 'an object as text', input: claimed({ state: {} }), ruleId: 'request-object.parameters' },
  { name: 'null', input: claimed({ state: null }), ruleId: 'request-object.parameters' },
  { name: 'a list of scopes', input: claimed({ scope: ['a'] }), ruleId: 'request-object.parameters' },
  { name: 'a list of numbers', input: claimed({ resource: [1] }), ruleId: 'request-object.parameters' },
]
for (const { name, input, ruleId } of refusals)
  test(`a request object is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(requestObjectRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request_object')
  })

for (const [name, input] of [
  ['a good one', good],
  ['no typ', { ...good, header: {} }],
  ['the long typ', { ...good, header: { typ: 'application/OAUTH-authz-req+jwt' } }],
  ['aud in a list', claimed({ aud: ['x', issuer] })],
  ['nbf 30 s ahead', claimed({ nbf: now + 30, exp: now + 60 })],
  ['nbf 3600 s old', claimed({ nbf: now - 3599, exp: now + 1 })],
  ['exp 3600 s after nbf', claimed({ exp: now + 3600 })],
  ['exp in a second', claimed({ exp: now + 1 })],
  ['another sub', claimed({ sub: 'alice' })],
  ['256 bytes of jti', claimed({ jti: 'j'.repeat(256) })],
  ['iat 30 s ahead', claimed({ iat: now + 30 })],
  [
    'no times where none are required',
    { ...claimed({ nbf: undefined, exp: undefined, jti: undefined, iat: undefined }), profile: relaxed },
  ],
] as const)
  test(`a request object passes: ${name}`, () => {
    assert.equal(firstRefusal(requestObjectRules, input), undefined)
  })

const goodAlg: RequestObjectAlgInput = {
  header: { alg: 'PS256' },
  profile: { signingAlgs: ['PS256', 'ES256'] },
  registeredAlg: 'PS256',
}
const algRefusals: readonly Refused<RequestObjectAlgInput>[] = [
  { name: 'none', input: { ...goodAlg, header: { alg: 'none' } }, ruleId: 'request-object.alg' },
  { name: 'RS256', input: { ...goodAlg, header: { alg: 'RS256' } }, ruleId: 'request-object.alg' },
  {
    name: 'another',
    input: { ...goodAlg, header: { alg: 'ES256' } },
    ruleId: 'request-object.registered-alg',
  },
]
for (const { name, input, ruleId } of algRefusals)
  test(`an algorithm of a request object is refused by ${ruleId}: ${name}`, () => {
    assert.equal(firstRefusal(requestObjectAlgRules, input)?.ruleId, ruleId)
  })
test('any algorithm of the profile signs a request object of a client that registered none', () => {
  assert.equal(firstRefusal(requestObjectAlgRules, goodAlg), undefined)
  const input = { ...goodAlg, header: { alg: 'ES256' }, registeredAlg: undefined }
  assert.equal(firstRefusal(requestObjectAlgRules, input), undefined)
})

const carrierRefusals: readonly Refused<RequestCarrierInput>[] = [
  { name: 'both', input: { request: 'x', requestUri: 'y' }, ruleId: 'request-object.one-carrier' },
]
for (const { input, ruleId } of carrierRefusals)
  test('a request comes by value or by reference, not both', () => {
    assert.equal(firstRefusal(requestCarrierRules, input)?.ruleId, ruleId)
    assert.equal(firstRefusal(requestCarrierRules, { ...input, request: undefined }), undefined)
    assert.equal(firstRefusal(requestCarrierRules, { ...input, requestUri: undefined }), undefined)
  })

const plain: SignedRequestInput = {
  profile: { signedRequestObjects: 'allowed' },
  clientRequiresSigned: false,
  requestObject: undefined,
}
const required = { signedRequestObjects: 'required' } as const
const signedRefusals: readonly Refused<SignedRequestInput>[] = [
  { name: 'by profile', input: { ...plain, profile: required }, ruleId: 'request-object.required' },
  { name: 'by client', input: { ...plain, clientRequiresSigned: true }, ruleId: 'request-object.required' },
  {
    name: 'without times',
    input: { ...plain, profile: required, requestObject: 'untimed' },
    ruleId: 'request-object.timed',
  },
]
for (const { name, input, ruleId } of signedRefusals)
  test(`a request that must be signed is refused by ${ruleId}: ${name}`, () => {
    assert.equal(firstRefusal(signedRequestRules, input)?.ruleId, ruleId)
    assert.equal(firstRefusal(signedRequestRules, { ...input, requestObject: 'timed' }), undefined)
  })
test('where nothing requires a signature, a plain and an untimed request pass', () => {
  assert.equal(firstRefusal(signedRequestRules, plain), undefined)
  assert.equal(firstRefusal(signedRequestRules, { ...plain, requestObject: 'untimed' }), undefined)
})

test('the parameters of an object are its claims as text, without those of the JWT itself', () => {
  const parameters = parametersOf({ ...good.claims, state: '' })
  assert.deepEqual(parameters.get('max_age'), ['0'])
  assert.deepEqual(parameters.get('resource'), ['https://a.example', 'https://b.example'])
  assert.deepEqual(parameters.get('authorization_details'), ['[{"type":"x"}]'])
  assert.deepEqual(parameters.get('state'), [])
  assert.deepEqual(parameters.get('aud'), [])
})
