import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openRevision } from '../../control/revision.ts'
import type { Ports } from '../../ports.ts'
import { goodMetadata, openRegistrationWorld, registeredIn } from '../testing/registration-world.ts'
import { issuerUrl } from '../testing/world.ts'
import { registerRoom } from './room.ts'

const racers = 16

describe('registrations at the same time', () => {
  test('of 16 registrations with a token for five exactly five are made, and every one of them is served', async () => {
    await using world = await openRegistrationWorld()
    const token = await world.token({ uses: 5 })
    const replies = await Promise.all(Array.from({ length: racers }, () => world.register(token)))
    assert.deepEqual(replies.map(({ status }) => status).toSorted(), [
      ...Array.from({ length: 5 }, () => 201),
      ...Array.from({ length: racers - 5 }, () => 401),
    ])
    assert.equal(world.current().registered.size, 5)
    const made = (await world.audit()).filter(({ event }) => event === 'client.registered')
    assert.equal(made.length, 5)
    const lost = (await world.audit()).filter(({ event }) => event === 'registration.refused')
    assert.ok(lost.every(({ ruleId }) => ruleId === 'registration.token-used'))
  })

  test('of 16 reads with one registration access token exactly one is answered', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const replies = await Promise.all(
      Array.from({ length: racers }, () => world.manage('GET', clientId, token)),
    )
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    assert.equal(replies.filter(({ status }) => status === 401).length, racers - 1)
  })

  test('of an update, a read and a deletion with one token exactly one happens, whole', async () => {
    await using world = await openRegistrationWorld()
    for (let round = 0; round < 8; round++) {
      const { clientId, token } = await registeredIn(world)
      const body = { ...goodMetadata, client_id: clientId, client_name: 'Updated' }
      const replies = await Promise.all([
        world.manage('PUT', clientId, token, body),
        world.manage('GET', clientId, token),
        world.manage('DELETE', clientId, token),
      ])
      const done = replies.map(({ status }) => status < 300)
      assert.equal(done.filter(Boolean).length, 1)
      const client = world.current().clients.get(clientId)
      assert.equal(client === undefined, done[2])
      assert.equal(client?.clientName === 'Updated', done[0])
    }
  })

  test('two nodes over one store lose none of each other’s registrations, nor those of an operator', async () => {
    await using world = await openRegistrationWorld()
    const { store, issuers } = world.control
    const other = await openRevision({ store, issuers, log: world.ports.log, pollMs: 3_600_000 })
    assert.ok(other.ok)
    // A store of its own, as far as turns go: two nodes do not wait for each other.
    const elsewhere: Ports = {
      ...world.ports,
      store: { ...store },
      snapshot: other.value.snapshot,
      refreshSnapshot: other.value.refresh,
    }
    const token = await world.token({ uses: 100 })
    const here = Array.from({ length: 10 }, () => world.register(token))
    const there = Array.from({ length: 10 }, () =>
      registerRoom(
        world.exchange('/register', {
          headers: [['authorization', `Bearer ${token}`]],
          body: JSON.stringify(goodMetadata),
        }),
        elsewhere,
      ),
    )
    const applying = Promise.allSettled(
      Array.from({ length: 3 }, (_, index) =>
        world.applied([['Scope', `s${index}`, { title: 'A scope', description: 'Of an operator.' }]]),
      ),
    )
    const replies = await Promise.all([...here, ...there])
    const applied = await applying
    assert.deepEqual(
      replies.map(({ status }) => status),
      replies.map(() => 201),
    )
    await Promise.all([world.ports.refreshSnapshot(), other.value.refresh()])
    for (const { issuers: served } of [world.ports.snapshot(), other.value.snapshot()]) {
      assert.equal(served.get(issuerUrl)?.registered.size, 20)
      assert.equal(served.get(issuerUrl)?.clients.size, 20)
    }
    const there3 = applied.filter(({ status }) => status === 'fulfilled').length
    const written = (await store.listDocuments()).filter(({ name }) => /^s\d$/.test(name))
    assert.equal(written.length, there3)
    other.value.close()
  })
})
