import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { connect as connectNats } from '@nats-io/transport-node'
import type { Log } from '../ports.ts'
import { grant, later, standingClock } from '../store/contract/samples.ts'
import { openPostgresStore } from '../store/drivers/postgres.ts'
import {
  dropSchema,
  newSchema,
  postgresAbsence,
  testConnectionString,
} from '../store/drivers/postgres-for-tests.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { Store } from '../store/store.ts'
import type { Bus, Signal } from './bus.ts'
import { openNatsBus } from './nats-bus.ts'
import { storeOverBus } from './store-over-bus.ts'

const program = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server'].find(
  existsSync,
)
const skip = program === undefined ? 'no nats-server' : false

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function startNats(port: number): Promise<ChildProcess> {
  const child = spawn(program ?? '', ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  await until(async () => {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    return isOpen
  })
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 400; turn++) {
    if (await is()) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  assert.fail('it did not happen')
}

function quiet(said: string[]): Log {
  const say = (event: string): void => void said.push(event)
  return { debug: say, info: say, warn: say, error: say } as unknown as Log
}

function openBus(port: number, subject = 'test', said: string[] = []) {
  const bus = openNatsBus({ servers: [`nats://127.0.0.1:${port}`], subject, log: quiet(said) })
  const heard: Signal[] = []
  for (const signal of ['revision', 'revocation'] as const) bus.onTold(signal, () => heard.push(signal))
  return { bus, heard, said }
}

describe('a bus over NATS', { skip }, () => {
  test('carries a signal to the other nodes, not back, and not to another installation', async () => {
    const port = await freePort()
    const server = await startNats(port)
    const [one, two, other] = [openBus(port), openBus(port), openBus(port, 'elsewhere')]
    try {
      // Each hears once that it is connected.
      await until(() => [one, two, other].every(({ heard }) => heard.length === 2))
      one.bus.tell('revocation')
      await until(() => two.heard.length === 3)
      assert.equal(two.heard[2], 'revocation')
      two.bus.tell('revision')
      await until(() => one.heard.length === 3)
      assert.deepEqual([one.heard[2], two.heard.length, other.heard.length], ['revision', 3, 2])
    } finally {
      for (const { bus } of [one, two, other]) await bus.close()
      await stop(server)
    }
  })

  test('is not missed while it is away, and says so when it is back', async () => {
    const port = await freePort()
    const { bus, heard, said } = openBus(port)
    try {
      bus.tell('revocation')
      let server = await startNats(port)
      await until(() => heard.length === 2)
      await stop(server)
      await until(() => said.includes('bus.disconnected'))
      bus.tell('revocation')
      server = await startNats(port)
      await until(() => heard.length >= 4)
      assert.deepEqual(new Set(heard.slice(2)), new Set(['revision', 'revocation']))
      await bus.close()
      await stop(server)
    } finally {
      await bus.close()
    }
  })

  test('a flood that somebody made up is heard a few times, its end too, and nothing in it is read', async () => {
    const port = await freePort()
    const server = await startNats(port)
    const { bus, heard } = openBus(port)
    const forger = await connectNats({ servers: [`nats://127.0.0.1:${port}`] })
    try {
      await until(() => heard.length === 2)
      await new Promise(resolve => setTimeout(resolve, 100))
      const begun = performance.now()
      const large = new Uint8Array(900_000).fill(0x7b)
      for (let count = 0; count < 5000; count++) forger.publish('test.revocation', '{"what":"nothing"}')
      for (const subject of ['test.revocation', 'test', 'test.revision.more', 'test.other', 'Test.revision'])
        forger.publish(subject, large)
      await forger.flush()
      await until(() => heard.length > 3)
      await new Promise(resolve => setTimeout(resolve, 200))
      const most = (performance.now() - begun) / 50 + 2
      assert.ok(heard.length - 2 <= most, `${heard.length} in ${most}`)
      assert.ok(heard.slice(2).every(signal => signal === 'revocation'))
      const before = heard.length
      forger.publish('test.revocation')
      await until(() => heard.length === before + 1)
    } finally {
      await forger.close()
      await bus.close()
      await stop(server)
    }
  })

  test('is closed while its servers were never there', async () => {
    const { bus } = openBus(await freePort())
    await bus.close()
  })
})

/** A bus within the process. */
function fakeBus(): Bus & { readonly told: Signal[]; readonly say: (signal: Signal) => void } {
  const told: Signal[] = []
  const listeners = new Set<readonly [Signal, () => void]>()
  return {
    told,
    say: signal => {
      for (const [wanted, listener] of listeners) if (wanted === signal) listener()
    },
    tell: signal => void told.push(signal),
    onTold: (signal, listener) => {
      const entry = [signal, listener] as const
      listeners.add(entry)
      return () => listeners.delete(entry)
    },
    close: async () => {},
  }
}

describe('a store over a bus', () => {
  test('tells what was committed, and nothing that was not', async () => {
    const bus = fakeBus()
    const store = storeOverBus(await openSqliteStore({ path: ':memory:', clock: standingClock }), bus)
    const record = grant()
    await store.commit([{ kind: 'insert-grant', record }])
    assert.deepEqual(bus.told, [])
    await store.commit([
      { kind: 'revoke-grant', id: record.id, at: later(1) },
      { kind: 'require-live-grant', id: 'nobody', at: later(1) },
    ])
    assert.deepEqual(bus.told, [])
    await store.commit([{ kind: 'revoke-grant', id: record.id, at: later(1) }])
    assert.deepEqual(bus.told, ['revocation'])
    await store.close()
  })

  test('hears both its own and the bus, until it is told to stop', async () => {
    const bus = fakeBus()
    const store = storeOverBus(await openSqliteStore({ path: ':memory:', clock: standingClock }), bus)
    let count = 0
    const end = store.onRevocation(() => {
      count++
    })
    bus.say('revocation')
    bus.say('revision')
    assert.equal(count, 1)
    end()
    bus.say('revocation')
    assert.equal(count, 1)
    await store.close()
  })
})

test('a node that PostgreSQL tells nothing hears of a revocation over the bus', {
  skip: skip === false ? ((await postgresAbsence()) ?? false) : skip,
}, async () => {
  const port = await freePort()
  const server = await startNats(port)
  const schema = newSchema()
  const options = { connectionString: testConnectionString, schema, clock: standingClock }
  const nodes: Store[] = []
  for (const node of ['one', 'two']) {
    const store = await openPostgresStore({ ...options, node })
    // As behind a pooler: nobody listens.
    const deaf = { ...store, onRevocation: () => () => {} }
    nodes.push(
      storeOverBus(
        deaf,
        openNatsBus({ servers: [`nats://127.0.0.1:${port}`], subject: schema, log: quiet([]) }),
      ),
    )
  }
  const [one, two] = nodes
  assert.ok(one !== undefined && two !== undefined)
  try {
    let heard = 0
    two.onRevocation(() => {
      heard++
    })
    await until(() => heard > 0)
    const before = heard
    const record = grant()
    await one.commit([{ kind: 'insert-grant', record }])
    await one.commit([{ kind: 'revoke-grant', id: record.id, at: later(1) }])
    await until(() => heard > before)
    assert.equal((await two.listRevocations(0, 10)).length, 1)
  } finally {
    for (const store of nodes) await store.close()
    await dropSchema(schema)
    await stop(server)
  }
})
