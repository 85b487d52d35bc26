import { Socket } from 'node:net'
import type { EpochSeconds } from '@holdfast/protocol'
import pg from 'pg'
import { type Clock, Fault } from '../../ports.ts'
import type { Row } from '../finders.ts'
import { postgresDialect } from '../migrations/dialect.ts'
import { metaTable, migrationsAfter, schemaVersion } from '../migrations/index.ts'
import { type SqlValue, type StatementName, statements } from '../statements.ts'

/** What the threat model gives a request before it fails closed. */
export const deadlineMilliseconds = 2000

const connectMilliseconds = 1500
/** For the first words on a new connection: with the time to make it, within the deadline. */
export const greetingMilliseconds = deadlineMilliseconds - connectMilliseconds
const statementMilliseconds = 1800
/** Shorter than the server's own deadlock search (1 s): a batch in another node's way gives up and goes apart. */
const lockMilliseconds = 300
const readConnectionsMax = 4
const int8 = 20

/** The one text that must differ: a grant that is required stays as it is until the commit. */
const texts: Readonly<Record<StatementName, string>> = {
  ...statements,
  'require-live-grant': `${statements['require-live-grant']} for share`,
}

export interface Place {
  readonly connectionString: string
  /** Each store has its own; tests as well. */
  readonly schema: string
}

/** A statement kept by the server under its name after first use. */
export function named(name: StatementName, values: readonly SqlValue[]): pg.QueryConfig {
  return { name, text: texts[name], values: values.map(storable) }
}

// PostgreSQL text has no NUL, and clients may send one. Keys stay apart: a digest follows.
function storable(value: SqlValue): SqlValue {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
}

function configOf({ connectionString, schema }: Place): pg.ClientConfig {
  const settings = {
    search_path: schema,
    synchronous_commit: 'on',
    default_transaction_isolation: 'read\\ committed',
    statement_timeout: statementMilliseconds,
    lock_timeout: lockMilliseconds,
    idle_in_transaction_session_timeout: deadlineMilliseconds * 2,
  }
  return {
    connectionString,
    connectionTimeoutMillis: connectMilliseconds,
    keepAlive: true,
    application_name: `holdfast ${schema}`,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: {
      // Times, counts and sequences stay far below 2^53.
      getTypeParser: (oid, format) => (Number(oid) === int8 ? Number : pg.types.getTypeParser(oid, format)),
    },
  }
}

export function openReaders(place: Place): pg.Pool {
  const pool = new pg.Pool({
    ...configOf(place),
    max: readConnectionsMax,
    query_timeout: deadlineMilliseconds,
  })
  // An idle connection that breaks is replaced at the next question; the question sees its own error.
  pool.on('error', () => undefined)
  return pool
}

/** A connection of its own, on which statements are sent without waiting for the one before. */
export interface Line {
  readonly isOpen: () => boolean
  readonly step: (name: StatementName, values: readonly SqlValue[]) => Promise<number>
  readonly ask: (name: StatementName, values: readonly SqlValue[]) => Promise<readonly Row[]>
  /** @returns the command tag's first word */
  readonly command: (text: string) => Promise<string>
  /** The store's own time, seconds since 1970. */
  readonly seconds: () => Promise<number>
  /** Drops the connection without a word; whatever was under way fails. */
  readonly cut: () => void
  readonly end: () => Promise<void>
}

export async function openLine(place: Place, onNotification?: () => void): Promise<Line> {
  const socket = new Socket()
  const client = new pg.Client({ ...configOf(place), pipeline: true, stream: () => socket })
  let isOpen = true
  client.on('error', () => {
    isOpen = false
  })
  client.on('end', () => {
    isOpen = false
  })
  if (onNotification !== undefined) client.on('notification', onNotification)
  await client.connect()
  return {
    isOpen: () => isOpen,
    step: async (name, values) => (await client.query(named(name, values))).rowCount ?? 0,
    ask: async (name, values) => (await client.query<Row>(named(name, values))).rows,
    command: async text => (await client.query(text)).command,
    seconds: async () => {
      const { rows } = await client.query('select extract(epoch from clock_timestamp())::float8 as seconds')
      return Number(rows[0].seconds)
    },
    cut: () => {
      isOpen = false
      socket.destroy()
    },
    end: async () => {
      isOpen = false
      await client.end()
    },
  }
}

/**
 * What `work` comes to, or a fault when nobody answers in time: a silent peer must not hold up what comes after it.
 * What still happens to `work` afterwards is nobody's business.
 */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  work.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Fault('store.deadline')), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Brings the schema up to date, under a lock so that nodes which start together do it once. */
export async function prepareSchema(place: Place, clock: Clock): Promise<EpochSeconds> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(place.schema)) {
    throw new Fault('store.schema', { detail: `\`${place.schema}\` is not a schema name` })
  }
  const client = new pg.Client({ ...configOf(place), options: `-c search_path=${place.schema}` })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('begin')
    await client.query(`select pg_advisory_xact_lock(hashtext('holdfast ${place.schema}'))`)
    await client.query(`create schema if not exists ${place.schema}`)
    await client.query(metaTable(postgresDialect))
    const version = Number((await metaOf(client, 'schema_version')) ?? 0)
    for (const migration of migrationsAfter(version)) {
      for (const text of migration.statements(postgresDialect)) await client.query(text)
    }
    if (version !== schemaVersion) await putMeta(client, 'schema_version', String(schemaVersion))
    const epoch = (await metaOf(client, 'epoch')) ?? (await putMeta(client, 'epoch', String(clock.now())))
    await client.query('commit')
    return Number(epoch) as EpochSeconds
  } finally {
    await client.end()
  }
}

async function metaOf(client: pg.Client, name: string): Promise<string | undefined> {
  const { rows } = await client.query('select value from meta where name = $1', [name])
  return rows[0] === undefined ? undefined : String(rows[0].value)
}

async function putMeta(client: pg.Client, name: string, value: string): Promise<string> {
  await client.query(
    'insert into meta values ($1, $2) on conflict (name) do update set value = excluded.value',
    [name, value],
  )
  return value
}
