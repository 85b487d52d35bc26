import type { EpochSeconds, Refusal } from '@holdfast/protocol'
import type { Exchange } from '../http/exchange.ts'
import type { AuditRecord } from '../store/records.ts'
import type { Write } from '../store/writes.ts'

/** Who and what a decision was about, as far as the room knows it. */
export interface AuditContext {
  readonly txn?: string
  readonly clientId?: string
  readonly subject?: string
}

/** The record of an accepted decision; goes into the same commit as what it decided (I27). */
export function auditAccepted(
  exchange: Exchange,
  at: EpochSeconds,
  event: string,
  context: AuditContext,
  facts: AuditRecord['facts'],
): Extract<Write, { kind: 'append-audit' }> {
  const { issuer, requestId } = exchange
  return {
    kind: 'append-audit',
    record: { at, issuer: issuer.url, event, outcome: 'accepted', requestId, ...context, facts },
  }
}

/** The record of a refusal; `alert` for what only an attack or a broken client produces. */
export function auditRefused(
  exchange: Exchange,
  at: EpochSeconds,
  event: string,
  refusal: Refusal,
  context: AuditContext = {},
  outcome: 'refused' | 'alert' = 'refused',
): Write {
  const { ruleId, clauses, error, reason, facts = {} } = refusal
  const { issuer, requestId } = exchange
  return {
    kind: 'append-audit',
    record: {
      at,
      issuer: issuer.url,
      event,
      outcome,
      requestId,
      ...context,
      ruleId,
      clauses,
      error,
      reason,
      facts: { ...facts, method: exchange.method, path: exchange.path, listener: exchange.listener },
    },
  }
}
