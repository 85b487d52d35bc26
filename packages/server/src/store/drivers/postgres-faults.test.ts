import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { verifyChain } from '../chain.ts'
import { audit, code, jti, newHash, standingClock, start } from '../contract/samples.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { openPostgresStore } from './postgres.ts'
import {
  dropSchema,
  newSchema,
  onServer,
  postgresAbsence,
  testConnectionString,
} from './postgres-for-tests.ts'

const clock = standingClock

/** A wire between store and server that can be told to misbehave when a commit passes. */
interface Wire {
  readonly connectionString: string
  /** `cut`: the server gets the commit, the client no answer. `freeze`: nobody hears anything any more. */
  mishap: 'none' | 'cut' | 'freeze'
  readonly close: () => void
}

async function openWire(): Promise<Wire> {
  const target = new URL(testConnectionString)
  const [port, host] = [Number(target.port || 5432), target.hostname]
  const sockets = new Set<Socket>()
  const wire = { mishap: 'none' as Wire['mishap'] }
  const server = createServer(near => {
    const far = connect(port, host)
    let isMute = false
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', data => {
      const isCommit = data.includes('commit\0')
      if (isCommit && wire.mishap !== 'none') isMute = true
      if (isMute && wire.mishap === 'freeze') return
      far.write(data)
      if (isMute) setTimeout(() => near.destroy(), 100)
    })
    far.on('data', data => {
      if (!isMute) near.write(data)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert(address !== null && typeof address === 'object')
  target.hostname = '127.0.0.1'
  target.port = String(address.port)
  return Object.assign(wire, {
    connectionString: target.href,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  })
}

describe('PostgreSQL when the world breaks', { skip: await postgresAbsence() }, () => {
  const schema = newSchema()
  let wire: Wire
  let store: Store
  let beside: Store

  before(async () => {
    wire = await openWire()
    store = await openPostgresStore({ connectionString: wire.connectionString, schema, clock })
    beside = await openPostgresStore({ connectionString: testConnectionString, schema, clock })
  })
  after(async () => {
    await Promise.all([store?.close(), beside?.close()])
    wire?.close()
    await dropSchema(schema)
  })

  const spending = async (): Promise<Write> => {
    const record = code()
    await beside.commit([{ kind: 'insert-code', record }])
    return { kind: 'spend-code', hash: record.hash, at: start }
  }

  test('a commit whose answer is lost is thrown, not told as success, and stays spent', async () => {
    const spend = await spending()
    wire.mishap = 'cut'
    await assert.rejects(store.commit([spend, audit('unknown')]), { code: 'store.unavailable' })
    wire.mishap = 'none'
    assert.deepEqual(await store.commit([spend]), { committed: false, guard: 'spend-code', index: 0 })
    assert.equal((await beside.findAudit('unknown', 9)).length, 1)
  })

  test('a commit nobody answers is thrown at its deadline, and the next one finds a new connection', async () => {
    const spend = await spending()
    wire.mishap = 'freeze'
    const began = performance.now()
    await assert.rejects(store.commit([spend]), { code: 'store.deadline' })
    const took = performance.now() - began
    assert.ok(took > 1900 && took < 2600, `${took} ms`)
    wire.mishap = 'none'
    assert.deepEqual(await store.commit([jti(newHash()), audit('again')]), { committed: true })
  })

  test('lists that wait behind a frozen one are refused within their own deadline', async () => {
    wire.mishap = 'freeze'
    const first = assert.rejects(store.commit([jti(newHash())]))
    await new Promise(resolve => setTimeout(resolve, 300))
    const began = performance.now()
    const second = store.commit([jti(newHash())]).catch((error: unknown) => error)
    await first
    wire.mishap = 'none'
    await second
    assert.ok(performance.now() - began < 2600)
  })

  test('connections ended by the server are replaced, and no list is lost or done twice', async () => {
    await store.commit([audit('before')])
    await onServer(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast ${schema}'`,
    )
    const spend = await spending().catch(() => spending())
    assert.deepEqual(await store.commit([spend]), { committed: true })
    assert.deepEqual(await store.commit([spend]), { committed: false, guard: 'spend-code', index: 0 })
    assert.equal((await store.findAudit('before', 9)).length, 1)
  })

  test('a row another transaction holds makes the list fail closed within the deadline', async () => {
    const spend = await spending()
    assert(spend.kind === 'spend-code')
    const holder = new pg.Client({ connectionString: testConnectionString })
    await holder.connect()
    await holder.query('begin')
    await holder.query(`select 1 from ${schema}.codes where hash = $1 for update`, [spend.hash])
    const began = performance.now()
    const held = assert.rejects(store.commit([spend]), (error: Error & { code?: string }) =>
      ['store.deadline', 'store.unavailable'].includes(error.code ?? ''),
    )
    await held
    assert.ok(performance.now() - began < 2600)
    await holder.query('rollback')
    await holder.end()
    assert.deepEqual(await store.commit([spend]), { committed: true })
  })

  test('a raised revision is told to the other node', async () => {
    const told = new Promise<void>(resolve => {
      // Told once when listening begins; the second time is the other node's.
      let count = 0
      beside.onRevision(() => {
        count++
        if (count === 1) void store.revision().then(from => store.commit([{ kind: 'raise-revision', from }]))
        else resolve()
      })
    })
    await told
    assert.equal(await beside.revision(), 1)
  })

  test('every chain verifies after all of this', async () => {
    for (const chain of await beside.listAuditChains()) {
      assert.equal(verifyChain(await beside.readAuditChain(chain, 0, 1000)).intact, true)
    }
  })

  test('a schema written by a newer program is not opened', async () => {
    const newer = newSchema()
    const made = await openPostgresStore({ connectionString: testConnectionString, schema: newer, clock })
    await made.close()
    await onServer(`update ${newer}.meta set value = '99' where name = 'schema_version'`)
    const opening = openPostgresStore({ connectionString: testConnectionString, schema: newer, clock })
    await assert.rejects(opening, { code: 'store.version' })
    await dropSchema(newer)
  })

  test('nodes that start together make one schema', async () => {
    const shared = newSchema()
    const open = (): Promise<Store> =>
      openPostgresStore({ connectionString: testConnectionString, schema: shared, clock })
    const stores = await Promise.all([open(), open(), open()])
    assert.deepEqual(new Set(await Promise.all(stores.map(one => one.revision()))), new Set([0]))
    await Promise.all(stores.map(one => one.close()))
    await dropSchema(shared)
  })
})

test('a name that is no schema name never reaches a statement', async () => {
  const opening = openPostgresStore({ connectionString: testConnectionString, schema: 'a; drop', clock })
  await assert.rejects(opening, { code: 'store.schema' })
})

test('a PostgreSQL that is not there is a fault at once, not a wait', async () => {
  const began = performance.now()
  const opening = openPostgresStore({ connectionString: 'postgres://postgres@127.0.0.1:1/test', clock })
  await assert.rejects(opening, { code: 'store.unavailable' })
  assert.ok(performance.now() - began < 2000)
})
