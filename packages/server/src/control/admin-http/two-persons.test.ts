import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../../clock.ts'
import { openPostgresStore } from '../../store/drivers/postgres.ts'
import {
  dropSchema,
  newSchema,
  postgresAbsence,
  testConnectionString,
} from '../../store/drivers/postgres-for-tests.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { adminScopes } from '../admin-scopes.ts'
import {
  type AdminAnswer,
  type AdminWorld,
  type Asker,
  documentFor,
  openAdminWorld,
  strong,
} from '../testing/admin-world.ts'
import { adminOperations } from './operations.ts'
import { changeLifetimeSeconds, changesOfOneMax, propose } from './propose.ts'
import { openStanding, visitOf } from './visit.ts'

const administrators = [
  { name: 'anna', scopes: adminScopes },
  { name: 'bela', scopes: adminScopes },
  { name: 'cleo', scopes: adminScopes },
  { name: 'dora', scopes: ['admin.issuers:write', 'admin.changes:read'] },
  { name: 'robot', scopes: adminScopes, responsible: ['anna'] },
] as const

const profile = (lifetime: number) =>
  documentFor('SecurityProfile', 'short', {
    base: 'fapi2-security',
    tighten: { accessTokenLifetimeSeconds: lifetime },
  })
const place = '/admin/v1/SecurityProfile/short'
const created = { 'if-none-match': '*' }

describe('a change that takes two persons', () => {
  let world: AdminWorld
  const who: Record<string, Asker> = {}
  before(async () => {
    world = await openAdminWorld({
      administrators,
      documents: [
        documentFor('User', 'gina', { password: 'password-of-gina' }),
        documentFor('Administrator', 'gina', { user: 'gina', scopes: ['admin.audit:read'] }),
      ],
    })
    for (const name of ['anna', 'bela', 'cleo', 'dora']) who[name] = await world.person(name)
    who.robot = await world.machine('robot')
  })
  after(() => world.close())

  const as = (name: string): Asker => who[name] as Asker
  const proposed = async (name: string, lifetime: number): Promise<string> => {
    const etag = (await as('anna').ask('GET', place)).headers.get('etag')
    const headers = etag === null ? created : { 'if-match': etag }
    const answer = await as(name).ask('PUT', place, { body: profile(lifetime), headers })
    assert.equal(answer.status, 202, JSON.stringify(answer.body))
    return answer.headers.get('location') ?? ''
  }
  const confirm = (name: string, change: string): Promise<AdminAnswer> =>
    as(name).ask('POST', `${change}/confirmation`, { body: {} })

  test('says what it will do and why one person is not enough, and does nothing yet', async () => {
    const change = await proposed('anna', 200)
    const read = await as('bela').ask('GET', change)
    assert.deepEqual(read.body.reasons, ['SecurityProfile/short: a profile that others stand on'])
    assert.deepEqual(read.body.approveScopes, ['admin.issuers:approve'])
    assert.deepEqual(read.body.persons, ['anna'])
    assert.equal((await as('bela').ask('GET', place)).status, 404)
    const listed = await as('bela').ask('GET', '/admin/v1/changes')
    assert.equal((listed.body.changes as unknown[]).length, 1)
    assert.equal(await proposed('anna', 200), change, 'the same proposal is the same change')
    assert.equal((await confirm('bela', change)).status, 200)
    assert.deepEqual((await as('bela').ask('GET', place)).body, profile(200))
  })

  test('is not confirmed by who proposed it, by a client, or without the scope', async () => {
    const change = await proposed('anna', 190)
    assert.equal((await confirm('anna', change)).body.ruleId, 'admin.own-change')
    assert.equal((await confirm('robot', change)).body.ruleId, 'admin.approver-person')
    assert.equal((await confirm('dora', change)).body.ruleId, 'admin.role')
    const narrow = await world.person('bela', { scopes: ['admin.changes:read'] })
    const answer = await narrow.ask('POST', `${change}/confirmation`, { body: {} })
    assert.equal(answer.body.ruleId, 'bearer.scope')
    assert.match(answer.headers.get('www-authenticate') ?? '', /scope="admin.issuers:approve"/)
    assert.equal((await as('anna').ask('DELETE', change)).status, 200)
    assert.equal((await confirm('bela', change)).body.ruleId, 'admin.change-unknown')
  })

  test('of a client is not confirmed by who answers for the client', async () => {
    const change = await proposed('robot', 180)
    assert.equal((await confirm('anna', change)).body.ruleId, 'admin.own-change')
    assert.equal((await confirm('bela', change)).status, 200)
  })

  test('is confirmed once', async () => {
    const change = await proposed('anna', 170)
    assert.equal((await confirm('bela', change)).status, 200)
    assert.equal((await confirm('cleo', change)).body.ruleId, 'admin.change-unknown')
  })

  test('is not confirmed when what it changes was changed since', async () => {
    const [first, second] = [await proposed('anna', 160), await proposed('cleo', 150)]
    assert.equal((await confirm('bela', first)).status, 200)
    const stale = await confirm('bela', second)
    assert.equal(stale.status, 409)
    assert.equal(stale.body.ruleId, 'admin.change-stale')
    assert.equal((await as('bela').ask('DELETE', second)).status, 200)
  })

  test('is withdrawn by nobody who could not confirm it', async () => {
    const change = await proposed('anna', 140)
    assert.equal((await as('dora').ask('DELETE', change)).status, 403)
    assert.equal((await as('cleo').ask('DELETE', change)).status, 200)
  })

  test('takes a user who signed in strongly and lately, to propose and to confirm', async () => {
    const weak = await world.person('anna', { acr: 'urn:holdfast:acr:pwd' })
    const old = await world.person('bela', { ageSeconds: 901 })
    const phr = await world.person('cleo', { acr: 'urn:holdfast:acr:phr', ageSeconds: 890 })
    const etag = (await as('anna').ask('GET', place)).headers.get('etag') ?? ''
    const refused = await weak.ask('PUT', place, { body: profile(130), headers: { 'if-match': etag } })
    assert.equal(refused.status, 401)
    assert.equal(refused.body.ruleId, 'step-up.acr')
    const challenge = refused.headers.get('www-authenticate') ?? ''
    assert.match(challenge, /error="insufficient_user_authentication"/)
    assert.match(challenge, /acr_values="urn:holdfast:acr:mfa urn:holdfast:acr:phr", max_age="900"/)
    const change = await proposed('anna', 130)
    const late = await old.ask('POST', `${change}/confirmation`, { body: {} })
    assert.equal(late.body.ruleId, 'step-up.max-age')
    assert.equal((await phr.ask('POST', `${change}/confirmation`, { body: {} })).status, 200)
  })

  test('keys are rotated and revoked by two persons', async () => {
    const keys = async (): Promise<readonly { kid: string; state: string }[]> =>
      (await as('anna').ask('GET', '/admin/v1/keys')).body.keys as never
    const before = await keys()
    const waits = await as('anna').ask('POST', '/admin/v1/keys/rotation', { body: { alg: 'ES256' } })
    assert.equal(waits.status, 202, JSON.stringify(waits.body))
    assert.deepEqual(await keys(), before)
    assert.deepEqual(waits.body.request, { alg: 'ES256' })
    const change = waits.headers.get('location') ?? ''
    assert.equal((await confirm('anna', change)).body.ruleId, 'admin.own-change')
    const rotated = await confirm('bela', change)
    assert.equal(rotated.status, 200, JSON.stringify(rotated.body))
    assert.equal((await keys()).length, before.length + 1)
    const revocation = { body: { kid: before[0]?.kid } }
    const second = await as('anna').ask('POST', '/admin/v1/keys/revocation', revocation)
    const third = await as('cleo').ask('POST', '/admin/v1/keys/revocation', revocation)
    assert.equal((await confirm('bela', second.headers.get('location') ?? '')).status, 200)
    assert.equal((await keys()).find(({ kid }) => kid === before[0]?.kid)?.state, 'revoked')
    const stale = await confirm('bela', third.headers.get('location') ?? '')
    assert.equal(stale.body.ruleId, 'admin.change-stale')
    await as('cleo').ask('DELETE', third.headers.get('location') ?? '')
  })

  test('policies become active by two persons', async () => {
    const body = {
      set: 'main',
      policies: { 'all.cedar': 'permit (principal, action, resource);' },
      tests: {},
    }
    const submitted = await as('anna').ask('POST', '/admin/v1/policies', { body })
    assert.equal(submitted.status, 200, JSON.stringify(submitted.body))
    const rollback = await as('anna').ask('POST', '/admin/v1/policies/changes', {
      body: { step: 'rollback' },
    })
    assert.equal(rollback.status, 202)
    const nothing = await confirm('bela', rollback.headers.get('location') ?? '')
    assert.equal(nothing.status, 422, 'the shipped policies are active: nothing was before')
  })

  test('a change that waits holds no password', async () => {
    const files = [
      documentFor('User', 'erna', { password: 'correct-horse-battery' }),
      documentFor('SecurityProfile', 'other', { base: 'fapi2-security', tighten: {} }),
    ].map(one => ({ path: 'a', text: JSON.stringify(one) }))
    const refused = await as('anna').ask('POST', '/admin/v1/apply', { body: { files } })
    assert.equal(refused.body.ruleId, 'admin.change-secret', JSON.stringify(refused.body))
    const own = documentFor('User', 'bela', {
      passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'C'.repeat(43)}`,
    })
    const etag = (await as('anna').ask('GET', '/admin/v1/User/bela')).headers.get('etag') ?? ''
    const taken = await as('anna').ask('PUT', '/admin/v1/User/bela', {
      body: own,
      headers: { 'if-match': etag },
    })
    assert.equal(taken.body.ruleId, 'admin.password', JSON.stringify(taken.body))
  })

  test('the password of an administrator is not told by what a write of it says, also when dry', async () => {
    const answers: unknown[] = []
    for (const guess of ['password-of-gina', 'another-password']) {
      const files = [{ path: 'a', text: JSON.stringify(documentFor('User', 'gina', { password: guess })) }]
      for (const dryRun of [true, false]) {
        const { status, body } = await as('anna').ask('POST', '/admin/v1/apply', { body: { files, dryRun } })
        answers.push([status, body.ruleId])
      }
    }
    assert.deepEqual(new Set(answers.map(answer => JSON.stringify(answer))).size, 1)
    assert.deepEqual(answers[0], [403, 'admin.password'])
  })

  test('who approves for a group is made so by two persons, and impersonated by none', async () => {
    const write = (spec: object, etag?: string): Promise<AdminAnswer> => {
      const headers = etag === undefined ? created : { 'if-match': etag }
      return as('anna').ask('PUT', '/admin/v1/User/paul', {
        body: documentFor('User', 'paul', spec),
        headers,
      })
    }
    const made = await write({ password: 'first-password' })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const waits = await write({ groups: ['payers'] }, made.headers.get('etag') ?? '')
    assert.deepEqual(waits.body.reasons, ['User/paul: approves for a group'])
    assert.equal((await confirm('bela', waits.headers.get('location') ?? '')).status, 200)
    const etag = (await as('anna').ask('GET', '/admin/v1/User/paul')).headers.get('etag') ?? ''
    for (const password of ['first-password', 'other-password'])
      assert.equal((await write({ groups: ['payers'], password }, etag)).body.ruleId, 'admin.password')
    assert.equal((await write({}, etag)).status, 202)
    const reset = { body: { username: 'paul' } }
    assert.equal((await as('anna').ask('POST', '/admin/v1/users/second-factors/reset', reset)).status, 202)
  })

  test('what policies want approved is answered by the user of the token', async () => {
    const ask = (name: string, more: object = {}): Promise<AdminAnswer> =>
      as(name).ask('POST', '/admin/v1/approvals', { body: { step: 'approve', name: 'none', ...more } })
    assert.equal((await ask('robot')).body.ruleId, 'admin.approver-person')
    assert.equal((await ask('bela', { as: 'anna' })).body.ruleId, 'admin.body')
    assert.match(JSON.stringify((await ask('bela')).body), /there is no request of this name/)
    assert.deepEqual((await as('bela').ask('GET', '/admin/v1/approvals')).body, { approvals: [] })
  })

  test('the second factors of an administrator are reset by two persons', async () => {
    const body = { username: 'bela' }
    const waits = await as('anna').ask('POST', '/admin/v1/users/second-factors/reset', { body })
    assert.equal(waits.status, 202, JSON.stringify(waits.body))
    await as('anna').ask('DELETE', waits.headers.get('location') ?? '')
  })

  test('twenty wait at most of one person', async () => {
    for (let count = 0; count < changesOfOneMax; count++)
      assert.equal((await ask(count)).status, 202, String(count))
    const one = await ask(changesOfOneMax)
    assert.equal(one.body.ruleId, 'admin.change-limit')
    assert.equal(one.status, 409)
    function ask(count: number): Promise<AdminAnswer> {
      const body = documentFor('SecurityProfile', `p${count}`, { base: 'fapi2-security', tighten: {} })
      return as('cleo').ask('PUT', `/admin/v1/SecurityProfile/p${count}`, { body, headers: created })
    }
  })

  test('ends after seven days, and leaves room for the next', async () => {
    const change = await proposed('anna', 120)
    world.clock.ahead += changeLifetimeSeconds
    const late = await world.person('bela')
    const refused = await late.ask('POST', `${change}/confirmation`, { body: {} })
    assert.equal(refused.body.ruleId, 'admin.change-expired')
    assert.equal(refused.status, 409)
    const anna = await world.person('anna')
    const body = documentFor('SecurityProfile', 'next', { base: 'fapi2-security', tighten: {} })
    const next = await anna.ask('PUT', '/admin/v1/SecurityProfile/next', { body, headers: created })
    assert.equal(next.status, 202)
    const listed = await anna.ask('GET', '/admin/v1/changes')
    assert.equal((listed.body.changes as unknown[]).length, 1)
    assert.equal((await anna.ask('GET', change)).status, 404)
  })

  test('of more documents than a change can hold does not wait, and breaks nothing', async () => {
    const documents = Array.from({ length: 1001 }, (_, index) =>
      documentFor('Scope', `admin.s${index}`, { title: 'x', description: 'x' }),
    )
    const files = [{ path: 'a', text: documents.map(one => JSON.stringify(one)).join('\n---\n') }]
    const anna = await world.person('anna')
    const refused = await anna.ask('POST', '/admin/v1/apply', { body: { files } })
    assert.equal(refused.body.ruleId, 'admin.change-size', JSON.stringify(refused.body))
    assert.equal((await anna.ask('GET', '/admin/v1/status')).status, 200)
  })

  test('gives up when others keep changing the revision', async () => {
    const { desk } = world
    const { ports } = desk.options
    const failed = { committed: false, guard: 'raise-revision', index: 0 } as const
    const store = { ...ports.store, commit: async () => failed }
    const busy = { ...desk, options: { ...desk.options, ports: { ...ports, store } } }
    const standing = await openStanding(ports.store)()
    const record = standing.records.find(
      ({ documentKind, name }) => documentKind === 'Administrator' && name === 'anna',
    )
    assert.ok(record)
    const caller = {
      ...{
        name: 'anna',
        isPerson: true,
        username: 'anna',
        responsible: [],
        scopes: [],
        clientId: 'admin-cli',
      },
      ...{ acr: strong, authTime: world.clock.now(), highAcrs: [strong], record, reach: undefined },
    }
    const visit = visitOf(busy, standing, caller, {
      ...{ requestId: 'r', params: {}, query: {}, body: {}, header: () => undefined },
    })
    const proposal = {
      ...{ operation: 'rotateKeys', request: {}, changes: [], reasons: ['keys'], base: {} },
      approveScopes: ['admin.keys:approve'],
    }
    const proposed = await propose(visit, proposal)
    assert.ok(!proposed.ok && 'refusal' in proposed)
    assert.equal(proposed.refusal.ruleId, 'admin.change-busy')
    const waiting = visit.changes[0]?.document
    const withdrawal = adminOperations.find(({ id }) => id === 'withdrawChange')
    const overtaken = await withdrawal?.work({ ...visit, params: { name: waiting?.name ?? '' } })
    assert.ok(overtaken?.ok === false && 'refusal' in overtaken)
    assert.equal(overtaken.refusal.ruleId, 'admin.change-overtaken')
  })

  test('every step stands in the audit with the person of the token', async () => {
    for (const [event, person] of [
      ['admin.change.proposed', 'anna'],
      ['admin.change.confirmed', 'bela'],
    ] as const) {
      const [first] = await world.audit(event)
      assert.equal(first?.facts.person, person)
      assert.equal(first?.facts.identity, 'token')
      assert.equal(first?.facts.proposed_by, 'anna')
    }
    const applied = (await world.audit('control.applied')).find(({ facts }) => facts.change !== undefined)
    assert.equal(applied?.facts.person, 'bela')
    assert.equal(applied?.facts.proposed_by, 'anna')
    assert.equal(applied?.facts.admin_client, 'admin-cli')
  })
})

const schema = newSchema()
const stores: Readonly<Record<string, () => Promise<Store>>> = {
  SQLite: () => openSqliteStore({ path: ':memory:', clock: systemClock }),
  PostgreSQL: () => openPostgresStore({ connectionString: testConnectionString, schema, clock: systemClock }),
}
const absence = (await postgresAbsence()) ?? false

for (const [name, open] of Object.entries(stores))
  describe(`two confirmations at once, ${name}`, { skip: name === 'PostgreSQL' && absence }, () => {
    let world: AdminWorld
    let store: Store
    before(async () => {
      store = await open()
      world = await openAdminWorld({ administrators, store })
    })
    after(async () => {
      await world?.close()
      await store?.close()
      if (name === 'PostgreSQL') await dropSchema(schema)
    })

    for (const what of ['documents', 'keys'] as const)
      test(`bring a change of ${what} about once`, async () => {
        const [anna, bela, cleo] = [
          await world.person('anna'),
          await world.person('bela'),
          await world.person('cleo'),
        ]
        const proposal =
          what === 'documents'
            ? await anna.ask('PUT', place, { body: profile(100), headers: created })
            : await anna.ask('POST', '/admin/v1/keys/rotation', { body: { alg: 'ES256' } })
        assert.equal(proposal.status, 202, JSON.stringify(proposal.body))
        const url = `${proposal.headers.get('location')}/confirmation`
        const answers = await Promise.all(
          [bela, cleo, bela, cleo].map(one => one.ask('POST', url, { body: {} })),
        )
        const statuses = answers.map(({ status }) => status).toSorted()
        const seen = JSON.stringify(answers.map(({ body }) => body))
        assert.equal(statuses.filter(status => status === 200).length, 1, seen)
        const late = answers.filter(({ status }) => status !== 200).map(({ body }) => body.ruleId)
        const known = ['admin.change-unknown', 'admin.change-overtaken', 'admin.change-stale']
        for (const ruleId of late) assert.ok(known.includes(String(ruleId)), seen)
        const confirmed = await world.audit('admin.change.confirmed')
        assert.equal(confirmed.length, what === 'documents' ? 1 : 2)
      })
  })
