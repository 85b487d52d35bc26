import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EpochSeconds } from '../../brand.ts'
import type { ParsedJws } from '../../jose/compact.ts'
import { macAlgs } from '../../jose/mac.ts'
import { fapi1Advanced } from '../../profiles/fapi1-advanced.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import type { Refused } from '../../rule.ts'
import { type AssertionInput, judgeAssertion } from './judge.ts'

const now = 1_767_225_600 as EpochSeconds
const issuer = 'https://as.example'
const clientId = 'client-1'

type Members = Readonly<Record<string, unknown>>

const goodClaims: Members = { iss: clientId, sub: clientId, aud: issuer, exp: now + 60, iat: now, jti: 'a-1' }

const good: AssertionInput = {
  jws: jws({}, {}),
  clientId,
  issuer,
  endpoints: [`${issuer}/token`, `${issuer}/par`],
  profile: fapi2Security,
  algs: fapi2Security.signingAlgs,
  registeredAlg: 'ES256',
  now,
}

function jws(header: Members, claims: Members): ParsedJws {
  return {
    header: { alg: 'ES256', ...header },
    claims: { ...goodClaims, ...claims },
    signingInput: '',
    signature: Buffer.alloc(0),
  }
}

const claiming = (claims: Members): AssertionInput => ({ ...good, jws: jws({}, claims) })
const heading = (header: Members): AssertionInput => ({ ...good, jws: jws(header, {}) })
const fapi1 = (input: AssertionInput): AssertionInput => ({
  ...input,
  profile: fapi1Advanced,
  algs: fapi1Advanced.signingAlgs,
})
const baseline = (input: AssertionInput): AssertionInput => ({
  ...input,
  profile: oidcBaseline,
  algs: oidcBaseline.signingAlgs,
})
const secretly = (input: AssertionInput): AssertionInput => ({
  ...input,
  profile: oidcBaseline,
  algs: macAlgs,
  registeredAlg: undefined,
})

const refusals: readonly Refused<AssertionInput>[] = [
  ...['oauth-authz-req+jwt', 'dpop+jwt', 'at+jwt', 'application/at+jwt', 'logout+jwt', '', 'JWT '].map(
    typ => ({
      name: `\`typ\` \`${typ}\``,
      input: heading({ typ }),
      ruleId: 'assertion.typ',
    }),
  ),
  { name: '`typ` that is null', input: heading({ typ: null }), ruleId: 'assertion.typ' },
  { name: '`alg` none', input: heading({ alg: 'none' }), ruleId: 'assertion.alg' },
  { name: '`alg` HS256', input: heading({ alg: 'HS256' }), ruleId: 'assertion.alg' },
  {
    name: '`alg` RS256 under FAPI',
    input: { ...heading({ alg: 'RS256' }), registeredAlg: 'RS256' },
    ruleId: 'assertion.alg',
  },
  ...['ES256', 'RS256', 'none', 'HS1', 'hs256'].map(alg => ({
    name: `\`alg\` ${alg} where MACs are made`,
    input: secretly(heading({ alg })),
    ruleId: 'assertion.alg',
  })),
  {
    name: 'HS256 where HS512 is registered',
    input: { ...secretly(heading({ alg: 'HS256' })), registeredAlg: 'HS512' as const },
    ruleId: 'assertion.registered-alg',
  },
  {
    name: 'another `alg` than registered',
    input: heading({ alg: 'PS256' }),
    ruleId: 'assertion.registered-alg',
  },
  { name: 'no `iss`', input: claiming({ iss: undefined }), ruleId: 'assertion.iss' },
  { name: '`iss` of another client', input: claiming({ iss: 'client-2' }), ruleId: 'assertion.iss' },
  { name: 'no `sub`', input: claiming({ sub: undefined }), ruleId: 'assertion.sub' },
  { name: '`sub` of another client', input: claiming({ sub: 'client-2' }), ruleId: 'assertion.sub' },
  { name: 'no `aud`', input: claiming({ aud: undefined }), ruleId: 'assertion.aud' },
  { name: '`aud` as a list under FAPI', input: claiming({ aud: [issuer] }), ruleId: 'assertion.aud' },
  { name: '`aud` of two', input: baseline(claiming({ aud: [issuer, 'x'] })), ruleId: 'assertion.aud' },
  {
    name: '`aud` twice the same',
    input: baseline(claiming({ aud: [issuer, issuer] })),
    ruleId: 'assertion.aud',
  },
  { name: 'an empty `aud` list', input: baseline(claiming({ aud: [] })), ruleId: 'assertion.aud' },
  {
    name: '`aud` as a list in a list',
    input: baseline(claiming({ aud: [[issuer]] })),
    ruleId: 'assertion.aud',
  },
  {
    name: 'the token endpoint as `aud`',
    input: claiming({ aud: `${issuer}/token` }),
    ruleId: 'assertion.aud',
  },
  {
    name: 'the PAR endpoint as `aud`',
    input: baseline(claiming({ aud: `${issuer}/par` })),
    ruleId: 'assertion.aud',
  },
  { name: 'a slash after the issuer', input: claiming({ aud: `${issuer}/` }), ruleId: 'assertion.aud' },
  ...[
    ['another server', 'https://other.example/token'],
    ['a list with another server', [issuer, 'https://other.example']],
    ['an endpoint of ours that was not asked', `${issuer}/introspect`],
    ['a slash after the token endpoint', `${issuer}/token/`],
    ['an empty list', []],
    ['six names', Array(6).fill(issuer)],
    ['a list in a list', [[issuer]]],
  ].map(([name, aud]) => ({
    name: `${name} as \`aud\` where endpoints may stand`,
    input: fapi1(claiming({ aud })),
    ruleId: 'assertion.aud',
  })),
  {
    name: 'the issuer in other case',
    input: claiming({ aud: 'https://AS.example' }),
    ruleId: 'assertion.aud',
  },
  { name: 'no `exp`', input: claiming({ exp: undefined }), ruleId: 'assertion.exp' },
  { name: '`exp` as text', input: claiming({ exp: String(now + 60) }), ruleId: 'assertion.exp' },
  { name: '`exp` with a fraction', input: claiming({ exp: now + 60.5 }), ruleId: 'assertion.exp' },
  { name: '`exp` 10 seconds ago', input: claiming({ exp: now - 10 }), ruleId: 'assertion.exp' },
  { name: '`exp` 11 seconds ago', input: claiming({ exp: now - 11 }), ruleId: 'assertion.exp' },
  { name: '`iat` 31 seconds ahead', input: claiming({ iat: now + 31 }), ruleId: 'assertion.iat' },
  {
    name: '`iat` 61 seconds ahead',
    input: claiming({ iat: now + 61, exp: now + 90 }),
    ruleId: 'assertion.iat',
  },
  { name: '`iat` as text', input: claiming({ iat: String(now) }), ruleId: 'assertion.iat' },
  { name: '`nbf` 31 seconds ahead', input: claiming({ nbf: now + 31 }), ruleId: 'assertion.nbf' },
  { name: '`nbf` 61 seconds ahead', input: claiming({ nbf: now + 61 }), ruleId: 'assertion.nbf' },
  { name: '`nbf` that is null', input: claiming({ nbf: null }), ruleId: 'assertion.nbf' },
  { name: 'a life of 301 seconds', input: claiming({ exp: now + 301 }), ruleId: 'assertion.lifetime' },
  {
    name: 'a life of 301 seconds from now without `iat`',
    input: claiming({ iat: undefined, exp: now + 301 }),
    ruleId: 'assertion.lifetime',
  },
  {
    name: 'a life of 301 seconds, most of it over',
    input: claiming({ iat: now - 291, exp: now + 10 }),
    ruleId: 'assertion.lifetime',
  },
  { name: 'no `jti`', input: claiming({ jti: undefined }), ruleId: 'assertion.jti' },
  { name: 'an empty `jti`', input: claiming({ jti: '' }), ruleId: 'assertion.jti' },
  { name: '`jti` that is a number', input: claiming({ jti: 7 }), ruleId: 'assertion.jti' },
  { name: '`jti` of 257 bytes', input: claiming({ jti: 'a'.repeat(257) }), ruleId: 'assertion.jti' },
  {
    name: '`jti` of 129 characters and 258 bytes',
    input: claiming({ jti: 'é'.repeat(129) }),
    ruleId: 'assertion.jti',
  },
]

describe('client assertion', () => {
  it('is taken when everything holds, and remembered past its tolerance', () => {
    assert.deepEqual(judgeAssertion(good), {
      ok: true,
      value: { jti: 'a-1', issuedAt: now, expiresAt: now + 70 },
    })
  })

  for (const { name, input, ruleId } of refusals) {
    it(`is refused as \`${ruleId}\` with ${name}`, () => {
      const judged = judgeAssertion(input)
      assert.ok(!judged.ok)
      assert.equal(judged.ruleId, ruleId)
      assert.equal(judged.error, 'invalid_client')
    })
  }

  for (const [name, input] of [
    ['no `typ`', heading({})],
    ['`typ` JWT', heading({ typ: 'JWT' })],
    ['`typ` jwt', heading({ typ: 'jwt' })],
    ['`typ` client-authentication+jwt', heading({ typ: 'client-authentication+jwt' })],
    ['`typ` as a full media type', heading({ typ: 'application/client-authentication+jwt' })],
    ['PS256, when none is registered', { ...heading({ alg: 'PS256' }), registeredAlg: undefined }],
    ['RS256 in plain OIDC', baseline({ ...heading({ alg: 'RS256' }), registeredAlg: 'RS256' })],
    ...macAlgs.map(alg => [`${alg} where MACs are made`, secretly(heading({ alg }))] as const),
    ['`aud` as a list of one in plain OIDC', baseline(claiming({ aud: [issuer] }))],
    ['`aud` as text in plain OIDC', baseline(good)],
    ['the token endpoint as `aud` where it may be', fapi1(claiming({ aud: `${issuer}/token` }))],
    ['the endpoint asked as `aud` where it may be', fapi1(claiming({ aud: [`${issuer}/par`] }))],
    [
      'issuer and endpoints as `aud` where they may be',
      fapi1(claiming({ aud: [issuer, `${issuer}/token`] })),
    ],
    ['`aud` of five names of ours', fapi1(claiming({ aud: Array(5).fill(issuer) }))],
    ['`exp` one second ahead', claiming({ exp: now + 1 })],
    ['`exp` now', claiming({ exp: now })],
    ['`exp` 9 seconds ago', claiming({ exp: now - 9 })],
    ['no `iat`', claiming({ iat: undefined })],
    ['`iat` 8 seconds ahead', claiming({ iat: now + 8 })],
    ['`iat` 10 seconds ahead and a whole life after it', claiming({ iat: now + 10, exp: now + 310 })],
    ['`iat` 30 seconds ahead', claiming({ iat: now + 30 })],
    ['`nbf` 8 seconds ahead', claiming({ nbf: now + 8 })],
    ['`nbf` 30 seconds ahead', claiming({ nbf: now + 30 })],
    ['a life of 299 seconds', claiming({ exp: now + 299 })],
    ['a life of 300 seconds', claiming({ exp: now + 300 })],
    ['`jti` of 256 bytes', claiming({ jti: 'é'.repeat(128) })],
    ['unknown headers and claims', { ...good, jws: jws({ jwk: {}, jku: 'x', x5c: [] }, { foo: 1 }) }],
  ] as const) {
    it(`is taken with ${name}`, () => {
      const judged = judgeAssertion(input)
      assert.ok(judged.ok, judged.ok ? '' : `${judged.ruleId}: ${judged.reason}`)
    })
  }

  it('is remembered until the first second in which it is no longer taken', () => {
    const judged = judgeAssertion(good)
    assert.ok(judged.ok)
    assert.ok(judgeAssertion({ ...good, now: (judged.value.expiresAt - 1) as EpochSeconds }).ok)
    assert.ok(!judgeAssertion({ ...good, now: judged.value.expiresAt }).ok)
  })

  it('is ordered by `exp` when it has no `iat`', () => {
    const judged = judgeAssertion(claiming({ iat: undefined }))
    assert.equal(judged.ok && judged.value.issuedAt, now + 60)
  })

  it('never throws and is never taken with a member that is not what it must be, whatever stands there', () => {
    const place = fc.constantFrom('typ', 'alg', 'iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti')
    fc.assert(
      fc.property(place, fc.jsonValue(), (name, value) => {
        const isHeader = name === 'typ' || name === 'alg'
        const judged = judgeAssertion(isHeader ? heading({ [name]: value }) : claiming({ [name]: value }))
        if (!judged.ok) return
        assert.ok(['jti', 'exp', 'iat', 'nbf'].includes(name))
        assert.equal(typeof value, name === 'jti' ? 'string' : 'number')
      }),
      { numRuns: 500 },
    )
  })
})
