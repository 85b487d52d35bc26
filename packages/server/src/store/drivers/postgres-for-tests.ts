import { randomBytes } from 'node:crypto'
import pg from 'pg'

export const testConnectionString =
  process.env.HOLDFAST_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'

/** Why PostgreSQL cannot be tried here; undefined when it can. */
export async function postgresAbsence(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: testConnectionString, connectionTimeoutMillis: 1000 })
  try {
    await client.connect()
    await client.end()
    return undefined
  } catch {
    return 'no PostgreSQL answers at HOLDFAST_TEST_POSTGRES'
  }
}

export function newSchema(): string {
  return `holdfast_test_${randomBytes(6).toString('hex')}`
}

export async function onServer(...texts: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: testConnectionString })
  await client.connect()
  for (const text of texts) await client.query(text)
  await client.end()
}

export function dropSchema(schema: string): Promise<void> {
  return onServer('set client_min_messages = warning', `drop schema if exists ${schema} cascade`)
}
