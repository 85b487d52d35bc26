import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EpochSeconds } from '../../brand.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type JwtBearerInput,
  type JwtBearerRequestInput,
  type JwtBearerSubjectInput,
  jwtBearerRequestRules,
  jwtBearerRules,
  jwtBearerSubjectRules,
} from './rules.ts'

const now = 1_767_225_600 as EpochSeconds
const issuer = 'https://as.example'

type Members = Readonly<Record<string, unknown>>

const asked: JwtBearerRequestInput = { assertion: 'a.b.c', isPublic: false, profile: oauth21 }

const good: JwtBearerInput = {
  header: { alg: 'ES256' },
  claims: {
    iss: 'https://idp.example',
    sub: 'alice',
    aud: issuer,
    iat: now,
    exp: now + 300,
    jti: 'j-1',
  },
  trust: { algs: ['ES256', 'RS256'], clients: ['c_one'], assertionLifetimeSeconds: 300 },
  isSigned: true,
  clientId: 'c_one',
  issuer,
  profile: { ...oauth21, signingAlgs: ['ES256', 'PS256'] },
  sender: { jkt: 'key', x5tS256: 'certificate' },
  now,
}
const claiming = (claims: Members): JwtBearerInput => ({ ...good, claims: { ...good.claims, ...claims } })
const heading = (header: Members): JwtBearerInput => ({ ...good, header: { ...good.header, ...header } })

const subject: JwtBearerSubjectInput = {
  isUserActive: true,
  scopes: ['a'],
  allowedScopes: ['a', 'b'],
  allowedResources: ['https://api.example'],
}

const accepted: readonly (readonly [string, JwtBearerInput])[] = [
  ['as simple as it can be', good],
  ['`typ` of a grant', heading({ typ: 'authorization-grant+jwt' })],
  ['`typ` of an identity assertion', heading({ typ: 'oauth-id-jag+jwt' })],
  ['`typ` JWT', heading({ typ: 'JWT' })],
  ['`aud` as a list of one, under OAuth 2.1', claiming({ aud: [issuer] })],
  ['one second before `exp`', claiming({ iat: now - 299, exp: now + 1 })],
  ['`iat` as far ahead as clocks may differ', claiming({ iat: now + 30 })],
  ['`nbf` as far ahead as clocks may differ', claiming({ nbf: now + 30 })],
  ['`jti` of 256 bytes', claiming({ jti: 'j'.repeat(256) })],
  ['made for this client', claiming({ client_id: 'c_one', azp: 'c_one' })],
  ['bound to the key of the request', claiming({ cnf: { jkt: 'key' } })],
  ['bound to the certificate of the request', claiming({ cnf: { 'x5t#S256': 'certificate' } })],
  ['limited to scopes and resources', claiming({ scope: 'a b', resource: ['https://api.example'] })],
]

const refusals: readonly Refused<JwtBearerInput>[] = [
  { name: 'an issuer nobody trusts', input: { ...good, trust: undefined }, ruleId: 'jwt-bearer.iss' },
  ...['none', 'HS256', 'PS256', 'RS256', undefined].map(alg => ({
    name: `\`alg\` ${alg}`,
    input: heading({ alg }),
    ruleId: 'jwt-bearer.alg',
  })),
  { name: 'a wrong signature', input: { ...good, isSigned: false }, ruleId: 'jwt-bearer.signature' },
  ...['at+jwt', 'dpop+jwt', 'client-authentication+jwt', 'logout+jwt', '', 'JWT ', null].map(typ => ({
    name: `\`typ\` \`${typ}\``,
    input: heading({ typ }),
    ruleId: 'jwt-bearer.typ',
  })),
  ...[
    undefined,
    'https://other.example',
    [issuer, 'x'],
    [issuer, issuer],
    [],
    [[issuer]],
    `${issuer}/token`,
  ].map(aud => ({
    name: `\`aud\` ${JSON.stringify(aud)}`,
    input: claiming({ aud }),
    ruleId: 'jwt-bearer.aud',
  })),
  {
    name: '`aud` as a list where the profile wants a string',
    input: { ...claiming({ aud: [issuer] }), profile: fapi2Security },
    ruleId: 'jwt-bearer.aud',
  },
  { name: 'a client not named', input: { ...good, clientId: 'c_two' }, ruleId: 'jwt-bearer.client' },
  { name: '`client_id` of another', input: claiming({ client_id: 'c_two' }), ruleId: 'jwt-bearer.client' },
  { name: '`azp` of another', input: claiming({ azp: 'c_two' }), ruleId: 'jwt-bearer.client' },
  { name: 'no `exp`', input: claiming({ exp: undefined }), ruleId: 'jwt-bearer.exp' },
  { name: '`exp` as text', input: claiming({ exp: String(now + 60) }), ruleId: 'jwt-bearer.exp' },
  { name: '`exp` with a fraction', input: claiming({ exp: now + 0.5 }), ruleId: 'jwt-bearer.exp' },
  { name: '`exp` now', input: claiming({ iat: now - 60, exp: now }), ruleId: 'jwt-bearer.exp' },
  { name: 'no `iat`', input: claiming({ iat: undefined }), ruleId: 'jwt-bearer.iat' },
  { name: '`iat` too far ahead', input: claiming({ iat: now + 31 }), ruleId: 'jwt-bearer.iat' },
  { name: '`nbf` too far ahead', input: claiming({ nbf: now + 31 }), ruleId: 'jwt-bearer.nbf' },
  { name: '`nbf` null', input: claiming({ nbf: null }), ruleId: 'jwt-bearer.nbf' },
  { name: 'a second too long', input: claiming({ exp: now + 301 }), ruleId: 'jwt-bearer.lifetime' },
  { name: 'no `jti`', input: claiming({ jti: undefined }), ruleId: 'jwt-bearer.jti' },
  { name: 'an empty `jti`', input: claiming({ jti: '' }), ruleId: 'jwt-bearer.jti' },
  { name: '`jti` of 257 bytes', input: claiming({ jti: 'j'.repeat(257) }), ruleId: 'jwt-bearer.jti' },
  { name: 'no `sub`', input: claiming({ sub: undefined }), ruleId: 'jwt-bearer.sub' },
  { name: 'an empty `sub`', input: claiming({ sub: '' }), ruleId: 'jwt-bearer.sub' },
  { name: 'another key', input: claiming({ cnf: { jkt: 'other' } }), ruleId: 'jwt-bearer.cnf' },
  {
    name: 'the key but not the certificate',
    input: claiming({ cnf: { jkt: 'key', 'x5t#S256': 'other' } }),
    ruleId: 'jwt-bearer.cnf',
  },
  ...[null, {}, [], 'key', { jwk: {} }, { jkt: 'key', kid: 'k' }, { jkt: 1 }].map(cnf => ({
    name: `\`cnf\` ${JSON.stringify(cnf)}`,
    input: claiming({ cnf }),
    ruleId: 'jwt-bearer.cnf',
  })),
  ...['authorization_details', 'act', 'may_act'].map(name => ({
    name,
    input: claiming({ [name]: [] }),
    ruleId: 'jwt-bearer.limits',
  })),
  { name: '`scope` as a list', input: claiming({ scope: ['a'] }), ruleId: 'jwt-bearer.limits' },
  { name: '`resource` as a number', input: claiming({ resource: [1] }), ruleId: 'jwt-bearer.limits' },
]

describe('an assertion as an authorization grant', () => {
  for (const [name, input] of accepted)
    it(`is accepted: ${name}`, () => assert.equal(firstRefusal(jwtBearerRules, input), undefined))
  for (const { name, input, ruleId } of refusals)
    it(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(jwtBearerRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_grant')
    })

  it('never throws, whatever its claims are', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(good.claims), 'cnf', 'scope'), fc.jsonValue()),
        claims => {
          firstRefusal(jwtBearerRules, claiming(claims))
        },
      ),
    )
  })
})

describe('a request with an assertion', () => {
  it('is judged when it has one', () => {
    assert.equal(firstRefusal(jwtBearerRequestRules, asked), undefined)
  })
  const refused: readonly (Refused<JwtBearerRequestInput> & { readonly error: string })[] = [
    {
      name: 'FAPI',
      input: { ...asked, profile: fapi2Security },
      ruleId: 'jwt-bearer.profile',
      error: 'unauthorized_client',
    },
    {
      name: 'a public client',
      input: { ...asked, isPublic: true },
      ruleId: 'jwt-bearer.confidential',
      error: 'unauthorized_client',
    },
    {
      name: 'none',
      input: { ...asked, assertion: undefined },
      ruleId: 'jwt-bearer.assertion-missing',
      error: 'invalid_request',
    },
  ]
  for (const { name, input, ruleId, error } of refused)
    it(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(jwtBearerRequestRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, error)
    })
})

describe('what an assertion buys', () => {
  it('is what all of them allow', () => {
    assert.equal(firstRefusal(jwtBearerSubjectRules, subject), undefined)
    assert.equal(firstRefusal(jwtBearerSubjectRules, { ...subject, scopes: undefined }), undefined)
  })
  const refused: readonly (Refused<JwtBearerSubjectInput> & { readonly error: string })[] = [
    {
      name: 'no enabled user',
      input: { ...subject, isUserActive: false },
      ruleId: 'jwt-bearer.user',
      error: 'invalid_grant',
    },
    {
      name: 'no resource left',
      input: { ...subject, allowedResources: [] },
      ruleId: 'jwt-bearer.target',
      error: 'invalid_target',
    },
    {
      name: 'a scope beyond',
      input: { ...subject, scopes: ['a', 'c'] },
      ruleId: 'jwt-bearer.scope',
      error: 'invalid_scope',
    },
    {
      name: 'no scope left',
      input: { ...subject, scopes: undefined, allowedScopes: [] },
      ruleId: 'jwt-bearer.scope',
      error: 'invalid_scope',
    },
  ]
  for (const { name, input, ruleId, error } of refused)
    it(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(jwtBearerSubjectRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, error)
    })
})
