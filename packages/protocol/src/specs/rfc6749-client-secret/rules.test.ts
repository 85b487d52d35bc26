import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { parseBasic } from './basic.ts'
import { type BasicInput, basicRules, type SecretInput, secretRules } from './rules.ts'

const basicOf = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const header = basicOf('c_1:cs_x')
const goodBasic: BasicInput = { header, clientId: 'c_1' }

const basicRefusals: readonly Refused<BasicInput>[] = [
  ...[
    ['another scheme', header.replace('Basic', 'Bearer')],
    ['no credentials', 'Basic'],
    ['no colon', basicOf('c_1')],
    ['no secret', basicOf('c_1:')],
    ['no identifier', basicOf(':cs_x')],
    ['a malformed escape', basicOf('c_1:%zz')],
    ['an escape that is not UTF-8', basicOf('c_1:%ff')],
    ['a raw space', basicOf('c_1:a b')],
    ['raw UTF-8', basicOf('c_1:é')],
    ['base64 with a line break', `${header}\n`],
    ['base64url', 'Basic Y18xOj8_Pw=='],
    ['base64 without its padding', header.replaceAll('=', '')],
    ['base64 with stray bits', 'Basic YTpiZ=='],
  ].map(([name = '', value = '']) => ({
    name,
    input: { ...goodBasic, header: value },
    ruleId: 'client-auth.basic-form',
  })),
  {
    name: 'another client_id',
    input: { ...goodBasic, clientId: 'c_2' },
    ruleId: 'client-auth.basic-client-id',
  },
]

const now = epochSeconds(1_800_000_000)
const secretOf = (isPresented: boolean, expiresAt?: number) => ({
  isPresented,
  expiresAt: expiresAt === undefined ? undefined : epochSeconds(expiresAt),
})
const secretRefusals: readonly Refused<SecretInput>[] = [
  { name: 'no secret at all', input: { now, secrets: [] }, ruleId: 'client-auth.secret' },
  { name: 'a wrong secret', input: { now, secrets: [secretOf(false)] }, ruleId: 'client-auth.secret' },
  {
    name: 'a secret in the second it expires',
    input: { now, secrets: [secretOf(true, now), secretOf(false)] },
    ruleId: 'client-auth.secret-expired',
  },
]

describe('HTTP Basic', () => {
  test('a well-formed header passes, with its client_id or without', () => {
    assert.equal(firstRefusal(basicRules, goodBasic), undefined)
    assert.equal(firstRefusal(basicRules, { header, clientId: undefined }), undefined)
    assert.equal(
      firstRefusal(basicRules, { ...goodBasic, header: header.replace('Basic', 'bAsIc ') }),
      undefined,
    )
  })

  test('the form-urlencoded vector is decoded', () => {
    const vector = 'Basic Y2xpZW50JTNBMSslQzMlQTk6cCU0MHNzJTI1JTJCd29yZA=='
    assert.deepEqual(parseBasic(vector), { clientId: 'client:1 é', secret: 'p@ss%+word' })
  })

  for (const { name, input, ruleId } of basicRefusals)
    test(`${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(basicRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_client')
    })
})

describe('a presented secret', () => {
  test('passes while it lives, as the first or the second', () => {
    for (const secrets of [
      [secretOf(true)],
      [secretOf(false), secretOf(true, now + 1)],
      [secretOf(false, now), secretOf(true)],
    ])
      assert.equal(firstRefusal(secretRules, { now, secrets }), undefined)
  })

  for (const { name, input, ruleId } of secretRefusals)
    test(`${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(secretRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_client')
    })
})
