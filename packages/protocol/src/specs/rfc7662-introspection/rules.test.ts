import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type ActiveTokenInput,
  type AddressedInput,
  activeTokenRules,
  addressedRules,
  type IntrospectionInput,
  introspectionRules,
} from './rules.ts'

const now = epochSeconds(1_800_000_000)
const token = { expiresAt: epochSeconds(now + 1), isRevoked: false } as const
const good: ActiveTokenInput = {
  now,
  token,
  isClientActive: true,
  lost: [],
  grant: { isLive: true, isUserActive: true },
}

const refusals: readonly Refused<ActiveTokenInput>[] = [
  { name: 'unknown', input: { ...good, token: undefined }, ruleId: 'token.known' },
  { name: 'revoked', input: { ...good, token: { ...token, isRevoked: true } }, ruleId: 'token.revoked' },
  {
    name: 'in the second it expires',
    input: { ...good, token: { ...token, expiresAt: now } },
    ruleId: 'token.expired',
  },
  { name: 'of a suspended client', input: { ...good, isClientActive: false }, ruleId: 'token.client-active' },
  {
    name: 'with a scope that its client may no longer have',
    input: { ...good, lost: ['payments'] },
    ruleId: 'token.within-rights',
  },
  {
    name: 'of a dead grant',
    input: { ...good, grant: { isLive: false, isUserActive: true } },
    ruleId: 'token.grant-live',
  },
  {
    name: 'of a disabled user',
    input: { ...good, grant: { isLive: true, isUserActive: false } },
    ruleId: 'token.user-active',
  },
]

test('a token in its last second is active', () => {
  assert.equal(firstRefusal(activeTokenRules, good), undefined)
})

test('a token without a grant is active by itself', () => {
  assert.equal(firstRefusal(activeTokenRules, { ...good, grant: undefined }), undefined)
})

for (const { name, input, ruleId } of refusals)
  test(`a token is not active by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(activeTokenRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_token')
  })

const caller: IntrospectionInput = { token: 'at_x', introspects: ['https://api.example'] }

test('a resource server that sends a token may ask', () => {
  assert.equal(firstRefusal(introspectionRules, caller), undefined)
})

const callers: readonly Refused<IntrospectionInput>[] = [
  { name: 'an ordinary client', input: { ...caller, introspects: [] }, ruleId: 'introspection.caller' },
  { name: 'no token', input: { ...caller, token: undefined }, ruleId: 'introspection.token' },
]
for (const { name, input, ruleId } of callers)
  test(`a caller is refused by ${ruleId}: ${name}`, () => {
    assert.equal(firstRefusal(introspectionRules, input)?.ruleId, ruleId)
  })

const addressed: AddressedInput = { audience: ['https://a.example'], introspects: ['https://a.example'] }

test('a token for one of the audiences of the caller is meant for it', () => {
  assert.equal(firstRefusal(addressedRules, addressed), undefined)
  const more = { ...addressed, introspects: ['https://b.example', 'https://a.example'] }
  assert.equal(firstRefusal(addressedRules, more), undefined)
})

test('a token for another audience, or for none, is refused by introspection.addressed', () => {
  for (const audience of [['https://b.example'], ['https://a.example/'], []])
    assert.equal(firstRefusal(addressedRules, { ...addressed, audience })?.ruleId, 'introspection.addressed')
})
