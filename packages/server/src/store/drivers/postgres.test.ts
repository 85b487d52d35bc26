import { standingClock } from '../contract/samples.ts'
import { describeStore } from '../contract.ts'
import { openPostgresStore } from './postgres.ts'
import { postgresAbsence, testConnectionString } from './postgres-for-tests.ts'
import { giveSchemaBack, takeSchema } from './schemas-for-tests.ts'

describeStore(
  'PostgreSQL',
  async () => {
    const schema = await takeSchema()
    const open = () =>
      openPostgresStore({ connectionString: testConnectionString, schema, clock: standingClock })
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
        await giveSchemaBack(schema)
      },
    }
  },
  { skip: await postgresAbsence() },
)
