import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type PublishedJwksInput, publishedJwksRules } from './rules.ts'

const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'a', use: 'sig', alg: 'ES256' }
const other = { kty: 'RSA', n: 'n', e: 'AQAB', kid: 'b', use: 'sig', alg: 'PS256' }
const good: PublishedJwksInput = { document: { keys: [key, other] } }
const spoiled = (change: Readonly<Record<string, unknown>>): PublishedJwksInput => ({
  document: { keys: [{ ...key, ...change }, other] },
})

const refusals: readonly Refused<PublishedJwksInput>[] = [
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map(name => ({
    name: `a member ${name}`,
    input: spoiled({ [name]: 'x' }),
    ruleId: 'jwks.private-member',
  })),
  { name: 'a private member without value', input: spoiled({ d: undefined }), ruleId: 'jwks.private-member' },
  { name: 'a symmetric key', input: spoiled({ kty: 'oct' }), ruleId: 'jwks.key-type' },
  { name: 'no key type', input: spoiled({ kty: undefined }), ruleId: 'jwks.key-type' },
  { name: 'a shared kid', input: spoiled({ kid: 'b' }), ruleId: 'jwks.kid-unique' },
  { name: 'no kid', input: spoiled({ kid: undefined }), ruleId: 'jwks.kid-unique' },
  { name: 'an empty kid', input: spoiled({ kid: '' }), ruleId: 'jwks.kid-unique' },
  { name: 'no use', input: spoiled({ use: undefined }), ruleId: 'jwks.use-and-alg' },
  { name: 'an unknown use', input: spoiled({ use: 'tls' }), ruleId: 'jwks.use-and-alg' },
  { name: 'no alg', input: spoiled({ alg: undefined }), ruleId: 'jwks.use-and-alg' },
]

describe('published key set', () => {
  it('may be published when it is public, named and purposed', () => {
    assert.equal(firstRefusal(publishedJwksRules, good), undefined)
    assert.equal(firstRefusal(publishedJwksRules, spoiled({ use: 'enc' })), undefined)
    assert.equal(firstRefusal(publishedJwksRules, { document: { keys: [] } }), undefined)
  })
  for (const { name, input, ruleId } of refusals)
    it(`is refused with ${name}`, () => {
      assert.equal(firstRefusal(publishedJwksRules, input)?.ruleId, ruleId)
    })
})
