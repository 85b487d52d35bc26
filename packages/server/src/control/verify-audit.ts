import { type ChainHead, chainStart, verifyChain } from '../store/chain.ts'
import type { Store } from '../store/store.ts'
import type { AuditVerification } from './admin-api.ts'

/** Records looked at together; memory stays flat however long the chain is. */
const pageSize = 1000

type ChainReport = AuditVerification['chains'][number]
type AuditReader = Pick<Store, 'readAuditChain' | 'listAuditChains'>

/** Walks every chain of the store from its first record to its last. */
export async function verifyAudit(store: AuditReader): Promise<AuditVerification> {
  const chains: ChainReport[] = []
  for (const chain of await store.listAuditChains()) chains.push(await verifyOne(store, chain))
  return { chains }
}

async function verifyOne(store: AuditReader, chain: string): Promise<ChainReport> {
  let head: ChainHead = chainStart
  for (;;) {
    const records = await store.readAuditChain(chain, head.sequence, pageSize)
    if (records.length === 0) return { chain, records: head.sequence, intact: true }
    const verdict = verifyChain(records, head)
    if (!verdict.intact) {
      const { sequence: brokenAt, reason } = verdict
      return { chain, records: brokenAt - 1, intact: false, brokenAt, reason }
    }
    head = verdict.head
  }
}
