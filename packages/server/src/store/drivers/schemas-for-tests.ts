import assert from 'node:assert/strict'
import { after } from 'node:test'
import pg from 'pg'
import { systemClock } from '../../clock.ts'
import type { Store } from '../store.ts'
import { openPostgresStore, type PostgresStoreOptions } from './postgres.ts'
import { prepareSchema } from './postgres-connection.ts'
import { dropSchema, newSchema, onServer, testConnectionString } from './postgres-for-tests.ts'

/**
 * Schemas for tests that start with nothing stored. Making one and dropping it takes far longer than emptying it, so a
 * test file makes as many as it uses at once, and drops them at its end.
 */

/** Of each schema: what makes it as new. */
const emptyings = new Map<string, string>()
const free: string[] = []

after(async () => {
  for (const schema of emptyings.keys()) await dropSchema(schema)
})

/** No store was opened in it since it was made or emptied: it has tables, and no epoch yet. */
export async function takeSchema(): Promise<string> {
  const known = free.pop()
  if (known !== undefined) return known
  const schema = newSchema()
  await prepareSchema({ connectionString: testConnectionString, schema }, systemClock)
  await onServer(`delete from ${schema}.meta where name = 'epoch'`)
  emptyings.set(schema, await emptyingOf(schema))
  return schema
}

/** Every store in it is closed. */
export async function giveSchemaBack(schema: string): Promise<void> {
  // Given back twice, it would be two tests' at once.
  assert.ok(!free.includes(schema))
  await onServer(emptyings.get(schema) ?? assert.fail(`\`${schema}\` was not taken here`))
  free.push(schema)
}

/** A store with nothing in it; closing it gives its schema back. */
export async function openEmptyPostgresStore(
  options: Omit<PostgresStoreOptions, 'connectionString' | 'schema'>,
): Promise<Store> {
  const schema = await takeSchema()
  const store = await openPostgresStore({ ...options, connectionString: testConnectionString, schema })
  const close = async (): Promise<void> => {
    await store.close()
    await giveSchemaBack(schema)
  }
  let closing: Promise<void> | undefined
  return {
    ...store,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** One text, which the server runs as one transaction: deletes every row, and puts back what migrations had stored. */
async function emptyingOf(schema: string): Promise<string> {
  const client = new pg.Client({ connectionString: testConnectionString })
  await client.connect()
  try {
    const tables = await client.query('select tablename from pg_tables where schemaname = $1', [schema])
    const statements: string[] = []
    for (const { tablename } of tables.rows) {
      const table = `${schema}.${tablename}`
      statements.push(`delete from ${table}`)
      const { rows } = await client.query(`select quote_literal(json_agg(one)) as stored from ${table} one`)
      if (rows[0].stored !== null)
        statements.push(
          `insert into ${table} select * from json_populate_recordset(null::${table}, ${rows[0].stored})`,
        )
    }
    return statements.join(';\n')
  } finally {
    await client.end()
  }
}
