import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import fc from 'fast-check'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type ClaimsInput,
  type ClaimsRequest,
  claimsInput,
  claimsLimits,
  claimsRequestOf,
} from './claims-request.ts'
import {
  claimsRules,
  type EssentialAcrInput,
  essentialAcrRules,
  type WantedSubjectInput,
  wantedSubjectRules,
} from './rules.ts'

const judged = (claims: string | undefined): string | undefined =>
  firstRefusal(claimsRules, claimsInput(claims))?.ruleId
const withWish = (wish: unknown): string => JSON.stringify({ id_token: { email: wish } })
const names = (count: number): Record<string, null> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`c${index}`, null]))
const padded = (bytes: number): string => {
  const empty = JSON.stringify({ userinfo: { name: { value: '' } } })
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`)
}

const refusals: readonly Refused<ClaimsInput>[] = (
  [
    ['one byte too long', padded(claimsLimits.bytesMax + 1), 'claims.size'],
    ['no JSON', '{', 'claims.json'],
    ['a list', '[]', 'claims.json'],
    ['null', 'null', 'claims.json'],
    ['a doubled member', '{"id_token":{},"id_token":{"email":null}}', 'claims.json'],
    ['a prototype', '{"__proto__":{}}', 'claims.json'],
    ['seventeen levels', `{"id_token":${'['.repeat(16)}${']'.repeat(16)}}`, 'claims.json'],
    ['a list of claims', '{"id_token":["email"]}', 'claims.members'],
    ['null for userinfo', '{"userinfo":null}', 'claims.members'],
    ['65 names', JSON.stringify({ id_token: names(40), userinfo: names(25) }), 'claims.bounds'],
    ['an empty name', '{"id_token":{"":null}}', 'claims.bounds'],
    ['a name of 129', JSON.stringify({ userinfo: { ['x'.repeat(129)]: null } }), 'claims.bounds'],
    ['true', withWish(true), 'claims.wish'],
    ['a text', withWish('a@b.example'), 'claims.wish'],
    ['essential as text', withWish({ essential: 'true' }), 'claims.wish'],
    ['value and values', withWish({ value: 'a', values: ['a'] }), 'claims.wish'],
    ['values that are no list', withWish({ values: 'a' }), 'claims.wish'],
    ['no values', withWish({ values: [] }), 'claims.wish'],
    ['21 values', withWish({ values: Array.from({ length: 21 }, String) }), 'claims.wish'],
  ] as const
).map(([name, claims, ruleId]) => ({ name, input: claimsInput(claims), ruleId }))

describe('the claims parameter', () => {
  for (const { name, input, ruleId } of refusals)
    it(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(claimsRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_request')
    })

  it('is taken up to every bound', () => {
    for (const claims of [
      undefined,
      '{}',
      '{"other":[1],"id_token":{}}',
      padded(claimsLimits.bytesMax),
      JSON.stringify({ id_token: names(39), userinfo: names(25) }),
      JSON.stringify({ userinfo: { ['x'.repeat(128)]: null } }),
      withWish(null),
      withWish({}),
      withWish({ essential: false, other: 1 }),
      withWish({ values: Array.from({ length: 20 }, String) }),
    ])
      assert.equal(judged(claims), undefined, claims?.slice(0, 60))
  })

  it('is read as what it asks for and nothing else', () => {
    const text = JSON.stringify({
      id_token: { auth_time: { essential: true }, acr: { values: ['a', 'b'] }, sub: { value: 'u_1' } },
      userinfo: { email: null, picture: { essential: 'no' } },
      verified_claims: {},
    })
    assert.deepEqual(claimsRequestOf(claimsInput(text)), {
      idToken: [
        { name: 'auth_time', essential: true },
        { name: 'acr', essential: false, values: ['a', 'b'] },
        { name: 'sub', essential: false, values: ['u_1'] },
      ],
      userinfo: [
        { name: 'email', essential: false },
        { name: 'picture', essential: false },
      ],
    } satisfies ClaimsRequest)
    assert.equal(claimsRequestOf(claimsInput(undefined)), undefined)
  })

  it('is refused or read, whatever it is', () => {
    const tree = fc.json({ maxDepth: 6 })
    const wish = fc.oneof(fc.constant(null), fc.jsonValue(), fc.record({ essential: fc.jsonValue() }))
    const near = fc
      .record({ id_token: fc.dictionary(fc.string(), wish), userinfo: fc.jsonValue() }, { requiredKeys: [] })
      .map(value => JSON.stringify(value))
    fc.assert(
      fc.property(fc.oneof(tree, near, fc.string()), text => {
        const input = claimsInput(text)
        if (firstRefusal(claimsRules, input) !== undefined) return
        const request = claimsRequestOf(input)
        assert.ok(request !== undefined)
        for (const { values } of [...request.idToken, ...request.userinfo])
          assert.ok(values === undefined || values.length > 0)
      }),
    )
  })
})

const ofSub = (wish: object): ClaimsRequest => ({
  idToken: [{ name: 'sub', essential: false, ...wish }],
  userinfo: [],
})
const someone: WantedSubjectInput = { claims: undefined, hintedSubject: undefined, subject: 'u_alice' }
const subjectRefusals: readonly Refused<WantedSubjectInput>[] = [
  { name: 'hint', input: { ...someone, hintedSubject: 'u_bob' }, ruleId: 'oidc.hinted-subject' },
  { name: 'sub', input: { ...someone, claims: ofSub({ values: ['u_bob'] }) }, ruleId: 'claims.subject' },
  { name: 'no text', input: { ...someone, claims: ofSub({ values: [1] }) }, ruleId: 'claims.subject' },
  {
    name: 'sub of userinfo',
    input: { ...someone, claims: { idToken: [], userinfo: ofSub({ values: ['u_bob'] }).idToken } },
    ruleId: 'claims.subject',
  },
]
for (const { name, input, ruleId } of subjectRefusals)
  test(`another user is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(wantedSubjectRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'login_required')
  })

test('the wanted user, and anybody when nobody is named, is accepted', () => {
  for (const input of [
    someone,
    { ...someone, hintedSubject: 'u_alice' },
    { ...someone, claims: ofSub({}) },
    { ...someone, hintedSubject: 'u_alice', claims: ofSub({ values: ['u_bob', 'u_alice'] }) },
  ])
    assert.equal(firstRefusal(wantedSubjectRules, input), undefined)
})

const ofAcr = (wish: object): ClaimsRequest => ({
  idToken: [{ name: 'acr', essential: true, ...wish }],
  userinfo: [],
})
test('an essential acr that is not met is refused by claims.essential-acr, a voluntary one is not', () => {
  const acrs = ['urn:one']
  const unmet: readonly Refused<EssentialAcrInput>[] = [
    {
      name: 'value',
      input: { acrs, claims: ofAcr({ values: ['urn:two'] }) },
      ruleId: 'claims.essential-acr',
    },
    { name: 'none', input: { acrs: [], claims: ofAcr({}) }, ruleId: 'claims.essential-acr' },
  ]
  for (const { input, ruleId } of unmet) {
    const refusal = firstRefusal(essentialAcrRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'unmet_authentication_requirements')
  }
  for (const claims of [
    undefined,
    ofAcr({}),
    ofAcr({ values: ['urn:two', 'urn:one'] }),
    ofAcr({ essential: false, values: ['urn:two'] }),
  ])
    assert.equal(firstRefusal(essentialAcrRules, { acrs, claims }), undefined)
})
