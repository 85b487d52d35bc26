import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { grant, standingClock } from '../contract/samples.ts'
import { describeStore } from '../contract.ts'
import { openSqliteStore } from './sqlite.ts'

describeStore(
  'SQLite in memory',
  async () => {
    const store = await openSqliteStore({ path: ':memory:', clock: standingClock })
    return { store, reopen: undefined, dispose: () => store.close() }
  },
  { isVolatile: true },
)

describeStore('SQLite in a file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-store-'))
  const open = () => openSqliteStore({ path: join(directory, 'store.db'), clock: standingClock })
  let store = await open()
  const first = store
  return {
    store: first,
    reopen: async () => {
      await store.close()
      store = await open()
      return store
    },
    dispose: async () => {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
})

test('questions share a view of the file only until the next commit or the end of the turn', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-store-'))
  const path = join(directory, 'store.db')
  const store = await openSqliteStore({ path, clock: standingClock })
  const other = new DatabaseSync(path)
  // A view that is still open keeps the log from being emptied.
  const isLogHeld = (): boolean => other.prepare('pragma wal_checkpoint(truncate)').get()?.busy === 1
  const record = grant()

  const before = store.findGrant(record.id)
  assert.equal(isLogHeld(), true)
  const committed = store.commit([{ kind: 'insert-grant', record }])
  assert.equal(await before, undefined)
  assert.deepEqual(await committed, { committed: true })
  assert.equal((await store.findGrant(record.id))?.id, record.id)

  await nextTurn()
  assert.equal(isLogHeld(), false)
  other.close()
  await store.close()
  await rm(directory, { recursive: true })
})

test('a store that closes right after a question lets go of the file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-store-'))
  const store = await openSqliteStore({ path: join(directory, 'store.db'), clock: standingClock })
  const asked = store.findGrant('g_none')
  await store.close()
  assert.equal(await asked, undefined)
  await nextTurn()
  await rm(directory, { recursive: true })
})
