import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accounts, clientOf } from '../testing/clients.ts'
import { clientEndpoints } from '../testing/endpoints.ts'
import { jsonOf } from '../testing/flow.ts'
import { openWorld } from '../testing/world.ts'

/** Every endpoint that authenticates a client, for one that is held back by its onboarding. */

const held = clientOf({
  clientId: 'c_held',
  status: 'suspended',
  withheld: { kind: 'none', reason: 'has no active onboarding' },
  introspects: [accounts],
})

describe('a client that its onboarding holds back', () => {
  for (const { path, room, fields } of clientEndpoints)
    test(`is refused at ${path}, which tells the audit why and the client no more than any other`, async () => {
      await using world = await openWorld({ clients: [held] })
      const send = (clientId: string) =>
        world.send(room, path, { form: { ...fields, ...world.assertion(clientId) } })
      const reply = await send('c_held')
      assert.deepEqual([reply.status, jsonOf(reply).error], [401, 'invalid_client'])
      const record = (await world.audit()).at(-1)
      assert.deepEqual(
        [record?.ruleId, record?.reason, record?.facts.client_id],
        ['onboarding.client', 'the client has no active onboarding', 'c_held'],
      )
      assert.equal(reply.body, (await send('c_suspended')).body)
    })
})
