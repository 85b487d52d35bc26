import { postgresAbsence } from '../../store/drivers/postgres-for-tests.ts'
import { openEmptyPostgresStore } from '../../store/drivers/schemas-for-tests.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { putUsers } from './account.ts'
import { type FakeClock, fakeClock } from './world.ts'

/** A store of its own for one test, with Alice in it. */
export interface OpenStore {
  readonly store: Store
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** A store is older than the proofs that it takes (I6). */
export function olderClock(): FakeClock {
  const clock = fakeClock()
  clock.advance(-3600)
  return clock
}

/** For what must hold on either engine. `skip` goes to `describe`. */
export const bothStores: readonly {
  readonly name: string
  readonly skip: string | false
  readonly open: () => Promise<OpenStore>
}[] = [
  {
    name: 'SQLite',
    skip: false,
    open: async () => {
      const store = await openSqliteStore({ path: ':memory:', clock: olderClock() })
      await putUsers(store, 'alice')
      return { store, [Symbol.asyncDispose]: () => store.close() }
    },
  },
  {
    name: 'PostgreSQL',
    skip: (await postgresAbsence()) ?? false,
    open: async () => {
      const store = await openEmptyPostgresStore({ clock: olderClock() })
      await putUsers(store, 'alice')
      return { store, [Symbol.asyncDispose]: () => store.close() }
    },
  },
]
