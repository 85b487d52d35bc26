import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal } from '../../rule.ts'
import { revocationOwnerRules, revocationRules } from './rules.ts'

test('a revocation with a token passes', () => {
  assert.equal(firstRefusal(revocationRules, { token: 'at_x' }), undefined)
})

test('a revocation without a token is refused', () => {
  const refusal = firstRefusal(revocationRules, { token: undefined })
  assert.equal(refusal?.ruleId, 'revocation.token')
  assert.equal(refusal?.error, 'invalid_request')
})

test('a client revokes its own token', () => {
  assert.equal(firstRefusal(revocationOwnerRules, { clientId: 'c_1', owner: 'c_1' }), undefined)
})

test("a client does not revoke another's token", () => {
  const refusal = firstRefusal(revocationOwnerRules, { clientId: 'c_1', owner: 'c_2' })
  assert.equal(refusal?.ruleId, 'revocation.owner')
})
