import { setImmediate } from 'node:timers/promises'
import type { ChainedAuditRecord } from '../store/records.ts'
import type { Store } from '../store/store.ts'

/** Records looked at together; in between, the server does its work. */
const pageSize = 1000

/** Records of one chain that are read, from its beginning. */
const recordsMax = 10_000_000

/** Shows every record of every chain, in the order of its chain. */
export async function readAudit(
  store: Pick<Store, 'listAuditChains' | 'readAuditChain'>,
  see: (record: ChainedAuditRecord) => void,
): Promise<void> {
  for (const chain of await store.listAuditChains()) {
    let after = 0
    while (after < recordsMax) {
      const records = await store.readAuditChain(chain, after, pageSize)
      const last = records.at(-1)
      if (last === undefined) break
      for (const record of records) see(record)
      after = last.sequence
      await setImmediate()
    }
  }
}
