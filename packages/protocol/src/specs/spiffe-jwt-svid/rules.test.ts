import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { epochSeconds } from '../../brand.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type SvidInput, svidAlgOf, svidRules } from './rules.ts'
import { isTrustDomain, parseSpiffeId, type SpiffeIdInput, spiffeIdRules } from './spiffe-id.ts'

const id = 'spiffe://prod.example/billing/reader'
const longest = `spiffe://a/${'b'.repeat(2048 - 'spiffe://a/'.length)}`

const idRefusals: readonly Refused<SpiffeIdInput>[] = [
  ...[
    undefined,
    null,
    7,
    [id],
    '',
    'prod.example/a',
    'https://prod.example/a',
    'SPIFFE://prod.example/a',
  ].map(wrong => ({
    name: JSON.stringify(wrong) ?? 'nothing',
    input: { id: wrong },
    ruleId: 'spiffe-id.scheme',
  })),
  { name: 'one slash only', input: { id: 'spiffe:/prod.example/a' }, ruleId: 'spiffe-id.scheme' },
  { name: '2049 bytes', input: { id: `${longest}b` }, ruleId: 'spiffe-id.length' },
  ...[
    ['no trust domain', 'spiffe:///a'],
    ['nothing but the scheme', 'spiffe://'],
    ['upper case', 'spiffe://Prod.example/a'],
    ['a port', 'spiffe://prod.example:443/a'],
    ['a user', 'spiffe://me@prod.example/a'],
    ['percent-encoding in the trust domain', 'spiffe://prod%2eexample/a'],
    ['a query without path', 'spiffe://prod.example?a'],
    ['a letter that only looks like one', 'spiffe://prоd.example/a'],
    ['a trust domain of 256', `spiffe://${'a'.repeat(256)}/b`],
  ].map(([name = '', wrong]) => ({ name, input: { id: wrong }, ruleId: 'spiffe-id.trust-domain' })),
  ...[
    ['an empty segment', 'spiffe://prod.example//a'],
    ['a slash at the end', 'spiffe://prod.example/a/'],
    ['a slash alone', 'spiffe://prod.example/'],
    ['the segment .', 'spiffe://prod.example/./a'],
    ['the segment ..', 'spiffe://prod.example/a/../b'],
    ['percent-encoding', 'spiffe://prod.example/%61'],
    ['a query', 'spiffe://prod.example/a?b'],
    ['a fragment', 'spiffe://prod.example/a#b'],
    ['a wildcard', 'spiffe://prod.example/*'],
    ['a line feed', 'spiffe://prod.example/a\n'],
  ].map(([name = '', wrong]) => ({ name, input: { id: wrong }, ruleId: 'spiffe-id.path' })),
  { name: 'a trust domain alone', input: { id: 'spiffe://prod.example' }, ruleId: 'spiffe-id.workload' },
]

describe('SPIFFE IDs', () => {
  for (const [name, fine] of [
    ['a workload', id],
    ['2048 bytes', longest],
    ['a trust domain of 255', `spiffe://${'a'.repeat(255)}/b`],
    ['every character', 'spiffe://a0._-/aZ09._-/...'],
    ['an address', 'spiffe://192.0.2.1/a'],
  ] as const)
    it(`are ${name}`, () => assert.equal(firstRefusal(spiffeIdRules, { id: fine }), undefined))

  for (const { name, input, ruleId } of idRefusals)
    it(`are refused as \`${ruleId}\`: ${name}`, () => {
      assert.equal(firstRefusal(spiffeIdRules, input)?.ruleId, ruleId)
      assert.equal(parseSpiffeId(input.id), undefined)
    })

  it('come apart into trust domain and path', () => {
    assert.deepEqual(parseSpiffeId(id), { trustDomain: 'prod.example', path: '/billing/reader' })
    assert.ok(isTrustDomain('prod.example'))
    for (const wrong of ['', 'Prod', 'a/b', 'a:1', 'a'.repeat(256)]) assert.ok(!isTrustDomain(wrong))
  })

  it('never throw, and what is accepted is spelt in one way', () => {
    const pieces = fc.array(
      fc.constantFrom('spiffe://', 'a', 'B', '/', '.', '..', '%', '*', '?', '#', ':', '@', 'é', '-'),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          pieces.map(parts => `spiffe://${parts.join('')}`),
        ),
        value => {
          const parsed = parseSpiffeId(value)
          if (parsed !== undefined) assert.equal(`spiffe://${parsed.trustDomain}${parsed.path}`, value)
        },
      ),
    )
  })
})

const now = epochSeconds(1_800_000_000)
const issuer = 'https://as.example'
const good: SvidInput = {
  header: { alg: 'ES256', kid: 'a', typ: 'JWT' },
  claims: { sub: id, aud: [issuer], iat: now, exp: now + 300 },
  issuer,
  profile: oauth21,
  now,
}
const withClaims = (claims: object): SvidInput => ({ ...good, claims: { ...good.claims, ...claims } })
const withHeader = (header: object): SvidInput => ({ ...good, header: { ...good.header, ...header } })

const refusals: readonly Refused<SvidInput>[] = [
  ...['none', 'HS256', 'EdDSA', 'Ed25519', 'ES384', 'ML-DSA-44', undefined, ['ES256']].map(alg => ({
    name: `alg ${JSON.stringify(alg)}`,
    input: withHeader({ alg }),
    ruleId: 'svid.alg',
  })),
  {
    name: 'RS256 where the profile has none',
    input: { ...withHeader({ alg: 'RS256' }), profile: fapi2Security },
    ruleId: 'svid.alg',
  },
  ...['jwk', 'jku', 'x5c', 'cty', 'nonce'].map(name => ({
    name: `the header ${name}`,
    input: withHeader({ [name]: 'a' }),
    ruleId: 'svid.header',
  })),
  ...['at+jwt', 'dpop+jwt', 'client-authentication+jwt', 'jwt', 'wit+jwt', '', 7].map(typ => ({
    name: `typ ${typ}`,
    input: withHeader({ typ }),
    ruleId: 'svid.typ',
  })),
  ...[
    undefined,
    [],
    [issuer, issuer],
    [issuer, 'https://other.example'],
    `${issuer}/`,
    `${issuer}/token`,
  ].map(aud => ({ name: `aud ${JSON.stringify(aud)}`, input: withClaims({ aud }), ruleId: 'svid.aud' })),
  ...[undefined, '1', 1.5, -1, now - 10, now - 11].map(exp => ({
    name: `exp ${exp}`,
    input: withClaims({ exp }),
    ruleId: 'svid.exp',
  })),
  ...['iat', 'nbf'].flatMap(name =>
    [now + 31, '1', null].map(time => ({
      name: `${name} ${time}`,
      input: withClaims({ [name]: time }),
      ruleId: 'svid.ahead',
    })),
  ),
  { name: 'a lifetime of 301 s', input: withClaims({ exp: now + 301 }), ruleId: 'svid.lifetime' },
  {
    name: '301 s to go and no iat',
    input: withClaims({ iat: undefined, exp: now + 301 }),
    ruleId: 'svid.lifetime',
  },
]

describe('JWT-SVIDs', () => {
  for (const [name, input] of [
    ['as agents make them', good],
    ['with aud as text', withClaims({ aud: issuer })],
    ['without iat', withClaims({ iat: undefined })],
    ['without kid and typ', withHeader({ kid: undefined, typ: undefined })],
    ['of type JOSE', withHeader({ typ: 'JOSE' })],
    ['of PS256', withHeader({ alg: 'PS256' })],
    ['of RS256', withHeader({ alg: 'RS256' })],
    ['nine seconds after exp', withClaims({ iat: now - 200, exp: now - 9 })],
    ['issued 30 seconds ahead', withClaims({ iat: now + 30, nbf: now + 30, exp: now + 330 })],
    ['with claims nobody knows', withClaims({ iss: 'https://spire.example', jti: 'a', extra: 1 })],
  ] as const)
    it(`are taken ${name}`, () => {
      const header = Object.fromEntries(
        Object.entries(input.header).filter(([, value]) => value !== undefined),
      )
      assert.equal(firstRefusal(svidRules, { ...input, header }), undefined)
    })

  for (const { name, input, ruleId } of refusals)
    it(`are refused as \`${ruleId}\`: ${name}`, () =>
      assert.equal(firstRefusal(svidRules, input)?.ruleId, ruleId))

  it('have algorithms that both the standard and the profile know', () => {
    assert.equal(svidAlgOf('ES256', fapi2Security), 'ES256')
    assert.equal(svidAlgOf('RS256', fapi2Security), undefined)
    assert.equal(svidAlgOf('Ed25519', oauth21), undefined)
    assert.equal(svidAlgOf(undefined, oauth21), undefined)
  })
})
