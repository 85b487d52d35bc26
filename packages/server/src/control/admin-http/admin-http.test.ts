import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
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
    const path = '/admin/v1/Scope/books:read'
    const scope = documentFor('Scope', 'books:read', { title: 'Books', description: 'Read books' })
    const missing = await anna.ask('PUT', path, { body: scope })
    assert.equal(missing.status, 428, JSON.stringify(missing))
    const made = await anna.ask('PUT', path, { body: scope, headers: { 'if-none-match': '*' } })
    assert.equal(made.status, 201, JSON.stringify(made))
    const read = await anna.ask('GET', path)
    assert.equal(read.status, 200)
    assert.deepEqual(read.body, scope)
    assert.equal(read.headers.get('etag'), made.headers.get('etag'))
    const other = documentFor('Scope', 'books:read', { title: 'Books 2', description: 'Read books' })
    const taken = await anna.ask('PUT', path, { body: other, headers: { 'if-none-match': '*' } })
    assert.equal(taken.status, 412)
    assert.equal(taken.body.ruleId, 'admin.precondition')
    const etag = read.headers.get('etag') ?? ''
    const put = await anna.ask('PUT', path, { body: other, headers: { 'if-match': etag } })
    assert.equal(put.status, 200, JSON.stringify(put))
    const again = await anna.ask('PUT', path, { body: other, headers: { 'if-match': etag } })
    assert.equal(again.status, 200)
    const stale = await anna.ask('PUT', path, { body: scope, headers: { 'if-match': etag } })
    assert.equal(stale.status, 412)
    assert.equal((await anna.ask('DELETE', path, { headers: { 'if-match': etag } })).status, 412)
    assert.equal((await anna.ask('DELETE', path)).status, 428)
    const gone = await anna.ask('DELETE', path, { headers: { 'if-match': put.headers.get('etag') ?? '' } })
    assert.equal(gone.status, 200, JSON.stringify(gone))
    assert.equal((await anna.ask('GET', path)).status, 404)
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
