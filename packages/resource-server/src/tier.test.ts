import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { profiles, type SecurityProfile } from '@holdfast/protocol'
import type { ResourceServerOptions } from './options.ts'
import { call, dpopHeaders, type TestBed, testBed } from './test-bed.ts'
import { createResourceServer } from './verify.ts'

function tier(name: string): SecurityProfile {
  const profile = profiles.get(name)
  assert.ok(profile)
  return profile
}

const write = tier('tier-3-sensitive-write')

async function statusOf(bed: TestBed, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const answer = await call(bed, { headers: dpopHeaders(bed, bed.boundToken(claims)) })
  return answer.ok ? 'accepted' : answer.ruleId
}

describe('an API of a tier', () => {
  test('takes its settings from the record of the tier', () => {
    const { settings } = testBed({ profile: write }).api
    assert.deepEqual(settings.algs, write.signingAlgs)
    assert.deepEqual(settings.methods, write.senderConstraintMethods)
    assert.equal(settings.senderConstraint, 'required')
    assert.equal(settings.lifetimeSecondsMax, 300)
    assert.equal(settings.tierMaxAgeSeconds, 3600)
    assert.equal(
      testBed({ profile: tier('tier-2-sensitive-read') }).api.settings.tierMaxAgeSeconds,
      undefined,
    )
    assert.equal(testBed().api.settings.tierMaxAgeSeconds, undefined)
  })

  const looser: readonly (readonly [string, Omit<Partial<ResourceServerOptions>, 'clock'>])[] = [
    ['algs', { algs: ['ES256', 'RS256'] }],
    ['senderConstraint', { senderConstraint: 'allowed' }],
    ['futureSeconds', { futureSeconds: 31 }],
    [
      'senderConstraintMethods',
      { profile: { ...write, senderConstraintMethods: ['mtls'] }, senderConstraintMethods: ['dpop'] },
    ],
    ['proofAgeSeconds', { profile: { ...write, proofAgeSeconds: 30 }, proofAgeSeconds: 31 }],
  ]
  for (const [name, options] of looser)
    test(`refuses to start with a looser \`${name}\``, () => {
      assert.throws(
        () => testBed({ profile: write, ...options }),
        new RegExp(`^TypeError: ${name}: is looser`),
      )
    })

  test('takes only signed answers of introspection where its tier wants them signed', () => {
    const authentication = { method: 'tls_client_auth', clientId: 'api' } as const
    const signed = { ...tier('tier-4-high-value') }
    const settings = (options: Partial<ResourceServerOptions>) =>
      createResourceServer({
        issuer: 'https://as.example',
        audience: 'https://rs.example',
        tokens: 'jwt',
        ...options,
      }).settings.tokens.introspection?.signedAnswers
    const tokens = { introspection: { authentication } }
    assert.equal(settings({ tokens, profile: signed }), 'required')
    assert.equal(settings({ tokens, profile: write }), undefined)
    assert.throws(
      () =>
        settings({ tokens: { introspection: { authentication, signedAnswers: 'off' } }, profile: signed }),
      /^TypeError: signedAnswers: is looser/,
    )
  })

  test('may be stricter than its tier', () => {
    const { settings } = testBed({ profile: write, algs: ['ES256'], futureSeconds: 10 }).api
    assert.deepEqual(settings.algs, ['ES256'])
    assert.equal(settings.futureSeconds, 10)
    assert.equal(
      testBed({ profile: tier('tier-1-low-risk-user'), senderConstraint: 'required' }).api.settings
        .senderConstraint,
      'required',
    )
  })

  test('accepts no token without a binding, though a lower tier does', async () => {
    for (const [name, expected] of [
      ['tier-3-sensitive-write', false],
      ['tier-1-low-risk-user', true],
    ] as const) {
      const bed = testBed({ profile: tier(name) })
      const token = bed.issuer.mint({})
      const answer = await call(bed, { headers: { authorization: `Bearer ${token}` } })
      assert.equal(answer.ok, expected, name)
    }
  })

  test('accepts no token that lives longer than its tier allows', async () => {
    const bed = testBed({ profile: write })
    const now = bed.clock.now()
    const lasting = (seconds: number) => ({ iat: now, exp: now + seconds, auth_time: now })
    assert.equal(await statusOf(bed, lasting(300)), 'accepted')
    assert.equal(await statusOf(bed, lasting(301)), 'access-token.lifetime')
  })

  for (const [age, expected] of [
    [3599, 'accepted'],
    [3600, 'accepted'],
    [3601, 'step-up.max-age'],
  ] as const)
    test(`a sign-in ${age} s ago: ${expected}`, async () => {
      const bed = testBed({ profile: write })
      const now = bed.clock.now()
      const claims = { iat: now, exp: now + 300, auth_time: now - age }
      assert.equal(await statusOf(bed, claims), expected)
    })

  test('asks for a fresh sign-in by a challenge that says how fresh', async () => {
    const bed = testBed({ profile: write })
    const now = bed.clock.now()
    const token = bed.boundToken({ iat: now, exp: now + 300, auth_time: now - 4000 })
    const answer = await call(bed, { headers: dpopHeaders(bed, token) })
    assert.ok(!answer.ok)
    assert.equal(answer.status, 401)
    assert.equal(answer.error, 'insufficient_user_authentication')
    assert.match(JSON.stringify(answer.headers), /max_age=\\"3600\\"/)
  })

  test('asks a user who never signed in, and no client that acts for itself', async () => {
    const bed = testBed({ profile: write })
    const now = bed.clock.now()
    const claims = { iat: now, exp: now + 300, auth_time: undefined }
    assert.equal(await statusOf(bed, { ...claims, sub: 'u_alice' }), 'step-up.max-age')
    assert.equal(await statusOf(bed, { ...claims, sub: 'machine', client_id: 'machine' }), 'accepted')
  })
})
