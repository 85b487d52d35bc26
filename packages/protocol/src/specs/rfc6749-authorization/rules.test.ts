import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SecurityProfile } from '../../profile.ts'
import { fapi1Advanced } from '../../profiles/fapi1-advanced.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { matchesRegistered } from './redirect-uri.ts'
import {
  type AuthorizationInput,
  authorizationRules,
  type RedirectTargetInput,
  readResponseType,
  redirectTargetRules,
} from './rules.ts'

const registered = 'https://app.example/cb'
const target: RedirectTargetInput = {
  profile: fapi2Security,
  clientStatus: 'active',
  isPublic: false,
  registeredRedirectUris: [registered],
  redirectUri: registered,
  pushed: true,
}
const asks = (redirectUri: string): RedirectTargetInput => ({ ...target, redirectUri })
const both = (uri: string): RedirectTargetInput => ({
  ...target,
  registeredRedirectUris: [uri],
  redirectUri: uri,
})
const lax = { ...fapi2Security, unregisteredRedirectUris: 'allowed' } as const
const padded = (length: number): string => `${registered}?x=`.padEnd(length, 'a')

const targetRefusals: readonly Refused<RedirectTargetInput>[] = [
  { name: 'unknown client', input: { ...target, clientStatus: undefined }, ruleId: 'authorization.client' },
  {
    name: 'suspended client',
    input: { ...target, clientStatus: 'suspended' },
    ruleId: 'authorization.client',
  },
  {
    name: 'absent where the profile requires it',
    input: { ...target, redirectUri: undefined },
    ruleId: 'redirect-uri.present',
  },
  {
    name: 'absent with two registered',
    input: {
      ...target,
      profile: oauth21,
      registeredRedirectUris: [registered, `${registered}2`],
      redirectUri: undefined,
    },
    ruleId: 'redirect-uri.present',
  },
  { name: 'relative', input: both('/cb'), ruleId: 'redirect-uri.form' },
  { name: 'fragment', input: both(`${registered}#f`), ruleId: 'redirect-uri.form' },
  { name: 'empty fragment', input: both(`${registered}#`), ruleId: 'redirect-uri.form' },
  { name: 'user information', input: both('https://a@app.example/cb'), ruleId: 'redirect-uri.form' },
  { name: 'line feed', input: both(`${registered}\n`), ruleId: 'redirect-uri.form' },
  { name: 'not ASCII', input: both('https://äpp.example/cb'), ruleId: 'redirect-uri.form' },
  { name: '2049 characters', input: both(padded(2049)), ruleId: 'redirect-uri.form' },
  { name: 'http to a host', input: both('http://app.example/cb'), ruleId: 'redirect-uri.scheme' },
  { name: 'http to localhost', input: both('http://localhost/cb'), ruleId: 'redirect-uri.scheme' },
  {
    name: 'http to a loopback look-alike',
    input: both('http://127.0.0.1.evil.example/cb'),
    ruleId: 'redirect-uri.scheme',
  },
  { name: 'javascript', input: both('javascript:alert(1)'), ruleId: 'redirect-uri.scheme' },
  { name: 'data', input: both('data:text/html,x'), ruleId: 'redirect-uri.scheme' },
  { name: 'a scheme without a dot', input: both('myapp:/cb'), ruleId: 'redirect-uri.scheme' },
  { name: 'trailing slash', input: asks(`${registered}/`), ruleId: 'redirect-uri.registered' },
  { name: 'added query', input: asks(`${registered}?x`), ruleId: 'redirect-uri.registered' },
  {
    name: 'other case of the path',
    input: asks('https://app.example/CB'),
    ruleId: 'redirect-uri.registered',
  },
  {
    name: 'other case of the host',
    input: asks('https://APP.example/cb'),
    ruleId: 'redirect-uri.registered',
  },
  { name: 'percent-encoded slash', input: asks('https://app.example%2Fcb'), ruleId: 'redirect-uri.form' },
  {
    name: 'percent-encoded letter',
    input: asks('https://app.example/c%62'),
    ruleId: 'redirect-uri.registered',
  },
  { name: 'default port', input: asks('https://app.example:443/cb'), ruleId: 'redirect-uri.registered' },
  { name: 'another port', input: asks('https://app.example:444/cb'), ruleId: 'redirect-uri.registered' },
  { name: 'sub-domain', input: asks('https://x.app.example/cb'), ruleId: 'redirect-uri.registered' },
  {
    name: 'unregistered and not pushed',
    input: { ...asks('https://new.example/cb'), profile: lax, pushed: false },
    ruleId: 'redirect-uri.registered',
  },
  {
    name: 'unregistered from a public client',
    input: { ...asks('https://new.example/cb'), profile: lax, isPublic: true },
    ruleId: 'redirect-uri.registered',
  },
]

for (const { name, input, ruleId } of targetRefusals) {
  test(`a redirect target is refused by ${ruleId}: ${name}`, () => {
    assert.equal(firstRefusal(redirectTargetRules, input)?.ruleId, ruleId)
  })
}

const goodTargets: readonly (readonly [string, RedirectTargetInput])[] = [
  ['the registered URI', target],
  ['2048 characters', both(padded(2048))],
  ['a registered query', both(`${registered}?x=1`)],
  ['a private-use scheme with a dot', both('com.example.app:/cb')],
  [
    'no redirect_uri where one is registered and the profile allows it',
    { ...target, profile: oauth21, redirectUri: undefined },
  ],
  [
    'a loopback port',
    { ...asks('http://127.0.0.1:51004/cb'), registeredRedirectUris: ['http://127.0.0.1/cb'] },
  ],
  [
    'an IPv6 loopback port',
    { ...asks('http://[::1]:51004/cb'), registeredRedirectUris: ['http://[::1]:80/cb'] },
  ],
  [
    'an unregistered URI pushed where the profile allows it',
    { ...asks('https://new.example/cb'), profile: lax },
  ],
]

for (const [name, input] of goodTargets)
  test(`a redirect target passes: ${name}`, () => {
    assert.equal(firstRefusal(redirectTargetRules, input), undefined)
  })

test('between loopback addresses nothing but the port may vary', () => {
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'http://127.0.0.1:1/cb'), true)
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'http://127.0.0.1:1/other'), false)
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'http://[::1]:1/cb'), false)
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'http://127.0.0.2:1/cb'), false)
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'https://127.0.0.1:1/cb'), false)
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'http://127.0.0.1:65535/cb'), true)
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb'), false)
  assert.equal(matchesRegistered('http://127.0.0.1/cb', 'http://127.0.0.1:1@evil.example/cb'), false)
})

test('no two different https strings ever match', () => {
  fc.assert(
    fc.property(
      fc.webUrl({ withQueryParameters: true }),
      fc.webUrl({ withQueryParameters: true }),
      (left, right) => {
        assert.equal(matchesRegistered(left, right), left === right)
      },
    ),
  )
})

const good: AuthorizationInput = {
  profile: fapi2Security,
  grantTypes: ['authorization_code'],
  responseType: 'code',
  clientResponseTypes: ['code'],
  state: 'st',
  scopes: ['openid', 'accounts'],
  isDefined: scope => ['openid', 'accounts', 'admin', ...many].includes(scope),
  allowedScopes: ['openid', 'accounts', ...Array.from({ length: 51 }, (_, index) => `s${index}`)],
  hasDetails: false,
}
const many = Array.from({ length: 51 }, (_, index) => `s${index}`)

const refusals: readonly (Refused<AuthorizationInput> & { readonly error: string })[] = [
  {
    name: '2049 characters of state',
    input: { ...good, state: 'a'.repeat(2049) },
    ruleId: 'state.form',
    error: 'invalid_request',
  },
  {
    name: 'a line feed in state',
    input: { ...good, state: 'a\nb' },
    ruleId: 'state.form',
    error: 'invalid_request',
  },
  {
    name: 'no response type',
    input: { ...good, responseType: undefined },
    ruleId: 'response-type.present',
    error: 'invalid_request',
  },
  {
    name: 'token',
    input: { ...good, responseType: 'token' },
    ruleId: 'response-type.code',
    error: 'unsupported_response_type',
  },
  // Also for a client that registered it, while no profile in play but FAPI 1.0 Advanced has it.
  ...[
    fapi2Security,
    oauth21,
    oidcBaseline,
    { ...fapi1Advanced, signedAuthorizationResponses: 'required' },
    { ...fapi1Advanced, senderConstraint: 'allowed' },
    { ...fapi1Advanced, signedRequestObjects: 'allowed' },
    { ...fapi1Advanced, publicClients: 'allowed' },
    { ...fapi1Advanced, nonceOrState: 'allowed' },
  ].map((profile, index) => ({
    name: `code id_token outside of FAPI 1.0 Advanced (${index})`,
    input: {
      ...good,
      profile: profile as SecurityProfile,
      responseType: 'code id_token',
      clientResponseTypes: ['code', 'code id_token'] as const,
    },
    ruleId: 'response-type.code',
    error: 'unsupported_response_type',
  })),
  ...['token', 'id_token', 'code token', 'code id_token token', 'code code', 'none'].map(responseType => ({
    name: `${responseType} under FAPI 1.0 Advanced`,
    input: { ...good, profile: fapi1Advanced, responseType },
    ruleId: 'response-type.code',
    error: 'unsupported_response_type',
  })),
  {
    name: 'code id_token by a client of code',
    input: { ...good, profile: fapi1Advanced, responseType: 'code id_token' },
    ruleId: 'response-type.registered',
    error: 'unauthorized_client',
  },
  {
    name: 'code by a client of code id_token',
    input: { ...good, profile: fapi1Advanced, clientResponseTypes: ['code id_token'] },
    ruleId: 'response-type.registered',
    error: 'unauthorized_client',
  },
  {
    name: 'Code',
    input: { ...good, responseType: 'Code' },
    ruleId: 'response-type.code',
    error: 'unsupported_response_type',
  },
  {
    name: 'a client without the code grant',
    input: { ...good, grantTypes: ['client_credentials'] },
    ruleId: 'authorization.grant-type',
    error: 'unauthorized_client',
  },
  {
    name: 'no scope',
    input: { ...good, scopes: undefined },
    ruleId: 'scope.present',
    error: 'invalid_scope',
  },
  { name: 'only spaces', input: { ...good, scopes: [] }, ruleId: 'scope.present', error: 'invalid_scope' },
  { name: '51 scopes', input: { ...good, scopes: many }, ruleId: 'scope.form', error: 'invalid_scope' },
  { name: 'a quote', input: { ...good, scopes: ['a"b'] }, ruleId: 'scope.form', error: 'invalid_scope' },
  { name: 'a backslash', input: { ...good, scopes: ['a\\b'] }, ruleId: 'scope.form', error: 'invalid_scope' },
  {
    name: 'an unknown scope',
    input: { ...good, scopes: ['openid', 'nothing'] },
    ruleId: 'scope.allowed',
    error: 'invalid_scope',
  },
  {
    name: 'a scope of others',
    input: { ...good, scopes: ['admin'] },
    ruleId: 'scope.allowed',
    error: 'invalid_scope',
  },
  {
    name: 'another case',
    input: { ...good, scopes: ['OpenID'] },
    ruleId: 'scope.allowed',
    error: 'invalid_scope',
  },
]

for (const { name, input, ruleId, error } of refusals)
  test(`an authorization request is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(authorizationRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, error)
  })

for (const [name, input] of [
  ['a good one', good],
  ['another order of scopes', { ...good, scopes: ['accounts', 'openid'] }],
  ['50 scopes', { ...good, scopes: many.slice(0, 50) }],
  ['2048 characters of state', { ...good, state: 'a'.repeat(2048) }],
  ['details instead of a scope', { ...good, scopes: undefined, hasDetails: true }],
  ['no state', { ...good, state: undefined }],
  [
    'code id_token under FAPI 1.0 Advanced',
    {
      ...good,
      profile: fapi1Advanced,
      responseType: readResponseType('id_token code'),
      clientResponseTypes: ['code id_token'],
    },
  ],
] as const)
  test(`an authorization request passes: ${name}`, () => {
    assert.equal(firstRefusal(authorizationRules, input), undefined)
  })

test('no other text is a response type, whatever a client sends', () => {
  const words = fc.array(fc.constantFrom('code', 'id_token', 'token', 'none', '', 'CODE'), { maxLength: 4 })
  fc.assert(
    fc.property(
      fc.oneof(
        words.map(list => list.join(' ')),
        fc.string(),
      ),
      sent => {
        const responseType = readResponseType(sent)
        const input = { ...good, profile: fapi1Advanced, responseType, clientResponseTypes }
        const refusal = firstRefusal(authorizationRules, input)
        const known = ['code', 'code id_token', 'id_token code'].includes(sent)
        assert.equal(refusal?.ruleId, known ? undefined : 'response-type.code')
      },
    ),
  )
})
const clientResponseTypes = ['code', 'code id_token'] as const
