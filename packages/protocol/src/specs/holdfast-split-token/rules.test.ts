import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  joinedToken,
  type SplitClaimsInput,
  type SplitHalvesInput,
  splitClaimsRules,
  splitHalvesRules,
  splitSignatureOf,
} from './rules.ts'

const signature = 's'.repeat(86)
const token = `st_abcdef${signature}`
const halves: SplitHalvesInput = { token, signingInput: 'aGVhZA.cGF5bG9hZA' }

const wrongHalves: readonly Refused<SplitHalvesInput>[] = [
  { name: 'no head', input: { ...halves, signingInput: undefined }, ruleId: 'split-token.halves' },
  { name: 'the whole', input: { ...halves, signingInput: 'a.b.c' }, ruleId: 'split-token.halves' },
  { name: 'one part', input: { ...halves, signingInput: 'a' }, ruleId: 'split-token.halves' },
  { name: 'an empty payload', input: { ...halves, signingInput: 'a.' }, ruleId: 'split-token.halves' },
  { name: 'a number', input: { ...halves, signingInput: 7 }, ruleId: 'split-token.halves' },
  { name: 'for an opaque token', input: { ...halves, token: 'at_x' }, ruleId: 'split-token.halves' },
  { name: 'for the whole', input: { ...halves, token: 'a.b.c' }, ruleId: 'split-token.halves' },
]

const claims = {
  ...{ iss: 'https://as.example', sub: 'u', client_id: 'c', jti: 'j', iat: 1, exp: 2, scope: 'a b' },
  ...{ aud: 'https://rs.example', cnf: { jkt: 'k', 'x5t#S256': 'x' }, tenant_id: 't', txn: 'n', acr: 'a' },
  act: { sub: 's' },
}
const same: SplitClaimsInput = { joined: claims, told: { active: true, ...claims } }
const told = (changes: Readonly<Record<string, unknown>>): SplitClaimsInput => ({
  joined: claims,
  told: { ...claims, ...changes },
})
const otherClaims: readonly Refused<SplitClaimsInput>[] = [
  ...Object.keys(claims).flatMap(name => [
    { name: `another ${name}`, input: told({ [name]: 'other' }), ruleId: 'split-token.claims' },
    { name: `without ${name}`, input: told({ [name]: undefined }), ruleId: 'split-token.claims' },
  ]),
  { name: 'half of the binding', input: told({ cnf: { jkt: 'k' } }), ruleId: 'split-token.claims' },
  { name: 'only one who may act', input: told({ may_act: { sub: 'm' } }), ruleId: 'split-token.claims' },
]

describe('split tokens', () => {
  for (const { name, input, ruleId } of wrongHalves)
    test(`halves are refused by ${ruleId}: ${name}`, () => {
      assert.equal(firstRefusal(splitHalvesRules, input)?.ruleId, ruleId)
    })

  for (const { name, input, ruleId } of otherClaims)
    test(`claims are refused by ${ruleId}: ${name}`, () => {
      assert.equal(firstRefusal(splitClaimsRules, input)?.ruleId, ruleId)
    })

  test('halves that belong together pass, and so does an opaque token without a head', () => {
    assert.equal(firstRefusal(splitHalvesRules, halves), undefined)
    assert.equal(firstRefusal(splitHalvesRules, { token: 'at_x', signingInput: undefined }), undefined)
  })

  test('the same claims pass, in whatever order the binding is written', () => {
    assert.equal(firstRefusal(splitClaimsRules, same), undefined)
    const turned = told({ cnf: { 'x5t#S256': 'x', jkt: 'k' } })
    assert.equal(firstRefusal(splitClaimsRules, turned), undefined)
  })

  test('a half is a prefix, a time and a signature of 86 to 6170 characters', () => {
    assert.equal(splitSignatureOf(token), signature)
    assert.equal(joinedToken(token, 'a.b'), `a.b.${signature}`)
    assert.notEqual(splitSignatureOf(`st_abcdef${'s'.repeat(6170)}`), undefined)
    for (const wrong of [
      `st_abcdef${'s'.repeat(85)}`,
      `st_abcdef${'s'.repeat(6171)}`,
      `at_abcdef${signature}`,
      `${token}.`,
      `${token}=`,
      `${token}\n`,
      `x${token}`,
      signature,
    ])
      assert.equal(splitSignatureOf(wrong), undefined, wrong.slice(0, 12))
    assert.equal(joinedToken('at_x', 'a.b'), undefined)
  })
})
