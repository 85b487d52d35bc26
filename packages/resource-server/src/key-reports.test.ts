import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { keyCheckTyp } from '@holdfast/protocol/key-report.ts'
import type { Fetch } from './ports.ts'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from './test-bed.ts'
import { type TestKey, testClock, testIssuer, testKey } from './testing.ts'

const issuerUrl = 'https://as.example'
const authentication = {
  method: 'private_key_jwt',
  clientId: 'rs-1',
  privateKey: testKey('ES256').privateKey,
  alg: 'ES256',
} as const

interface Told {
  readonly keys: readonly string[]
  readonly verified: readonly string[]
  readonly unverified: readonly string[]
  readonly instance: string
}

interface ReportBed extends TestBed {
  readonly told: Told[]
  readonly published: TestKey[]
  /** Signatures handed out with each answer. */
  readonly checks: string[]
  readonly time: { ms: number }
  readonly state: { isDown: boolean }
  /** Lets what is due happen. */
  readonly settle: (reports: number) => Promise<void>
}

const checkOf = (key: TestKey, claims: object = {}, typ: string = keyCheckTyp, signer = key): string =>
  signJws({ typ, kid: key.thumbprint }, { iss: issuerUrl, ...claims }, signer.privateKey, signer.alg)

function reportBed(): ReportBed {
  // Ahead, so that the pause between two reports is over whenever one is due.
  const time = { ms: 1_000_000 }
  const clock = Object.assign(testClock(), { monotonicMs: () => (time.ms += 10_000) })
  const behind = testIssuer({ clock })
  const told: Told[] = []
  const checks: string[] = []
  const state = { isDown: false }
  const listOf = (form: URLSearchParams, name: string): readonly string[] =>
    (form.get(name) ?? '').split(' ').filter(one => one !== '')
  const fetch: Fetch = async (url, init) => {
    if (url.endsWith('/key-reports')) {
      if (state.isDown) throw new Error('gone')
      const form = new URLSearchParams(init.body ?? '')
      assert.ok(form.get('client_assertion'))
      const lists = { keys: listOf(form, 'keys'), verified: listOf(form, 'verified') }
      const unverified = listOf(form, 'unverified')
      told.push({ ...lists, unverified, instance: form.get('instance') ?? '' })
      const keys = behind.keys.map(({ thumbprint }) => thumbprint)
      return Response.json({ keys, checks, report_after: 60 })
    }
    if (!url.includes('well-known')) return behind.fetch(url, init)
    return Response.json({
      ...{ issuer: issuerUrl, jwks_uri: `${issuerUrl}/jwks` },
      ...{
        introspection_endpoint: `${issuerUrl}/introspect`,
        key_reports_endpoint: `${issuerUrl}/key-reports`,
      },
    })
  }
  const tokens = { jwt: true, jwtRevocation: 'lifetime', introspection: { authentication } } as const
  const bed = testBed({ clock, fetch, tokens })
  const boundToken: TestBed['boundToken'] = (changes, header) =>
    behind.mint({ cnf: { jkt: bed.key.thumbprint }, ...changes }, header)
  const settle = async (reports: number): Promise<void> => {
    for (let turn = 0; turn < 400 && told.length < reports; turn++)
      await new Promise(resolve => setTimeout(resolve, 5))
    // Nothing more may follow by itself.
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(told.length, reports)
  }
  return { ...bed, boundToken, told, checks, time, state, settle, published: behind.keys }
}

describe('an API that can authenticate', () => {
  test('reports the keys it holds once it has them, then what became of the signatures, and then rests', async () => {
    const bed = reportBed()
    const [key] = bed.published as [TestKey]
    bed.checks.push(checkOf(key))
    assert.ok(await bed.api.warmUp())
    await bed.settle(2)
    const [first, second] = bed.told
    assert.deepEqual([first?.keys, first?.verified, first?.unverified], [[key.thumbprint], [], []])
    assert.deepEqual([second?.verified, second?.unverified], [[key.thumbprint], []])
    assert.match(String(first?.instance), /^[\w-]{22}$/)
    assert.equal(first?.instance, second?.instance)
    bed.api.close()
  })

  test('says that a key does not verify, whatever algorithms its own tokens may have', async () => {
    const bed = reportBed()
    const [sound, broken] = [testKey('EdDSA'), testKey('ES256')]
    bed.published.push(sound, broken)
    bed.checks.push(checkOf(sound), checkOf(broken, {}, keyCheckTyp, testKey('ES256')))
    await bed.api.warmUp()
    await bed.settle(2)
    assert.deepEqual(bed.told[1]?.verified, [sound.thumbprint])
    assert.deepEqual(bed.told[1]?.unverified, [broken.thumbprint])
    bed.api.close()
  })

  test('fetches a key it is told of and does not hold', async () => {
    const bed = reportBed()
    await bed.api.warmUp()
    await bed.settle(1)
    const next = testKey()
    bed.published.push(next)
    bed.checks.push(checkOf(next))
    // A token that does not verify is a reason to ask at once.
    const [key] = bed.published as [TestKey]
    const stranger = bed.boundToken({}, { kid: key.thumbprint })
    const spoiled = `${stranger.slice(0, -86)}${'A'.repeat(86)}`
    refused(await call(bed, { headers: dpopHeaders(bed, spoiled) }), 401, 'access-token.signature')
    await bed.settle(3)
    assert.deepEqual(bed.told[1]?.keys, [key.thumbprint])
    assert.deepEqual(bed.told[2]?.keys, [key.thumbprint, next.thumbprint].toSorted())
    assert.deepEqual(bed.told[2]?.verified, [next.thumbprint])
    bed.api.close()
  })

  test('believes no signature of another type or issuer, and none of a key it does not hold', async () => {
    const bed = reportBed()
    const [key] = bed.published as [TestKey]
    const elsewhere = { iss: 'https://evil.example' }
    bed.checks.push(checkOf(key, elsewhere), checkOf(key, {}, 'at+jwt'), checkOf(testKey()), 'garbage', '')
    await bed.api.warmUp()
    await bed.settle(1)
    bed.api.close()
  })

  test('serves on when nobody takes its reports', async () => {
    const bed = reportBed()
    bed.state.isDown = true
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }))
    for (let turn = 0; turn < 400 && bed.alarms.length === 0; turn++)
      await new Promise(resolve => setTimeout(resolve, 5))
    assert.deepEqual(bed.alarms, ['key-reports.failed'])
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }))
    bed.api.close()
  })
})

test('an API that cannot authenticate fetches keys as everybody may, and reports nothing', async () => {
  const urls: string[] = []
  const issuer = testIssuer()
  const bed = testBed({
    fetch: async (url, init) => {
      urls.push(url)
      return issuer.fetch(url, init)
    },
  })
  assert.ok(await bed.api.warmUp())
  assert.deepEqual(urls.map(url => new URL(url).pathname).toSorted(), [
    '/.well-known/oauth-authorization-server',
    '/jwks',
  ])
})
