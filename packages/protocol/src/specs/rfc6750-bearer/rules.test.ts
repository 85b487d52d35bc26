import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstRefusal, type Refused, type Rule } from '../../rule.ts'
import {
  accessTokenBytesMax,
  judgePresentation,
  type PresentationInput,
  presentationRules,
  type SchemeInput,
  type ScopeInput,
  schemeRules,
  scopeRules,
  splitValues,
  usedSchemes,
} from './rules.ts'

const good: PresentationInput = {
  isSecure: true,
  authorization: ['DPoP abc'],
  query: 'page=2',
  isTokenInBody: false,
  offered: ['DPoP', 'Bearer'],
}

const refusals: readonly Refused<PresentationInput>[] = [
  { name: 'plain HTTP', input: { ...good, isSecure: false }, ruleId: 'bearer.tls' },
  { name: 'header and query', input: { ...good, query: 'access_token=abc' }, ruleId: 'bearer.one-method' },
  { name: 'header and body', input: { ...good, isTokenInBody: true }, ruleId: 'bearer.one-method' },
  {
    name: 'two credentials',
    input: { ...good, authorization: ['DPoP abc', 'Bearer abc'] },
    ruleId: 'bearer.one-authorization',
  },
  {
    name: 'query only',
    input: { ...good, authorization: [], query: 'a=1&access_token=abc' },
    ruleId: 'bearer.header-only',
  },
  {
    name: 'query only, name percent-encoded',
    input: { ...good, authorization: [], query: '%61ccess_token=abc' },
    ruleId: 'bearer.header-only',
  },
  {
    name: 'body only',
    input: { ...good, authorization: [], isTokenInBody: true },
    ruleId: 'bearer.header-only',
  },
  { name: 'no credentials', input: { ...good, authorization: [] }, ruleId: 'bearer.credentials-missing' },
  {
    name: 'another scheme',
    input: { ...good, authorization: ['Basic abc'] },
    ruleId: 'bearer.credentials-missing',
  },
  {
    name: 'a scheme this API does not speak',
    input: { ...good, authorization: ['Bearer abc'], offered: ['DPoP'] },
    ruleId: 'bearer.credentials-missing',
  },
  { name: 'scheme alone', input: { ...good, authorization: ['DPoP'] }, ruleId: 'bearer.credentials-syntax' },
  {
    name: 'two tokens',
    input: { ...good, authorization: ['DPoP a b'] },
    ruleId: 'bearer.credentials-syntax',
  },
  {
    name: 'a character outside token68',
    input: { ...good, authorization: ['DPoP a"b'] },
    ruleId: 'bearer.credentials-syntax',
  },
  {
    name: 'one byte too long',
    input: { ...good, authorization: [`DPoP ${'a'.repeat(accessTokenBytesMax + 1)}`] },
    ruleId: 'bearer.token-size',
  },
]

const goodScheme: SchemeInput = { scheme: 'DPoP', isKeyBound: true }
const schemeRefusals: readonly Refused<SchemeInput>[] = [
  { name: 'bound as Bearer', input: { ...goodScheme, scheme: 'Bearer' }, ruleId: 'bearer.dpop-downgrade' },
  { name: 'unbound as DPoP', input: { ...goodScheme, isKeyBound: false }, ruleId: 'bearer.dpop-unbound' },
]

const goodScope: ScopeInput = { required: ['a', 'b'], granted: ['b', 'c', 'a'] }
const scopeRefusals: readonly Refused<ScopeInput>[] = [
  { name: 'one missing', input: { ...goodScope, granted: ['a'] }, ruleId: 'bearer.scope' },
  { name: 'none granted', input: { ...goodScope, granted: [] }, ruleId: 'bearer.scope' },
  { name: 'other case', input: { ...goodScope, granted: ['A', 'b'] }, ruleId: 'bearer.scope' },
]

function runTable<Input>(
  rules: readonly Rule<Input>[],
  value: Input,
  table: readonly Refused<Input>[],
): void {
  test('accepts the good value', () => assert.equal(firstRefusal(rules, value), undefined))
  for (const { name, input, ruleId } of table)
    test(`refuses: ${name}`, () => assert.equal(firstRefusal(rules, input)?.ruleId, ruleId))
  test('every rule refuses something', () =>
    assert.deepEqual(new Set(table.map(row => row.ruleId)), new Set(rules.map(rule => rule.id))))
}

describe('how a token is presented', () => {
  runTable(presentationRules, good, refusals)

  test('a token of exactly 8 KiB is looked at', () => {
    const token = 'a'.repeat(accessTokenBytesMax)
    const outcome = judgePresentation({ ...good, authorization: [`DPoP ${token}`] })
    assert.equal(outcome.ok && outcome.value.token, token)
  })

  test('the name of the scheme is compared without case', () => {
    const outcome = judgePresentation({ ...good, authorization: ['dPoP abc'] })
    assert.deepEqual(outcome.ok && outcome.value, { scheme: 'DPoP', token: 'abc' })
  })

  test('an escaped query without a token is no obstacle', () => {
    assert.equal(judgePresentation({ ...good, query: 'q=%61b' }).ok, true)
  })

  test('a joined header is two credentials', () => {
    assert.deepEqual(splitValues(['DPoP a, Bearer b']), ['DPoP a', 'Bearer b'])
    assert.deepEqual(splitValues(['DPoP a']), ['DPoP a'])
  })

  test('the error belongs to the scheme that was used', () => {
    assert.deepEqual(usedSchemes(good), ['DPoP'])
    assert.deepEqual(usedSchemes({ ...good, authorization: ['bearer'] }), ['Bearer'])
    assert.deepEqual(usedSchemes({ ...good, authorization: [] }), [])
    assert.deepEqual(usedSchemes({ ...good, authorization: ['Basic a'] }), [])
    assert.deepEqual(usedSchemes({ ...good, authorization: ['DPoP a', 'Bearer a'] }), ['DPoP', 'Bearer'])
  })
})

describe('scheme and binding', () => {
  runTable(schemeRules, goodScheme, schemeRefusals)
  test('an unbound token may come as Bearer as far as the scheme goes', () =>
    assert.equal(firstRefusal(schemeRules, { scheme: 'Bearer', isKeyBound: false }), undefined))
})

describe('scope of a route', () => {
  runTable(scopeRules, goodScope, scopeRefusals)
  test('a route that needs nothing takes any token', () =>
    assert.equal(firstRefusal(scopeRules, { required: [], granted: [] }), undefined))
})
