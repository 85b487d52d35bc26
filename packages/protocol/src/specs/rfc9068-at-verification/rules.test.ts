import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused, type Rule } from '../../rule.ts'
import {
  type AllowedInput,
  allowedRules,
  type IntrospectedInput,
  introspectedRules,
  type TokenClaimsInput,
  type TokenHeaderInput,
  type TokenTimeInput,
  tokenClaimsRules,
  tokenHeaderRules,
  tokenTimeRules,
} from './rules.ts'

const now = epochSeconds(1_800_000_000)

function runTable<Input>(rules: readonly Rule<Input>[], good: Input, table: readonly Refused<Input>[]): void {
  test('accepts the good value', () => assert.equal(firstRefusal(rules, good), undefined))
  for (const { name, input, ruleId } of table)
    test(`refuses: ${name}`, () => assert.equal(firstRefusal(rules, input)?.ruleId, ruleId))
  test('every rule refuses something', () =>
    assert.deepEqual(new Set(table.map(row => row.ruleId)), new Set(rules.map(rule => rule.id))))
}

describe('the header of an access token', () => {
  const good: TokenHeaderInput = {
    header: { typ: 'at+jwt', alg: 'ES256', kid: 'a' },
    algs: ['ES256', 'PS256'],
  }
  const header = (spoiled: object): TokenHeaderInput => ({ ...good, header: { ...good.header, ...spoiled } })
  runTable(tokenHeaderRules, good, [
    { name: 'plain JWT', input: header({ typ: 'JWT' }), ruleId: 'access-token.typ' },
    { name: 'no typ', input: header({ typ: undefined }), ruleId: 'access-token.typ' },
    { name: 'typ is a list', input: header({ typ: ['at+jwt'] }), ruleId: 'access-token.typ' },
    { name: 'logout token', input: header({ typ: 'logout+jwt' }), ruleId: 'access-token.typ' },
    { name: 'introspection', input: header({ typ: 'token-introspection+jwt' }), ruleId: 'access-token.typ' },
    { name: 'alg none', input: header({ alg: 'none' }), ruleId: 'access-token.alg' },
    { name: 'alg not listed', input: header({ alg: 'RS256' }), ruleId: 'access-token.alg' },
    { name: 'alg symmetric', input: header({ alg: 'HS256' }), ruleId: 'access-token.alg' },
    { name: 'no alg', input: header({ alg: undefined }), ruleId: 'access-token.alg' },
    { name: 'crit', input: header({ crit: ['exp'] }), ruleId: 'access-token.crit' },
  ])
  for (const typ of ['AT+JWT', 'application/at+jwt', 'Application/AT+JWT'])
    test(`accepts typ ${typ}`, () => assert.equal(firstRefusal(tokenHeaderRules, header({ typ })), undefined))
})

describe('the claims of an access token', () => {
  const good: TokenClaimsInput = {
    issuer: 'https://as.example',
    audience: 'https://rs.example',
    claims: {
      iss: 'https://as.example',
      aud: ['https://other.example', 'https://rs.example'],
      sub: 'u-1',
      client_id: 'c-1',
      jti: 'j-1',
      exp: now + 300,
      iat: now,
      nbf: now,
      scope: 'a b',
      acr: 'x',
      auth_time: now,
      amr: ['pwd'],
      tenant_id: 't',
    },
  }
  const claims = (spoiled: object): TokenClaimsInput => ({ ...good, claims: { ...good.claims, ...spoiled } })
  runTable(tokenClaimsRules, good, [
    { name: 'other issuer', input: claims({ iss: 'https://as.example/' }), ruleId: 'access-token.iss' },
    { name: 'no issuer', input: claims({ iss: undefined }), ruleId: 'access-token.iss' },
    { name: 'other audience', input: claims({ aud: 'https://rs.example/' }), ruleId: 'access-token.aud' },
    { name: 'no audience', input: claims({ aud: undefined }), ruleId: 'access-token.aud' },
    { name: 'empty audience', input: claims({ aud: [] }), ruleId: 'access-token.aud' },
    {
      name: 'audience with a number',
      input: claims({ aud: ['https://rs.example', 1] }),
      ruleId: 'access-token.aud',
    },
    { name: 'no exp', input: claims({ exp: undefined }), ruleId: 'access-token.exp' },
    { name: 'exp as text', input: claims({ exp: '1' }), ruleId: 'access-token.exp' },
    { name: 'exp with a fraction', input: claims({ exp: 1.5 }), ruleId: 'access-token.exp' },
    { name: 'no jti', input: claims({ jti: undefined }), ruleId: 'access-token.identifiers' },
    { name: 'empty jti', input: claims({ jti: '' }), ruleId: 'access-token.identifiers' },
    { name: 'no client_id', input: claims({ client_id: undefined }), ruleId: 'access-token.identifiers' },
    { name: 'no sub', input: claims({ sub: undefined }), ruleId: 'access-token.identifiers' },
    { name: 'nbf as text', input: claims({ nbf: '1' }), ruleId: 'access-token.types' },
    { name: 'auth_time negative', input: claims({ auth_time: -1 }), ruleId: 'access-token.types' },
    { name: 'scope as list', input: claims({ scope: ['a'] }), ruleId: 'access-token.types' },
    { name: 'acr as number', input: claims({ acr: 1 }), ruleId: 'access-token.types' },
    { name: 'tenant as number', input: claims({ tenant_id: 1 }), ruleId: 'access-token.types' },
    { name: 'amr as text', input: claims({ amr: 'pwd' }), ruleId: 'access-token.types' },
    ...[{}, 'x', [1], [{}], [{ type: 1 }], [['x']]].map(details => ({
      name: `details ${JSON.stringify(details)}`,
      input: claims({ authorization_details: details }),
      ruleId: 'access-token.types',
    })),
    { name: 'no iat', input: claims({ iat: undefined }), ruleId: 'access-token.iat' },
  ])
  test('accepts one audience as text', () =>
    assert.equal(firstRefusal(tokenClaimsRules, claims({ aud: 'https://rs.example' })), undefined))
  test('accepts a token without the optional claims', () => {
    const { iss, aud, sub, client_id, jti, exp, iat } = good.claims
    const least = { ...good, claims: { iss, aud, sub, client_id, jti, exp, iat } }
    assert.equal(firstRefusal(tokenClaimsRules, least), undefined)
  })
})

describe('the times of an access token', () => {
  const good: TokenTimeInput = {
    expiresAt: now - 9,
    issuedAt: now + 30,
    notBefore: now + 30,
    now,
    expirySkewSeconds: 10,
    futureSeconds: 30,
    lifetimeSecondsMax: 300,
  }
  runTable(tokenTimeRules, good, [
    { name: 'expired by the skew', input: { ...good, expiresAt: now - 10 }, ruleId: 'access-token.expired' },
    { name: 'expired for long', input: { ...good, expiresAt: now - 3600 }, ruleId: 'access-token.expired' },
    {
      name: 'a second longer than the tier allows',
      input: { ...good, issuedAt: now, expiresAt: now + 301 },
      ruleId: 'access-token.lifetime',
    },
    { name: 'iat 31 s ahead', input: { ...good, issuedAt: now + 31 }, ruleId: 'access-token.issued-ahead' },
    { name: 'nbf 31 s ahead', input: { ...good, notBefore: now + 31 }, ruleId: 'access-token.not-before' },
    {
      name: 'nbf an hour ahead',
      input: { ...good, notBefore: now + 3600 },
      ruleId: 'access-token.not-before',
    },
  ])
  test('as long as the tier allows is not too long', () => {
    const longest = { ...good, issuedAt: now, expiresAt: now + 300 }
    assert.equal(firstRefusal(tokenTimeRules, longest), undefined)
  })
  test('without skew the second of exp is already too late', () => {
    const strict = { ...good, expirySkewSeconds: 0 }
    assert.equal(firstRefusal(tokenTimeRules, { ...strict, expiresAt: now + 1 }), undefined)
    assert.equal(firstRefusal(tokenTimeRules, { ...strict, expiresAt: now })?.ruleId, 'access-token.expired')
  })
})

describe('who may use an API', () => {
  const good: AllowedInput = { clientId: 'c-1', clients: ['c-1'], tenantId: 't', tenant: 't' }
  runTable(allowedRules, good, [
    { name: 'client not listed', input: { ...good, clientId: 'c-2' }, ruleId: 'access-token.client' },
    { name: 'empty list', input: { ...good, clients: [] }, ruleId: 'access-token.client' },
    { name: 'other tenant', input: { ...good, tenantId: 'T' }, ruleId: 'access-token.tenant' },
    { name: 'empty tenant', input: { ...good, tenantId: '', tenant: '' }, ruleId: 'access-token.tenant' },
    { name: 'no tenant', input: { ...good, tenantId: undefined }, ruleId: 'access-token.tenant' },
  ])
  test('no list and no tenant allow everybody', () =>
    assert.equal(firstRefusal(allowedRules, { ...good, clients: undefined, tenant: undefined }), undefined))
})

describe('the answer of introspection', () => {
  const good: IntrospectedInput = { response: { active: true } }
  runTable(introspectedRules, good, [
    { name: 'inactive', input: { response: { active: false } }, ruleId: 'access-token.inactive' },
    { name: 'active as text', input: { response: { active: 'true' } }, ruleId: 'access-token.inactive' },
    { name: 'nothing', input: { response: null }, ruleId: 'access-token.inactive' },
    { name: 'no object', input: { response: 'active' }, ruleId: 'access-token.inactive' },
    { name: 'no member', input: { response: {} }, ruleId: 'access-token.inactive' },
  ])
})
