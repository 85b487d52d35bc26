import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type IntrospectionJwtInput, introspectionJwtRules } from './rules.ts'

const now = 1_800_000_000 as EpochSeconds
const good: IntrospectionJwtInput = {
  header: { typ: 'token-introspection+jwt', alg: 'ES256' },
  claims: {
    iss: 'https://issuer.example',
    aud: 'https://api.example',
    iat: now,
    token_introspection: { active: false },
  },
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  algs: ['ES256'],
  now,
  futureSeconds: 30,
}
const claimed = (changes: Readonly<Record<string, unknown>>): IntrospectionJwtInput => ({
  ...good,
  claims: { ...good.claims, ...changes },
})

const refusals: readonly Refused<IntrospectionJwtInput>[] = [
  {
    name: 'an access token',
    input: { ...good, header: { typ: 'at+jwt', alg: 'ES256' } },
    ruleId: 'introspection-jwt.typ',
  },
  { name: 'no typ', input: { ...good, header: { alg: 'ES256' } }, ruleId: 'introspection-jwt.typ' },
  {
    name: 'RS256',
    input: { ...good, header: { ...good.header, alg: 'RS256' } },
    ruleId: 'introspection-jwt.alg',
  },
  {
    name: 'another issuer',
    input: claimed({ iss: 'https://evil.example' }),
    ruleId: 'introspection-jwt.iss',
  },
  { name: 'another API', input: claimed({ aud: 'https://other.example' }), ruleId: 'introspection-jwt.aud' },
  { name: 'no API', input: claimed({ aud: undefined }), ruleId: 'introspection-jwt.aud' },
  { name: '61 s old', input: claimed({ iat: now - 61 }), ruleId: 'introspection-jwt.iat' },
  { name: '31 s ahead', input: claimed({ iat: now + 31 }), ruleId: 'introspection-jwt.iat' },
  { name: 'without iat', input: claimed({ iat: undefined }), ruleId: 'introspection-jwt.iat' },
  { name: 'no body', input: claimed({ token_introspection: undefined }), ruleId: 'introspection-jwt.body' },
  { name: 'a list', input: claimed({ token_introspection: [] }), ruleId: 'introspection-jwt.body' },
]
for (const { name, input, ruleId } of refusals)
  test(`a signed introspection answer is refused by ${ruleId}: ${name}`, () => {
    assert.equal(firstRefusal(introspectionJwtRules, input)?.ruleId, ruleId)
  })

test('a good signed introspection answer passes, up to its edges and in a list of APIs', () => {
  for (const input of [
    good,
    claimed({ iat: now - 60 }),
    claimed({ iat: now + 30 }),
    claimed({ aud: ['x', 'https://api.example'] }),
  ])
    assert.equal(firstRefusal(introspectionJwtRules, input), undefined)
})
