import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { demoUser } from './demo/documents.ts'
import { openWorkshop, type Started, type Workshop } from './testing/product.ts'

interface Attack {
  readonly id: string
  readonly status: number
  readonly error: string
  readonly ruleId: string
  readonly reference: string
  readonly clauses: readonly { readonly id: string; readonly says: string }[]
  readonly record: { readonly event: string; readonly hash: string }
  readonly aftermath: readonly { readonly seen: string }[]
  readonly asExpected: boolean
}

interface Transcript {
  readonly steps: readonly { readonly number: number }[]
  readonly attacks: readonly Attack[]
  readonly differences: readonly string[]
}

const downgrades = [
  'downgrade.no-pkce 400 invalid_request pkce.required',
  'downgrade.plain-pkce 400 invalid_request pkce.method',
  'downgrade.redirect-uri 400 invalid_request redirect-uri.registered',
  'downgrade.unpushed 303 invalid_request par.required',
]
const common = [
  'token.refresh 400 invalid_grant refresh.client',
  'code.by-thief 400 invalid_grant code.client',
  'code.injected 400 invalid_grant pkce.verifier-match',
  'code.twice 400 invalid_grant code.spent',
  ...downgrades,
]
const certificate = [
  ...common,
  'token.bare 401 invalid_token cnf.x5t',
  'token.other-key 401 invalid_token cnf.x5t',
  'token.rebound 401 invalid_token bearer.dpop-unbound',
  'token.userinfo 401 invalid_token cnf.x5t',
]

/** What every attack on a client gets: status, error, rule. */
const expected: Readonly<Record<string, readonly string[]>> = {
  'jwt-dpop': [
    ...common,
    'token.bare 401 invalid_token bearer.dpop-downgrade',
    'token.other-key 401 invalid_token dpop.binding',
    'token.captured-proof 401 invalid_dpop_proof replay.proof',
    'token.userinfo 401 invalid_token dpop.binding',
    'code.as-victim 401 invalid_client client-auth.signature',
    'code.other-key 400 invalid_grant code.dpop-key',
    'assertion.replayed 401 invalid_client client-assertion.replay',
    'downgrade.unbound 400 invalid_dpop_proof sender.proof-missing',
  ],
  'jwt-mtls': [
    ...certificate,
    'code.as-victim 401 invalid_client client-auth.signature',
    'code.unbound 400 invalid_request sender.certificate-missing',
    'assertion.replayed 401 invalid_client client-assertion.replay',
    'downgrade.unbound 400 invalid_request sender.certificate-missing',
  ],
  'pki-mtls': [
    ...certificate,
    'code.as-victim 401 invalid_client client-auth.certificate-subject',
    'downgrade.unbound 401 invalid_client client-auth.certificate-missing',
  ],
  'own-mtls': [
    ...certificate,
    'code.as-victim 401 invalid_client client-auth.self-signed-unknown',
    'downgrade.unbound 401 invalid_client client-auth.self-signed-missing',
  ],
}

describe('holdfast demo', () => {
  let workshop: Workshop
  let started: Started

  before(async () => {
    workshop = await openWorkshop()
  })
  after(async () => {
    await started?.stop('SIGKILL')
    workshop?.remove()
  })

  test('says how to start the server when none runs', async () => {
    const { exitCode, err } = await workshop.run(['demo'])
    assert.equal(exitCode, 3)
    assert.match(err, /npm start/)
    started = await workshop.start()
  })

  for (const [name, attacks] of Object.entries(expected))
    test(`every attack on demo-${name} is refused with its rule, its clauses and its record`, async () => {
      const { exitCode, out, err } = await workshop.run(['demo', '--client', name, '-o', 'json'])
      assert.equal(exitCode, 0, err)
      const transcript = JSON.parse(out) as Transcript
      assert.deepEqual(
        transcript.steps.map(({ number }) => number),
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
      )
      assert.deepEqual(
        transcript.attacks
          .map(({ id, status, error, ruleId }) => [id, status, error, ruleId].join(' '))
          .sort(),
        attacks.toSorted(),
      )
      for (const { id, clauses, reference, record } of transcript.attacks) {
        assert.ok(clauses.length > 0, id)
        for (const { id: clause, says } of clauses) assert.notEqual(says, '', clause)
        assert.match(reference, /^[\w-]{22,}$/, id)
        assert.notEqual(record.hash, '')
      }
      const twice = transcript.attacks.find(({ id }) => id === 'code.twice')
      assert.deepEqual(
        twice?.aftermath.map(({ seen }) => seen),
        ['active: false', '400 invalid_grant', '401 invalid_token'],
      )
    })

  test('people read it in 100 columns, and no credential stands in it', async () => {
    const { exitCode, out, err } = await workshop.run(['demo'])
    assert.equal(exitCode, 0, err)
    for (const line of out.split('\n')) assert.ok(line.length <= 100, line)
    assert.match(out, /16 of 16 attacks were refused as expected/)
    for (const text of [out, err]) {
      assert.ok(!text.includes(demoUser.password))
      // Handles, anything signed, and random values of 128 bits and more but for ids and hashes that are public.
      assert.doesNotMatch(text, /\b(?:at|rt|ac)_[\w-]{8,}/)
      assert.doesNotMatch(text, /eyJ[\w-]{8,}/)
      assert.doesNotMatch(text, /request_uri:[\w-]{8,}/)
      assert.ok(!text.includes('\u001b'))
    }
  })

  test('the reference of an attack on the API can be explained', async () => {
    const run = await workshop.run(['demo', '-o', 'json'])
    const { attacks } = JSON.parse(run.out) as Transcript
    const reference = attacks.find(({ id }) => id === 'token.other-key')?.reference ?? ''
    const { exitCode, out } = await workshop.run(['explain', reference])
    assert.equal(exitCode, 0)
    assert.match(out, /api\.access {2}alert[\s\S]*rule dpop\.binding/)
  })

  test('an attack that is not refused ends it with exit code 1 and says what differed', async () => {
    const exported = await workshop.run(['export', '--kind', 'Client'])
    const documents = exported.out.split(/^---$/m).filter(text => text.includes('"name": "demo-jwt-dpop"'))
    const loosened = documents[0]?.replace(
      '"https://localhost:8450/callback"',
      '"https://localhost:8450/callback", "https://thief.example/callback"',
    )
    writeFileSync(join(workshop.folder, 'loosened.json'), loosened ?? '')
    const applied = await workshop.run(['apply', '-f', 'loosened.json'])
    assert.equal(applied.exitCode, 0, applied.err)
    const { exitCode, out } = await workshop.run(['demo'])
    assert.equal(exitCode, 1)
    assert.match(out, /NOT AS EXPECTED/)
    assert.match(out, /downgrade\.redirect-uri: expected 400 invalid_request by redirect-uri\.registered/)
  })
})
