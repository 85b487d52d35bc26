import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { EpochSeconds } from '@holdfast/protocol'
import { type Clock, Fault } from '../../ports.ts'
import { sqliteDialect } from '../migrations/dialect.ts'
import { metaTable, migrationsAfter, schemaVersion } from '../migrations/index.ts'
import { faultOf, isBusy } from './sqlite-fault.ts'

export interface SqliteConnection {
  readonly database: DatabaseSync
  readonly epoch: EpochSeconds
  readonly chain: string
  readonly close: () => void
}

export const inMemory = ':memory:'

/** `HFST`: says that a file is ours before anything in it is believed. */
const applicationId = 0x48465354
const pageBytes = 8192
const cacheKibibytesMax = 16_384
const walBytesMax = 64 * 1024 * 1024
/** A whole check of a bigger file would hold up the start. */
const checkedPagesMax = (64 * 1024 * 1024) / pageBytes
const busyMilliseconds = 250

const options = {
  enableForeignKeyConstraints: false,
  enableDoubleQuotedStringLiterals: false,
  allowExtension: false,
  timeout: busyMilliseconds,
}

/**
 * Opens the file as its only writer, brings the schema up to date and reads what the store says about itself.
 * @throws Fault `store.locked`, `store.version`, `store.corrupt`, `store.foreign`, `store.chain`
 */
export function openConnection(path: string, clock: Clock, chain: string | undefined): SqliteConnection {
  const release = path === inMemory ? () => undefined : lockFile(path)
  let database: DatabaseSync | undefined
  try {
    if (path !== inMemory) createPrivately(path)
    database = new DatabaseSync(path, options)
    configure(database)
    checkPages(database)
    const { epoch, name } = migrate(database, clock, chain)
    const opened = database
    const close = (): void => {
      opened.close()
      release()
    }
    return { database: opened, epoch, chain: name, close }
  } catch (error) {
    database?.close()
    release()
    throw faultOf(error)
  }
}

/**
 * One writer per file. The lock is the operating system's and dies with the process, however it ends. It is on
 * a file of its own, so that readers of the store (an audit verifier, a backup) need not wait for it.
 */
function lockFile(path: string): () => void {
  const directory = dirname(path)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  createPrivately(`${path}.lock`)
  const lock = new DatabaseSync(`${path}.lock`, { ...options, timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw faultOf(error)
    throw new Fault('store.locked', { cause: error, detail: `\`${path}\` is open in another process` })
  }
  return () => lock.close()
}

/** The log and its index take their mode from the file. */
function createPrivately(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}

function configure(database: DatabaseSync): void {
  const found = numberOf(database, 'pragma application_id')
  if (found !== applicationId && numberOf(database, 'select count(*) from sqlite_schema') > 0) {
    throw new Fault('store.foreign', { detail: 'the file holds the database of another program' })
  }
  // The page size is fixed by the first write, so it comes before the journal mode.
  database.exec(`pragma page_size = ${pageBytes};
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma temp_store = memory;
    pragma trusted_schema = off;
    pragma cache_size = -${cacheKibibytesMax};
    pragma journal_size_limit = ${walBytesMax}`)
  if (found !== applicationId) database.exec(`pragma application_id = ${applicationId}`)
}

function checkPages(database: DatabaseSync): void {
  if (numberOf(database, 'pragma page_count') > checkedPagesMax) return
  const row = database.prepare('pragma quick_check(1)').get()
  const verdict = String(Object.values(row ?? {})[0])
  if (verdict !== 'ok') throw new Fault('store.corrupt', { detail: verdict })
}

function migrate(
  database: DatabaseSync,
  clock: Clock,
  chain: string | undefined,
): { readonly epoch: EpochSeconds; readonly name: string } {
  database.exec('begin immediate')
  try {
    database.exec(metaTable(sqliteDialect))
    const version = Number(metaOf(database, 'schema_version') ?? 0)
    for (const migration of migrationsAfter(version)) {
      for (const text of migration.statements(sqliteDialect)) database.exec(text)
    }
    if (version !== schemaVersion) putMeta(database, 'schema_version', String(schemaVersion))
    const now = clock.now()
    const epoch = metaOf(database, 'epoch') ?? putMeta(database, 'epoch', String(now))
    const name =
      metaOf(database, 'chain') ??
      putMeta(database, 'chain', chain ?? `sqlite-${randomBytes(12).toString('base64url')}`)
    if (chain !== undefined && chain !== name) {
      throw new Fault('store.chain', { detail: `the store writes chain \`${name}\`, not \`${chain}\`` })
    }
    database.prepare('insert into audit_chains values (?, ?) on conflict do nothing').run(name, now)
    database.exec('commit')
    return { epoch: Number(epoch) as EpochSeconds, name }
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
}

function metaOf(database: DatabaseSync, name: string): string | undefined {
  const row = database.prepare('select value from meta where name = ?').get(name)
  return row === undefined ? undefined : String(row.value)
}

function putMeta(database: DatabaseSync, name: string, value: string): string {
  database
    .prepare('insert into meta values (?, ?) on conflict (name) do update set value = excluded.value')
    .run(name, value)
  return value
}

function numberOf(database: DatabaseSync, text: string): number {
  return Number(Object.values(database.prepare(text).get() ?? {})[0])
}
