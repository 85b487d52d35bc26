import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault, type Ports } from '../ports.ts'
import { type Health, readiness } from './health.ts'

const url = 'https://issuer.example'

interface World {
  served: number
  stored: number | Fault
  nowMs: number
  algs: readonly string[]
  signs: boolean
}

function portsOf(world: World): Ports {
  return {
    clock: { now: () => 0, monotonicMs: () => world.nowMs },
    snapshot: () => ({ revision: world.served, issuers: new Map([[url, {}]]) }),
    keys: { algs: () => world.algs, signs: () => world.signs },
    store: {
      revision: async () => {
        if (world.stored instanceof Fault) throw world.stored
        return world.stored
      },
    },
  } as unknown as Ports
}

describe('readiness', () => {
  const start: World = { served: 3, stored: 3, nowMs: 0, algs: ['ES256'], signs: true }
  const failing = (health: Health): readonly string[] =>
    health.checks.filter(({ ok }) => !ok).map(({ name }) => name)

  it('is there while store, keys and revision are, and nobody drains', async () => {
    const health = await readiness(portsOf({ ...start }), [url], false)
    assert.deepEqual([health.ready, failing(health)], [true, []])
  })

  it('names what is missing', async () => {
    const fault = new Fault('store.unavailable')
    const world = { ...start, stored: fault, algs: [], signs: false }
    const health = await readiness(portsOf(world), [url, 'https://other.example'], true)
    assert.deepEqual(
      [health.ready, failing(health)],
      [false, ['not-draining', 'store', 'snapshot', 'custody', 'keys']],
    )
  })

  it('ends when a revision that was applied cannot be served, and not while it is only being compiled', async () => {
    const world = { ...start, stored: 4 }
    const ports = portsOf(world)
    const look = async (nowMs: number): Promise<readonly string[]> => {
      world.nowMs = nowMs
      return failing(await readiness(ports, [url], false))
    }
    assert.deepEqual(await look(0), [])
    assert.deepEqual(await look(15_000), [])
    assert.deepEqual(await look(15_001), ['revision'])
    world.served = 4
    assert.deepEqual(await look(16_000), [])
  })

  it('is not ended by one change after the other, each served in time', async () => {
    const world = { ...start }
    const ports = portsOf(world)
    for (let round = 0; round < 5; round++) {
      world.stored = world.served + 1
      world.nowMs += 14_000
      assert.equal((await readiness(ports, [url], false)).ready, true)
      world.served++
    }
  })
})
