import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { audit, code, jti, newHash, standingClock, start } from '../contract/samples.ts'
import type { Store } from '../store.ts'
import { openPostgresStore } from './postgres.ts'
import { dropSchema, newSchema, postgresAbsence, testConnectionString } from './postgres-for-tests.ts'
import { heard, openWire, type Wire } from './wire-for-tests.ts'

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
    wire?.cut()
    await store?.close()
    wire?.close()
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
