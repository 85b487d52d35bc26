import { postgresAbsence } from '../../store/drivers/postgres-for-tests.ts'
import { openEmptyPostgresStore } from '../../store/drivers/schemas-for-tests.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { groundClock } from './admin-ground.ts'

/** Either store, each time a new one; closing it takes away what it made. */
export interface AdminStore {
  readonly name: string
  readonly skip: string | false
  readonly open: () => Promise<Store>
}

export const adminStores: readonly AdminStore[] = [
  {
    name: 'SQLite',
    skip: false,
    open: () => openSqliteStore({ path: ':memory:', clock: groundClock }),
  },
  {
    name: 'PostgreSQL',
    skip: (await postgresAbsence()) ?? false,
    open: () => openEmptyPostgresStore({ clock: groundClock, node: 'n0' }),
  },
]
