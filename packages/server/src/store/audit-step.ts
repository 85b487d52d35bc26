import { auditBody, type ChainHead, linkHash } from './chain.ts'
import type { AuditRecord } from './records.ts'
import type { Step } from './statements.ts'

export interface Linked {
  readonly step: Step
  /** The head of the chain once the step was taken. */
  readonly head: ChainHead
}

/** The statement that hangs a record at the end of its chain. */
export function linkedStepOf(chain: string, before: ChainHead, record: AuditRecord): Linked {
  const body = auditBody(record)
  const sequence = before.sequence + 1
  const hash = linkHash(chain, sequence, before.hash, body)
  const { at, requestId, txn } = record
  // A transaction that began with this request is found by the request: one place in an index less.
  const foundBy = txn === undefined || txn === requestId ? null : txn
  return {
    step: {
      name: 'append-audit',
      values: [chain, sequence, at, requestId, foundBy, before.hash, hash, body],
    },
    head: { sequence, hash },
  }
}
