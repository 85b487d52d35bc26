import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { firstRefusal } from '../../rule.ts'
import {
  globalRevocationCallerRules,
  globalRevocationRules,
  revokedSubjectRules,
  subjectOf,
} from './rules.ts'

const issuer = 'https://as.example'
const caller = { tokenAudience: [issuer], issuer, isOwn: true }

describe('who revokes globally', () => {
  it('is a client with a token of its own for this server', () => {
    assert.equal(firstRefusal(globalRevocationCallerRules, caller), undefined)
    const elsewhere = { ...caller, tokenAudience: ['https://api.example'] }
    const atApi = firstRefusal(globalRevocationCallerRules, elsewhere)
    assert.equal(atApi?.ruleId, 'global-revocation.audience')
    assert.equal(atApi?.error, 'invalid_token')
    const forUser = firstRefusal(globalRevocationCallerRules, { ...caller, isOwn: false })
    assert.equal(forUser?.ruleId, 'global-revocation.caller')
  })
})

describe('whom a request names', () => {
  const bodies: readonly (readonly [
    string,
    Readonly<Record<string, unknown>> | undefined,
    string | undefined,
  ])[] = [
    ['iss_sub', { sub_id: { format: 'iss_sub', iss: issuer, sub: 'u_1' } }, undefined],
    ['opaque', { sub_id: { format: 'opaque', id: 'u_1' } }, undefined],
    ['255 characters', { sub_id: { format: 'opaque', id: 'u'.repeat(255) } }, undefined],
    ['no body', undefined, 'global-revocation.body'],
    ['no sub_id', {}, 'global-revocation.body'],
    ['sub_id as text', { sub_id: 'u_1' }, 'global-revocation.body'],
    ['sub_id as a list', { sub_id: [] }, 'global-revocation.body'],
    ['email', { sub_id: { format: 'email', email: 'a@b.example' } }, 'global-revocation.format'],
    ['no format', { sub_id: { sub: 'u_1' } }, 'global-revocation.format'],
    [
      'another issuer',
      { sub_id: { format: 'iss_sub', iss: 'https://other.example', sub: 'u_1' } },
      'global-revocation.format',
    ],
    ['an empty id', { sub_id: { format: 'opaque', id: '' } }, 'global-revocation.format'],
    ['256 characters', { sub_id: { format: 'opaque', id: 'u'.repeat(256) } }, 'global-revocation.format'],
    ['a number', { sub_id: { format: 'opaque', id: 1 } }, 'global-revocation.format'],
  ]
  for (const [name, body, ruleId] of bodies)
    it(ruleId === undefined ? `is taken: ${name}` : `is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(globalRevocationRules, { body, issuer })
      assert.equal(refusal?.ruleId, ruleId)
      if (ruleId !== undefined) assert.equal(refusal?.error, 'invalid_request')
    })
  it('never throws', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('sub_id', 'x'), fc.jsonValue()), body => {
        subjectOf(body, issuer)
        firstRefusal(globalRevocationRules, { body, issuer })
      }),
    )
  })
  it('must be known', () => {
    assert.equal(firstRefusal(revokedSubjectRules, { isKnown: true }), undefined)
    assert.equal(firstRefusal(revokedSubjectRules, { isKnown: false })?.ruleId, 'global-revocation.unknown')
  })
})
