import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { committed } from '../contract/expectations.ts'
import { grant, later, standingClock } from '../contract/samples.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { openPostgresStore } from './postgres.ts'
import { dropSchema, newSchema, postgresAbsence, testConnectionString } from './postgres-for-tests.ts'

const absence = await postgresAbsence()

describe('announcements of two nodes', { skip: absence ?? false }, () => {
  const schema = newSchema()
  let nodes: readonly Store[] = []
  before(async () => {
    const options = { connectionString: testConnectionString, schema, clock: standingClock }
    const first = await openPostgresStore({ ...options, node: 'one' })
    nodes = [first, await openPostgresStore({ ...options, node: 'two' })]
  })
  after(async () => {
    for (const store of nodes) await store.close()
    await dropSchema(schema)
  })

  const endOne = async (store: Store): Promise<string> => {
    const record = grant()
    await committed(store, [{ kind: 'insert-grant', record }])
    const end: Write = { kind: 'revoke-grant', id: record.id, at: later(1) }
    await committed(store, [end])
    return record.id
  }

  test('a reader that follows while both write misses none and sees none twice', async () => {
    const [one, two] = nodes
    assert.ok(one !== undefined && two !== undefined)
    const seen: string[] = []
    const reading = { isOver: false, cursor: 0 }
    const reader = (async () => {
      for (let isLast = false; !isLast; ) {
        isLast = reading.isOver
        for (const event of await one.listRevocations(reading.cursor, 7)) {
          assert.equal(event.sequence, reading.cursor + 1, 'a number came before a smaller one')
          reading.cursor = event.sequence
          seen.push(event.key)
          isLast = false
        }
      }
    })()
    const ended = await Promise.all(
      Array.from({ length: 120 }, (_, index) => endOne(index % 2 === 0 ? one : two)),
    )
    reading.isOver = true
    await reader
    assert.deepEqual(seen.toSorted(), ended.toSorted())
  })

  test('a transaction that took its number and is not over holds back every later one', async () => {
    const [one] = nodes
    assert.ok(one !== undefined)
    const before = (await one.listRevocations(0, 1000)).length
    const slow = new pg.Client({ connectionString: testConnectionString })
    await slow.connect()
    await slow.query('begin')
    await slow.query(`update ${schema}.revocation_head set sequence = sequence + 1 where id = 1`)
    await slow.query(`insert into ${schema}.revocations (sequence, what, key, at, committed_ms)
      values ((select sequence from ${schema}.revocation_head where id = 1), 'grant', 'slow', 0, 0)`)
    const quick = endOne(one)
    const isSettled = await Promise.race([quick.then(() => true), pause(300)])
    assert.equal(isSettled, false, 'the later commit overtook')
    assert.equal((await one.listRevocations(before, 1000)).length, 0)
    await slow.query('commit')
    await slow.end()
    const id = await quick
    const keys = (await one.listRevocations(before, 1000)).map(({ key }) => key)
    assert.deepEqual(keys, ['slow', id])
  })

  test('the other node is told of a revocation', async () => {
    const [one, two] = nodes
    assert.ok(one !== undefined && two !== undefined)
    const start = (await two.listRevocations(0, 1000)).at(-1)?.sequence ?? 0
    let heard: () => void = () => {}
    const stop = two.onRevocation(() => heard())
    const hearing = new Promise<void>(resolve => {
      heard = () => void two.listRevocations(start, 1).then(rows => rows.length > 0 && resolve())
    })
    await endOne(one)
    await hearing
    stop()
  })
})

function pause(ms: number): Promise<false> {
  return new Promise(resolve => setTimeout(resolve, ms, false))
}
