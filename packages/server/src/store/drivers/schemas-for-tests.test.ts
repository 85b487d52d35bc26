import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import pg from 'pg'
import { flowsOf } from '../../../test/store/flows.ts'
import { standingClock } from '../contract/samples.ts'
import { openPostgresStore } from './postgres.ts'
import { postgresAbsence, testConnectionString } from './postgres-for-tests.ts'
import { giveSchemaBack, openEmptyPostgresStore, takeSchema } from './schemas-for-tests.ts'

async function everyRowOf(schema: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const client = new pg.Client({ connectionString: testConnectionString })
  await client.connect()
  try {
    const tables = await client.query('select tablename from pg_tables where schemaname = $1', [schema])
    const rows = new Map<string, readonly string[]>()
    for (const { tablename } of tables.rows) {
      const found = await client.query(`select one::text as row from ${schema}.${tablename} one`)
      rows.set(
        tablename,
        found.rows.map(({ row }) => row),
      )
    }
    return rows
  } finally {
    await client.end()
  }
}

describe('schemas that tests take in turn', { skip: (await postgresAbsence()) ?? false }, () => {
  test('one that was given back holds what a new one does, whatever was stored in it', async () => {
    const schema = await takeSchema()
    const asNew = await everyRowOf(schema)
    assert.ok(asNew.size > 20)
    assert.equal(asNew.get('meta')?.length, 1)
    const store = await openPostgresStore({
      ...{ connectionString: testConnectionString, schema, clock: standingClock },
    })
    for (const { writes } of flowsOf('one')) assert.ok((await store.commit(writes)).committed)
    await store.close()
    const used = [...(await everyRowOf(schema))].filter(
      ([name, rows]) => rows.join() !== asNew.get(name)?.join(),
    )
    assert.ok(used.length > 20, used.map(([name]) => name).join())
    await giveSchemaBack(schema)
    assert.equal(await takeSchema(), schema)
    assert.deepEqual(await everyRowOf(schema), asNew)
    await giveSchemaBack(schema)
  })

  test('two at once are two', async () => {
    const [first, second] = [await takeSchema(), await takeSchema()]
    assert.notEqual(first, second)
    await giveSchemaBack(first)
    await assert.rejects(giveSchemaBack(first), assert.AssertionError)
    await assert.rejects(giveSchemaBack('public'), /`public` was not taken here/)
    await giveSchemaBack(second)
  })

  test('a store that is closed leaves the next one nothing, and an epoch of its own', async t => {
    const first = await openEmptyPostgresStore({ clock: standingClock })
    t.after(() => first.close())
    for (const { writes } of flowsOf('one')) assert.ok((await first.commit(writes)).committed)
    await first.close()
    const later = { ...standingClock, now: () => (standingClock.now() + 5) as EpochSeconds }
    const second = await openEmptyPostgresStore({ clock: later })
    t.after(() => second.close())
    assert.equal(second.epoch(), first.epoch() + 5)
    assert.equal((await second.listAuditChains()).length, 1)
  })
})
