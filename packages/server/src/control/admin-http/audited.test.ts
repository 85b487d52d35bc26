import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { adminScopes } from '../admin-scopes.ts'
import { type AdminWorld, type Asker, openAdminWorld } from '../testing/admin-world.ts'
import { adminOperations } from './operations.ts'

/** Of operations that need one. */
const queries: Readonly<Record<string, string>> = { readAudit: '?id=some' }

/** Whatever is asked of the admin API, and whatever comes of it: who asked, for what, by which token, is written down before. */
describe('every operation of the admin API', () => {
  let world: AdminWorld
  let anna: Asker
  before(async () => {
    world = await openAdminWorld({ administrators: [{ name: 'anna', scopes: adminScopes }] })
    anna = await world.person('anna')
  })
  after(() => world.close())

  for (const { id, method, path, body } of adminOperations)
    test(`${id} leaves one record of being asked, with the person`, async () => {
      const answer = await anna.ask(
        method,
        `${path.replaceAll(/:\w+/g, 'some')}${queries[id] ?? ''}`,
        body === undefined ? {} : { body: {} },
      )
      const requestId = answer.headers.get('x-request-id') ?? ''
      const records = (await world.store.findAudit(requestId, 10)).filter(({ event }) =>
        event.startsWith('admin.'),
      )
      const [record] = records
      assert.ok(record, `${id}: ${answer.status} ${JSON.stringify(answer.body)}`)
      assert.deepEqual([record.clientId, record.subject], ['admin-cli', 'u_anna_000'])
      if (record.event === 'admin.authorized')
        assert.deepEqual(
          [record.facts.operation, record.facts.person, record.outcome],
          [id, 'anna', 'accepted'],
        )
      else
        assert.deepEqual([record.event, record.ruleId, answer.status], ['admin.refused', 'admin.body', 400])
      if (answer.status < 300) assert.equal(record.event, 'admin.authorized')
    })

  test('and what needs no body is asked for in earnest above', async () => {
    const authorized = await world.audit('admin.authorized')
    const asked = new Set(authorized.map(({ facts }) => facts.operation))
    for (const { id, body } of adminOperations) if (body === undefined) assert.ok(asked.has(id), id)
  })
})
