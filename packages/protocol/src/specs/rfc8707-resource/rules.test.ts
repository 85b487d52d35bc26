import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type DefaultResourceInput,
  defaultResourceRules,
  defaultResources,
  type ResourceInput,
  resourceRules,
} from './rules.ts'

const api = 'https://api.example/accounts'
const pay = 'https://api.example/payments'
const good: ResourceInput = {
  resources: [api],
  isKnown: resource => resource !== 'https://unknown.example/',
  allowedResources: [api, pay, 'https://unknown.example/'],
}
const asks = (...resources: string[]): ResourceInput => ({ ...good, resources })

const refusals: readonly Refused<ResourceInput>[] = [
  { name: 'six resources', input: asks(api, api, api, api, api, api), ruleId: 'resource.count' },
  { name: 'a word', input: asks('foo'), ruleId: 'resource.form' },
  { name: 'a path', input: asks('/accounts'), ruleId: 'resource.form' },
  { name: 'a fragment', input: asks(`${api}#f`), ruleId: 'resource.form' },
  { name: 'an empty fragment', input: asks(`${api}#`), ruleId: 'resource.form' },
  { name: 'a space', input: asks(`${api} x`), ruleId: 'resource.form' },
  { name: 'one bad of two', input: asks(api, 'foo'), ruleId: 'resource.form' },
  { name: 'unknown to the issuer', input: asks('https://unknown.example/'), ruleId: 'resource.allowed' },
  {
    name: 'not allowed for the client',
    input: asks('https://api.example/admin'),
    ruleId: 'resource.allowed',
  },
  { name: 'a slash more', input: asks(`${api}/`), ruleId: 'resource.allowed' },
]

for (const { name, input, ruleId } of refusals)
  test(`a resource is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(resourceRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_target')
  })

for (const input of [asks(), asks(api), asks(api, pay), asks(api, api, api, api, api)])
  test(`${input.resources.length} allowed resources pass: ${input.resources.join(' ')}`, () => {
    assert.equal(firstRefusal(resourceRules, input), undefined)
  })

const accounts = { audience: api, scopes: ['accounts'] }
const payments = { audience: pay, scopes: ['payments'] }
const none: DefaultResourceInput = {
  resources: [],
  scopes: ['openid', 'accounts'],
  allowed: [accounts, payments],
  detailAudiences: [],
}

const ambiguous: readonly Refused<DefaultResourceInput>[] = [
  {
    name: 'scopes of two resource servers',
    input: { ...none, scopes: ['accounts', 'payments'] },
    ruleId: 'resource.unambiguous',
  },
  {
    name: 'a scope and a detail of two resource servers',
    input: { ...none, detailAudiences: [pay] },
    ruleId: 'resource.unambiguous',
  },
]

for (const { name, input, ruleId } of ambiguous)
  test(`a request without resource is refused by ${ruleId}: ${name}`, () => {
    assert.equal(firstRefusal(defaultResourceRules, input)?.ruleId, ruleId)
    assert.equal(firstRefusal(defaultResourceRules, { ...input, resources: [api, pay] }), undefined)
  })

test('a request without resource means the only one the client has', () => {
  assert.deepEqual(defaultResources({ ...none, scopes: ['openid'], allowed: [payments] }), [pay])
})

test('a request without resource means the one that understands its scopes', () => {
  assert.equal(firstRefusal(defaultResourceRules, none), undefined)
  assert.deepEqual(defaultResources(none), [api])
})

test('a request means the resources it names and those of its details, five at most', () => {
  assert.deepEqual(defaultResources({ ...none, resources: [api], detailAudiences: [pay, api] }), [api, pay])
  const more = (count: number) => Array.from({ length: count }, (_, index) => `https://${index}.example`)
  const five = { ...none, resources: [api], detailAudiences: more(4) }
  assert.equal(firstRefusal(defaultResourceRules, five), undefined)
  const six = { ...five, detailAudiences: more(5) }
  assert.equal(firstRefusal(defaultResourceRules, six)?.ruleId, 'resource.count-meant')
})

test('a request without resource means the one that its details belong to', () => {
  assert.deepEqual(defaultResources({ ...none, scopes: ['openid'], detailAudiences: [pay] }), [pay])
})

test('a request for identity alone means no resource', () => {
  assert.deepEqual(defaultResources({ ...none, scopes: ['openid'] }), [])
})

test('a resource named twice is meant once', () => {
  assert.deepEqual(defaultResources({ ...none, resources: [api, api] }), [api])
})
