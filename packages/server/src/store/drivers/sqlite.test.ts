import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { standingClock } from '../contract/samples.ts'
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
