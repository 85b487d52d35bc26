import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { newApproval } from '../../data/approvals/approval.ts'
import type { ApprovalContent } from '../../store/approval-records.ts'
import { adminScopes } from '../admin-scopes.ts'
import {
  type AdminWorld,
  type Asker,
  answerOf,
  audience,
  documentFor,
  issuer,
  openAdminWorld,
} from '../testing/admin-world.ts'
import { governedDocuments } from '../testing/governed.ts'
import { newJwk, shopForm, shopMetadata } from '../testing/onboarded.ts'

describe('the admin API over HTTPS', () => {
  let world: AdminWorld
  let anna: Asker
  let bela: Asker
  let robot: Asker
  before(async () => {
    world = await openAdminWorld({
      administrators: [
        { name: 'anna', scopes: adminScopes },
        { name: 'bela', scopes: adminScopes },
        { name: 'robot', scopes: adminScopes, responsible: ['anna'] },
      ],
    })
    anna = await world.person('anna')
    bela = await world.person('bela')
    robot = await world.machine('robot')
  })
  after(() => world.close())

  test('says who is asking', async () => {
    const answer = await anna.ask('GET', '/admin/v1/self')
    assert.equal(answer.status, 200, JSON.stringify(answer))
    assert.equal(answer.body.name, 'anna')
    const machine = await robot.ask('GET', '/admin/v1/self')
    assert.equal(machine.body.isPerson, false)
  })

  test('a document is made, read, replaced and deleted with its entity tag', async () => {
    const path = '/admin/v1/ResourceServer/books'
    const serverOf = (displayName: string) =>
      documentFor('ResourceServer', 'books', { audience: 'https://books.example', displayName })
    const [first, other] = [serverOf('Books'), serverOf('Books 2')]
    const missing = await anna.ask('PUT', path, { body: first })
    assert.equal(missing.status, 428, JSON.stringify(missing))
    const made = await anna.ask('PUT', path, { body: first, headers: { 'if-none-match': '*' } })
    assert.equal(made.status, 201, JSON.stringify(made))
    const read = await anna.ask('GET', path)
    assert.equal(read.status, 200)
    assert.deepEqual(read.body, first)
    assert.equal(read.headers.get('etag'), made.headers.get('etag'))
    const taken = await anna.ask('PUT', path, { body: other, headers: { 'if-none-match': '*' } })
    assert.equal(taken.status, 412)
    assert.equal(taken.body.ruleId, 'admin.precondition')
    const etag = read.headers.get('etag') ?? ''
    const put = await anna.ask('PUT', path, { body: other, headers: { 'if-match': etag } })
    assert.equal(put.status, 200, JSON.stringify(put))
    const again = await anna.ask('PUT', path, { body: other, headers: { 'if-match': etag } })
    assert.equal(again.status, 200)
    const stale = await anna.ask('PUT', path, { body: first, headers: { 'if-match': etag } })
    assert.equal(stale.status, 412)
    assert.equal((await anna.ask('DELETE', path, { headers: { 'if-match': etag } })).status, 412)
    assert.equal((await anna.ask('DELETE', path)).status, 428)
    const gone = await anna.ask('DELETE', path, { headers: { 'if-match': put.headers.get('etag') ?? '' } })
    assert.equal(gone.status, 200, JSON.stringify(gone))
    const nobody = await anna.ask('GET', path)
    assert.equal(nobody.status, 404)
    assert.equal(nobody.body.ruleId, 'admin.missing')
  })

  test('what is high-risk waits for a second person', async () => {
    const path = '/admin/v1/Administrator/carla'
    const carla = documentFor('Administrator', 'carla', { user: 'carla', scopes: ['admin.audit:read'] })
    const waits = await anna.ask('PUT', path, { body: carla, headers: { 'if-none-match': '*' } })
    assert.equal(waits.status, 202, JSON.stringify(waits))
    const place = `${waits.headers.get('location')}/confirmation`
    assert.equal((await anna.ask('GET', path)).status, 404)
    assert.equal((await anna.ask('POST', place, { body: {} })).body.ruleId, 'admin.own-change')
    assert.equal((await robot.ask('POST', place, { body: {} })).body.ruleId, 'admin.approver-person')
    const confirmed = await bela.ask('POST', place, { body: {} })
    assert.equal(confirmed.status, 200, JSON.stringify(confirmed))
    assert.equal((await anna.ask('GET', path)).status, 200)
    assert.equal((await bela.ask('POST', place, { body: {} })).status, 404)
  })

  test('no token, no answer', async () => {
    const answer = await answerOf(await world.fetch(`${audience}/admin/v1/self`, {}))
    assert.equal(answer.status, 401)
    assert.equal(answer.body.ruleId, 'bearer.credentials-missing', issuer)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  })
})

describe('documents over HTTPS', () => {
  let world: AdminWorld
  let anna: Asker
  before(async () => {
    world = await openAdminWorld({
      administrators: [
        { name: 'anna', scopes: adminScopes },
        { name: 'bela', scopes: adminScopes },
        { name: 'robot', scopes: adminScopes, responsible: ['anna'] },
      ],
      documents: governedDocuments.map(text => parse(text) as object),
    })
    anna = await world.person('anna')
  })
  after(() => world.close())

  test('come in pages, by name', async () => {
    const names: string[] = []
    let path = '/admin/v1/Scope?limit=7'
    for (let page = 0; page < 20; page++) {
      const answer = await anna.ask('GET', path)
      const items = answer.body.items as { document: { metadata: { name: string } }; etag: string }[]
      names.push(...items.map(({ document }) => document.metadata.name))
      if (answer.body.next === undefined) break
      assert.equal(items.length, 7)
      path = `/admin/v1/Scope?limit=7&after=${encodeURIComponent(String(answer.body.next))}`
    }
    assert.deepEqual(names, names.toSorted())
    assert.ok(names.includes('admin.keys:write') && names.includes('accounts'))
    assert.equal(new Set(names).size, names.length)
    for (const limit of ['0', '501', 'x'])
      assert.equal((await anna.ask('GET', `/admin/v1/Scope?limit=${limit}`)).status, 400)
  })

  test('of every kind that is written alone are never secrets or changes that wait', async () => {
    for (const kind of ['ClientSecret', 'PendingChange', 'Nothing'])
      assert.equal((await anna.ask('GET', `/admin/v1/${kind}`)).body.ruleId, 'edge.path', kind)
    const files = [{ path: 'a', text: JSON.stringify(documentFor('ClientSecret', 'batch', { secrets: [] })) }]
    const secret = await anna.ask('POST', '/admin/v1/apply', { body: { files } })
    assert.equal(secret.body.ruleId, 'bearer.scope')
    const exported = await anna.ask('GET', '/admin/v1/documents')
    const kinds = (exported.body.documents as { kind: string }[]).map(({ kind }) => kind)
    assert.ok(kinds.includes('Client') && kinds.includes('Administrator'))
    assert.ok(!kinds.includes('ClientSecret') && !kinds.includes('PendingChange'))
  })

  test('name the place they are put to, and nothing that does not exist', async () => {
    const scope = documentFor('Scope', 'other', { title: 'Other', description: 'Other' })
    const headers = { 'if-none-match': '*' }
    const elsewhere = await anna.ask('PUT', '/admin/v1/Scope/one', { body: scope, headers })
    assert.equal(elsewhere.body.ruleId, 'admin.place')
    const abroad = { ...scope, metadata: { name: 'one', issuer: 'another' } }
    assert.equal(
      (await anna.ask('PUT', '/admin/v1/Scope/one', { body: abroad, headers })).body.ruleId,
      'admin.place',
    )
    assert.equal((await anna.ask('GET', '/admin/v1/Scope?issuer=another')).body.ruleId, 'admin.issuer')
    const wrong = documentFor('Scope', 'one', { title: '', unheard: 1 })
    const unfit = await anna.ask('PUT', '/admin/v1/Scope/one', { body: wrong, headers })
    assert.equal(unfit.status, 422)
    assert.match(JSON.stringify(unfit.body.problems), /spec\.unheard.*unknown key/)
  })

  test('have names with every character a scope may have', async () => {
    const name = `https://a.example/b?c=d&e#f:%${'x'.repeat(90)}`
    const path = `/admin/v1/Scope/${encodeURIComponent(name)}`
    const body = documentFor('Scope', name, { title: 'Odd', description: 'Odd' })
    const made = await anna.ask('PUT', path, { body, headers: { 'if-none-match': '*' } })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    assert.deepEqual((await anna.ask('GET', path)).body, body)
  })

  test('are applied as a set, dry first', async () => {
    const files = [
      { path: 'a', text: JSON.stringify(documentFor('Scope', 'set', { title: 'S', description: 'S' })) },
    ]
    const dry = await anna.ask('POST', '/admin/v1/apply', { body: { files, dryRun: true } })
    assert.equal((dry.body.changes as unknown[]).length, 1)
    assert.equal((await anna.ask('GET', '/admin/v1/Scope/set')).status, 404)
    const applied = await anna.ask('POST', '/admin/v1/apply', { body: { files } })
    assert.equal(applied.body.reference, applied.headers.get('x-request-id'))
    assert.equal((await anna.ask('GET', '/admin/v1/Scope/set')).status, 200)
    const again = await anna.ask('POST', '/admin/v1/apply', { body: { files } })
    assert.equal(again.body.reference, undefined)
  })

  test('of users are read without the password, and written with the tag that was read', async () => {
    const path = '/admin/v1/User/uma'
    const user = documentFor('User', 'uma', { password: 'correct-horse', claims: { name: 'Uma' } })
    const made = await anna.ask('PUT', path, { body: user, headers: { 'if-none-match': '*' } })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const read = await anna.ask('GET', path)
    assert.doesNotMatch(JSON.stringify(read.body), /password|argon2/)
    assert.equal(read.headers.get('etag'), made.headers.get('etag'))
    const off = documentFor('User', 'uma', { status: 'disabled', claims: { name: 'Uma' } })
    const stale = await anna.ask('PUT', path, { body: off, headers: { 'if-match': '"x"' } })
    assert.equal(stale.status, 412)
    const etag = read.headers.get('etag') ?? ''
    const put = await anna.ask('PUT', path, { body: off, headers: { 'if-match': etag } })
    assert.equal(put.status, 200, JSON.stringify(put.body))
    assert.equal((await world.store.findUserByUsername(issuer, 'uma'))?.status, 'disabled')
    const records = await world.audit('control.applied')
    assert.doesNotMatch(JSON.stringify(records), /correct-horse|argon2/)
  })

  test('stand in the audit with the person, the client and the tags before and after', async () => {
    const path = '/admin/v1/Scope/told'
    const body = documentFor('Scope', 'told', { title: 'T', description: 'T' })
    const made = await anna.ask('PUT', path, { body, headers: { 'if-none-match': '*' } })
    const found = await world.store.findAudit(made.headers.get('x-request-id') ?? '', 10)
    assert.deepEqual(
      found.map(({ event }) => event),
      ['admin.authorized', 'control.applied'],
    )
    assert.equal(found[0]?.facts.operation, 'putScope')
    const facts = found[1]?.facts
    assert.equal(facts?.person, 'anna')
    assert.equal(facts?.admin_client, 'admin-cli')
    assert.equal(facts?.etag_before, '')
    assert.equal(facts?.etag_after, made.headers.get('etag'))
  })

  test('a client is suspended by one person in a hurry, and let go on by two', async () => {
    const path = '/admin/v1/Client/batch'
    const read = await anna.ask('GET', path)
    const etag = read.headers.get('etag') ?? ''
    const { spec, ...rest } = read.body as { spec: object }
    const off = await anna.ask('PUT', path, {
      ...{ body: { ...rest, spec: { ...spec, status: 'suspended' } }, headers: { 'if-match': etag } },
    })
    assert.equal(off.status, 200, JSON.stringify(off.body))
    const headers = { 'if-match': off.headers.get('etag') ?? '' }
    const on = await anna.ask('PUT', path, { body: read.body, headers })
    assert.equal(on.status, 202, JSON.stringify(on.body))
  })

  test('a change that is too large does not wait', async () => {
    const path = '/admin/v1/ApiOperations/bank'
    const read = await anna.ask('GET', path)
    const { spec, ...rest } = read.body as unknown as { spec: { owner: string; operations: object[] } }
    const more = Array.from({ length: 700 }, (_, index) => ({
      ...{
        id: `more-${index}`,
        method: 'GET',
        path: `/more/${index}`,
        description: 'x'.repeat(400),
        tier: 1,
      },
      coveredBy: [{ scopes: ['accounts'] }],
    }))
    const body = { ...rest, spec: { ...spec, operations: [...spec.operations, ...more] } }
    const headers = { 'if-match': read.headers.get('etag') ?? '' }
    const refused = await anna.ask('PUT', path, { body, headers })
    assert.equal(refused.status, 413)
    assert.equal(refused.body.ruleId, 'admin.change-size')
  })

  test('grants of scopes are asked for and approved by the persons of the tokens', async () => {
    const robot = await world.machine('robot')
    const bela = await world.person('bela')
    const wanted = {
      ...{ client: 'batch', resourceServer: 'bank', scopes: ['accounts'], authorizationDetailsTypes: [] },
      ...{ purpose: 'the books', days: 10, reviewDays: 5 },
    }
    const named = await anna.ask('POST', '/admin/v1/scope-grants', { body: { ...wanted, as: 'bela' } })
    assert.equal(named.body.ruleId, 'admin.body')
    const asked = await robot.ask('POST', '/admin/v1/scope-grants', { body: wanted })
    assert.equal(asked.status, 201, JSON.stringify(asked.body))
    const { name } = asked.body
    const step = (who: Asker, of: string) =>
      who.ask('POST', '/admin/v1/scope-grants/steps', { body: { step: of, name } })
    assert.equal((await step(robot, 'approve')).body.ruleId, 'admin.approver-person')
    assert.equal((await step(anna, 'approve')).body.ruleId, 'admin.own-change')
    const approved = await step(bela, 'approve')
    assert.equal(approved.body.state, 'approved', JSON.stringify(approved.body))
    const [record] = await world.audit('scope-grant.approved')
    assert.equal(record?.facts.person, 'bela')
    assert.equal(record?.facts.identity, 'token')
    const weak = await world.person('bela', { acr: 'urn:holdfast:acr:pwd' })
    assert.equal((await step(weak, 'approve')).body.ruleId, 'step-up.acr')
  })

  test('the document about it all needs no token', async () => {
    const answer = await answerOf(await world.fetch(`${audience}/admin/v1/openapi.json`, {}))
    assert.equal(answer.status, 200)
    assert.equal(answer.body.openapi, '3.1.0')
  })

  test('who is no longer an administrator is none at once', async () => {
    const bela = await world.person('bela')
    assert.equal((await bela.ask('GET', '/admin/v1/self')).status, 200)
    const revision = await world.store.revision()
    await world.store.commit([
      { kind: 'raise-revision', from: revision },
      { kind: 'delete-document', documentKind: 'Administrator', name: 'bela', issuer },
    ])
    const answer = await bela.ask('GET', '/admin/v1/self')
    assert.equal(answer.body.ruleId, 'admin.administrator')
    assert.equal(answer.status, 403)
  })
})

/** The lists that are not of one kind of documents, with the member that holds what they list. */
const pagedLists = [
  ['/admin/v1/scope-grants', 'grants'],
  ['/admin/v1/onboardings', 'onboardings'],
  ['/admin/v1/approvals', 'approvals'],
  ['/admin/v1/registration-tokens', 'tokens'],
  ['/admin/v1/documents', 'documents'],
] as const

describe('lists over HTTPS', () => {
  let world: AdminWorld
  let anna: Asker
  before(async () => {
    const jwks = { keys: [newJwk('shop')] }
    world = await openAdminWorld({
      administrators: [{ name: 'anna', scopes: adminScopes }],
      documents: [
        ...governedDocuments.map(text => parse(text) as object),
        documentFor('Client', 'shop', { metadata: { ...shopMetadata, scope: 'openid', jwks } }),
      ],
    })
    anna = await world.person('anna')
  })
  after(() => world.close())

  const add: Readonly<Record<string, (index: number) => object>> = {
    grants: index => ({
      ...{ client: 'batch', resourceServer: 'bank', scopes: ['accounts'], authorizationDetailsTypes: [] },
      ...{ purpose: `book ${index}`, days: 10, reviewDays: 5 },
    }),
    onboardings: index => ({ form: { ...shopForm, purpose: `shop ${index}` }, days: 10 }),
    tokens: index => ({
      ...{ uses: 1, lifetimeSeconds: 600, note: `fair ${index}` },
      policy: {
        ...{ profile: 'fapi2-security', scopes: ['openid'], grantTypes: ['authorization_code'] },
        ...{ resources: [], redirectHosts: ['app.example'], softwareStatement: 'optional' },
      },
    }),
  }
  /** As a policy would: nobody asks for an approval over this API. */
  const askApproval = async (index: number): Promise<string> => {
    const content: ApprovalContent = {
      ...{ moment: 'authorize', clientId: 'shop', subject: `u_${index}`, scopes: [], resources: [] },
      ...{ authorizationDetails: [], groups: ['treasury'], seconds: 900, isReusable: false },
    }
    const at = world.clock.now()
    const record = newApproval(issuer, content, `txn-${index}`, at)
    await world.store.commit([{ kind: 'ask-approval', record, at, ofAskerMax: 20 }])
    return record.name
  }
  const made = async (path: string, list: string, index: number): Promise<string> => {
    if (list === 'approvals') return await askApproval(index)
    const isDocument = list === 'documents'
    const body = isDocument
      ? documentFor('Scope', `more-${index}`, { title: 'T', description: 'T' })
      : add[list]?.(index)
    const answer = isDocument
      ? await anna.ask('PUT', `/admin/v1/Scope/more-${index}`, { body, headers: { 'if-none-match': '*' } })
      : await anna.ask('POST', path, { body })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return isDocument ? `more-${index}` : String(answer.body.name ?? answer.body.id)
  }
  const pageAt = async (path: string, list: string, query: string) => {
    const answer = await anna.ask('GET', `${path}?${query}`)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const items = answer.body[list] as { readonly name?: string; readonly id?: string }[]
    return { items, names: items.map(({ name, id }) => name ?? String(id)), next: answer.body.next }
  }
  const behind = (next: unknown): string => `after=${encodeURIComponent(String(next))}`
  const refusedAs = async (path: string, query: string, ruleId: string): Promise<void> => {
    const answer = await anna.ask('GET', `${path}?${query}`)
    assert.deepEqual([answer.status, answer.body.ruleId], [400, ruleId], `${path}?${query}`)
  }

  test('of which nothing is there are one empty page', async () => {
    for (const [path, list] of pagedLists) {
      if (list === 'documents') continue
      const answer = await anna.ask('GET', path)
      assert.deepEqual(answer.body, { [list]: [] })
    }
  })

  test('come in pages; what is added or removed between two makes nothing else be skipped or come twice', async () => {
    for (const [path, list] of pagedLists) {
      const names: string[] = []
      for (let index = 0; index < 6; index++) names.push(await made(path, list, index))
      const whole = await pageAt(path, list, 'limit=500')
      assert.equal(whole.next, undefined)
      assert.ok(names.every(name => whole.names.includes(name)))
      const exact = await pageAt(path, list, `limit=${whole.items.length}`)
      assert.deepEqual([exact.names, exact.next], [whole.names, undefined])
      const first = await pageAt(path, list, `limit=${whole.items.length - 4}`)
      assert.deepEqual(first.names, whole.names.slice(0, -4))
      const [gone, later] = [first.items.at(-1), whole.items.at(-2)]
      // What is no document ends by time.
      const removed = list === 'tokens' || list === 'approvals' ? [] : [gone?.name, later?.name]
      const stored = await world.store.listDocuments()
      for (const { documentKind, name } of stored.filter(one => removed.includes(one.name)))
        await world.store.commit([
          { kind: 'raise-revision', from: await world.store.revision() },
          { kind: 'delete-document', documentKind, name, issuer },
        ])
      const added = await made(path, list, 6)
      const rest: string[] = []
      let { next } = first
      for (let page = 0; next !== undefined && page < 20; page++) {
        const more = await pageAt(path, list, `limit=1&${behind(next)}`)
        assert.equal(more.items.length, 1)
        rest.push(...more.names)
        next = more.next
      }
      const expected = whole.names.slice(-4).filter(name => !removed.includes(name))
      assert.deepEqual(
        rest.filter(name => name !== added),
        expected,
        list,
      )
    }
  })

  test('hold at least one and at most 500 on a page, and 100 when nobody says', async () => {
    for (const [path] of pagedLists) {
      for (const limit of ['0', '501', '-1', '1.5', 'x', ''])
        await refusedAs(path, `limit=${limit}`, 'admin.query')
      await refusedAs(path, 'limit=1&limit=2', 'admin.query')
      for (const limit of [1, 500])
        assert.equal((await anna.ask('GET', `${path}?limit=${limit}`)).status, 200)
    }
    for (let index = 0; index < 101; index++) await made('/admin/v1/scope-grants', 'grants', 100 + index)
    const page = await pageAt('/admin/v1/scope-grants', 'grants', '')
    assert.equal(page.items.length, 100)
    assert.equal(typeof page.next, 'string')
  })

  test('of what is due are asked for in the body, by the same rules', async () => {
    const due = (asked: object) =>
      anna.ask('POST', '/admin/v1/onboardings/due', { body: { days: 30, ...asked } })
    for (const asked of [{}, { limit: 1 }, { limit: 500, issuer: 'main' }])
      assert.deepEqual((await due(asked)).body, { due: [] })
    for (const [asked, ruleId] of [
      ...[{ limit: 0 }, { limit: 501 }, { limit: '5' }, { after: 'x'.repeat(4097) }].map(
        one => [one, 'admin.body'] as const,
      ),
      [{ after: 'x' }, 'admin.body'],
      [{ after: `Approval ${issuer} x` }, 'admin.body'],
      [{ issuer: 'nowhere' }, 'admin.issuer'],
    ] as const) {
      const answer = await due(asked)
      assert.deepEqual([answer.status, answer.body.ruleId], [400, ruleId], JSON.stringify(asked))
    }
  })

  test('begin at no place but their own', async () => {
    const nextOf = async (path: string, list: string) => String((await pageAt(path, list, 'limit=1')).next)
    const places = await Promise.all(
      pagedLists.slice(0, 3).map(async ([path, list]) => [path, await nextOf(path, list)] as const),
    )
    for (const [path, place] of places) {
      assert.equal((await anna.ask('GET', `${path}?${behind(place)}`)).status, 200)
      // Whatever stands there, or nothing any more.
      assert.equal((await anna.ask('GET', `${path}?${behind(`${place}z`)}`)).status, 200)
      for (const [, other] of places) if (other !== place) await refusedAs(path, behind(other), 'admin.query')
      for (const bad of [
        ...['', 'x', ' ', place.replace(issuer, 'https://other.example'), place.replace(/ \S+$/, '')],
        ...[`${place} x`, place.padEnd(4097, 'x')],
      ])
        await refusedAs(path, behind(bad), 'admin.query')
      assert.equal((await anna.ask('GET', `${path}?${behind(place.padEnd(4096, 'x'))}`)).status, 200)
      await refusedAs(path, `issuer=other&${behind(place)}`, 'admin.issuer')
    }
    // That list holds the kinds which the caller may read, and no others.
    const narrow = await world.person('anna', { scopes: ['admin.apis:read'] })
    const place = encodeURIComponent(`Client ${issuer} batch`)
    assert.equal((await narrow.ask('GET', `/admin/v1/documents?after=${place}`)).body.ruleId, 'admin.query')
    assert.equal((await anna.ask('GET', `/admin/v1/documents?after=${place}`)).status, 200)
    await refusedAs('/admin/v1/documents', behind(`registration-token ${issuer} x`), 'admin.query')
  })
})
