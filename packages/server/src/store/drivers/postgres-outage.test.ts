import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { audit, code, jti, newHash, standingClock, start } from '../contract/samples.ts'
import type { Store } from '../store.ts'
import { openPostgresStore } from './postgres.ts'
import { dropSchema, newSchema, postgresAbsence, testConnectionString } from './postgres-for-tests.ts'

/** A wire that can fall silent: connections are taken and nothing is heard on them any more, as in a partition. */
interface Wire {
  readonly connectionString: string
  /** Decides for each piece of data on its way to the server whether its connection falls silent there. */
  isSilencedBy: (data: Buffer) => boolean
  /** Ends what hangs, as a router does that comes back. */
  readonly cut: () => void
  readonly close: () => void
}

const heard = (): boolean => false

async function openWire(): Promise<Wire> {
  const target = new URL(testConnectionString)
  const [port, host] = [Number(target.port || 5432), target.hostname]
  const sockets = new Set<Socket>()
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  const server = createServer(near => {
    const far = connect(port, host)
    let isSilent = false
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', data => {
      isSilent ||= wire.isSilencedBy(data)
      if (!isSilent) far.write(data)
    })
    far.on('data', data => {
      if (!isSilent) near.write(data)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert(address !== null && typeof address === 'object')
  target.hostname = '127.0.0.1'
  target.port = String(address.port)
  const wire: Wire = {
    connectionString: target.href,
    isSilencedBy: heard,
    cut,
    close: () => {
      server.close()
      cut()
    },
  }
  return wire
}

/** What the threat model gives a request, and a little for a busy machine. */
const deadlineMs = 2000 + 400

describe('PostgreSQL behind a wire that falls silent', { skip: await postgresAbsence() }, () => {
  const schema = newSchema()
  let wire: Wire
  let store: Store

  before(async () => {
    wire = await openWire()
    store = await openPostgresStore({ connectionString: wire.connectionString, schema, clock: standingClock })
  })
  after(async () => {
    wire.cut()
    await store.close()
    wire.close()
    await dropSchema(schema)
  })

  test('a question that nobody answers is refused within the deadline, on old and on new connections', async () => {
    await store.findCode(newHash())
    wire.isSilencedBy = () => true
    for (let attempt = 0; attempt < 3; attempt++) {
      const began = performance.now()
      await assert.rejects(store.findCode(newHash()), (error: Error & { code?: string }) =>
        ['store.deadline', 'store.unavailable'].includes(error.code ?? ''),
      )
      const took = performance.now() - began
      assert.ok(took < deadlineMs, `attempt ${attempt} took ${took} ms`)
    }
    wire.isSilencedBy = heard
    assert.equal(await store.findCode(newHash()), undefined)
  })

  test('a connection that falls silent while it is made does not keep the ones after it from being made', async () => {
    await store.commit([audit('before the silence')])
    wire.cut()
    wire.isSilencedBy = data => data.includes('audit_chains')
    await assert.rejects(store.commit([jti(newHash())]))
    wire.isSilencedBy = heard
    assert.deepEqual(await store.commit([jti(newHash())]), { committed: true })
  })

  test('what was committed in a list of its own is told as it was, whatever befalls the lists behind it', async () => {
    const [first, second] = [code(), code()]
    await store.commit([
      { kind: 'insert-code', record: first },
      { kind: 'insert-code', record: second },
    ])
    // Another transaction in the way sends the lists into transactions of their own, one after the other.
    let spends = 0
    wire.isSilencedBy = data => {
      if (data.includes(second.hash) && ++spends === 3) setImmediate(wire.cut)
      return false
    }
    const client = new pg.Client({ connectionString: testConnectionString })
    await client.connect()
    await client.query('begin')
    await client.query(`select 1 from ${schema}.codes where hash = $1 for update`, [second.hash])
    const answers = await Promise.allSettled([
      store.commit([{ kind: 'spend-code', hash: first.hash, at: start }]),
      store.commit([{ kind: 'spend-code', hash: second.hash, at: start }]),
    ])
    await client.query('rollback')
    await client.end()
    assert.deepEqual(answers[0], { status: 'fulfilled', value: { committed: true } })
  })
})
