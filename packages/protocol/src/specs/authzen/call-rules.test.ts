import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal } from '../../rule.ts'
import type { JsonObject } from '../../wire/json.ts'
import { type CallReach, callerOfCallRules, callReachRules, readCall } from './call-rules.ts'
import { nameLengthMax } from './rules.ts'

const good: JsonObject = {
  client_id: 'web-shop',
  audience: ['https://api.example'],
  scopes: ['accounts'],
  binding: 'key',
  acr: 'urn:one',
  amr: ['pwd'],
  auth_time: 1_800_000_000,
  authorization_details: [{ type: 'payment', amount: 7 }],
  txn: 'txn-1',
}
const without = (name: string): JsonObject =>
  Object.fromEntries(Object.entries(good).filter(([member]) => member !== name))
const long = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, index) => `${index}`.padEnd(length, 's'))
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`)

test('a call says whose token it is, for whom, with which scopes, and how it was proven', () => {
  const call = readCall(good)
  assert.ok(call.ok)
  assert.deepEqual(call.value, {
    ...{ clientId: 'web-shop', audience: ['https://api.example'], scopes: ['accounts'], binding: 'dpop' },
    ...{ details: [{ type: 'payment' }], acr: 'urn:one', amr: ['pwd'] },
    ...{ authTime: 1_800_000_000, txn: 'txn-1' },
  })
})

test('what is not known of the user, the details or the transaction is absent', () => {
  const { client_id, audience, scopes } = good
  const call = readCall({ client_id, audience, scopes, binding: 'certificate' } as JsonObject)
  assert.ok(call.ok)
  const { binding, details, acr, amr, authTime, txn } = call.value
  assert.deepEqual(
    [binding, details, acr, amr, authTime, txn],
    ['mtls', [], undefined, [], undefined, undefined],
  )
})

const accepted: readonly JsonObject[] = [
  { ...good, client_id: 'c'.repeat(nameLengthMax) },
  { ...good, scopes: [] },
  { ...good, scopes: many(100) },
  { ...good, scopes: long(8, 1024) },
  { ...good, authorization_details: long(8, 1024).map(type => ({ type })) },
  { ...good, binding: 'none' },
  { ...good, amr: [] },
  { ...good, auth_time: 0 },
  { ...good, authorization_details: [] },
  { ...good, txn: 't'.repeat(256) },
  { ...good, path: '/a', method: 'GET' },
]
for (const [index, context] of accepted.entries())
  test(`at the edge, and inside it: ${index}`, () => {
    assert.equal(readCall(context).ok, true, JSON.stringify(context).slice(0, 200))
  })

const refusals: readonly (readonly [string, JsonObject, string])[] = [
  ['no client', without('client_id'), 'authzen.call-token'],
  ['an empty client', { ...good, client_id: '' }, 'authzen.call-token'],
  ['a client too long', { ...good, client_id: 'c'.repeat(nameLengthMax + 1) }, 'authzen.call-token'],
  ['no audience', without('audience'), 'authzen.call-token'],
  ['an audience for nobody', { ...good, audience: [] }, 'authzen.call-token'],
  ['an audience that is a text', { ...good, audience: 'https://api.example' }, 'authzen.call-token'],
  ['no scopes', without('scopes'), 'authzen.call-token'],
  ['scopes in one text', { ...good, scopes: 'a b' }, 'authzen.call-token'],
  ['a scope that is none', { ...good, scopes: ['a', 7] }, 'authzen.call-token'],
  ['too many scopes', { ...good, scopes: many(101) }, 'authzen.call-token'],
  ['scopes that are too long together', { ...good, scopes: [...long(8, 1024), 's'] }, 'authzen.call-token'],
  ['no binding', without('binding'), 'authzen.call-token'],
  ['an unknown binding', { ...good, binding: 'dpop' }, 'authzen.call-token'],
  ['a binding by inheritance', { ...good, binding: 'toString' }, 'authzen.call-token'],
  ['an acr that is none', { ...good, acr: 7 }, 'authzen.call-user'],
  ['an acr that is null', { ...good, acr: null }, 'authzen.call-user'],
  ['amr in one text', { ...good, amr: 'pwd' }, 'authzen.call-user'],
  ['a time before all', { ...good, auth_time: -1 }, 'authzen.call-user'],
  ['a time in pieces', { ...good, auth_time: 1.5 }, 'authzen.call-user'],
  ['details that are no list', { ...good, authorization_details: {} }, 'authzen.call-details'],
  ['a detail without type', { ...good, authorization_details: [{}] }, 'authzen.call-details'],
  [
    'too many details',
    { ...good, authorization_details: many(101).map(type => ({ type })) },
    'authzen.call-details',
  ],
  [
    'types that are too long together',
    { ...good, authorization_details: [...long(8, 1024), 't'].map(type => ({ type })) },
    'authzen.call-details',
  ],
  ['an empty transaction', { ...good, txn: '' }, 'authzen.call-details'],
  ['a transaction too long', { ...good, txn: 't'.repeat(257) }, 'authzen.call-details'],
  ['a transaction with a line end', { ...good, txn: 'a\nb' }, 'authzen.call-details'],
]
for (const [name, context, ruleId] of refusals)
  test(`is no call: ${name}`, () => {
    const refusal = readCall(context)
    assert.ok(!refusal.ok)
    assert.equal(refusal.ruleId, ruleId)
  })

test('is about a client that the issuer serves', () => {
  assert.equal(firstRefusal(callerOfCallRules, { isServed: true }), undefined)
  assert.equal(firstRefusal(callerOfCallRules, { isServed: false })?.ruleId, 'authzen.call-client')
})

const reach: CallReach = { audience: ['https://a'], introspects: ['https://a', 'https://b'], owners: [] }
const reaches: readonly (readonly [string, Partial<CallReach>, string | undefined])[] = [
  ['for one whom who asks answers for', {}, undefined],
  ['for both', { audience: ['https://b', 'https://a'] }, undefined],
  ['for another one', { audience: ['https://c'] }, 'authzen.call-audience'],
  ['for another one, too', { audience: ['https://a', 'https://c'] }, 'authzen.call-audience'],
  ['by nobody', { introspects: [] }, 'authzen.call-audience'],
  ['with what is its own', { owners: [['https://a'], ['https://c', 'https://a']] }, undefined],
  ['with what is another one’s', { owners: [['https://a'], ['https://b']] }, 'authzen.call-reach'],
  ['with what is nobody’s any more', { owners: [[]] }, 'authzen.call-reach'],
]
for (const [name, change, ruleId] of reaches)
  test(`a call is asked about ${name}: ${ruleId ?? 'yes'}`, () => {
    assert.equal(firstRefusal(callReachRules, { ...reach, ...change })?.ruleId, ruleId)
  })
