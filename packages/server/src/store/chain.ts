import { hash } from 'node:crypto'
import type { AuditRecord, ChainedAuditRecord } from './records.ts'

/** The end of a chain: where the next record is hung. */
export interface ChainHead {
  readonly sequence: number
  readonly hash: string
}

/** Before the first record. */
export const chainStart: ChainHead = { sequence: 0, hash: '' }

export type ChainFault = 'change' | 'gap' | 'reorder' | 'truncation'

export type ChainVerdict =
  | { readonly intact: true; readonly head: ChainHead }
  /** `sequence` names the first record that does not stand where and as it was written. */
  | { readonly intact: false; readonly fault: ChainFault; readonly sequence: number; readonly reason: string }

/** The record as it is stored and hashed: members in one fixed order, facts sorted, absent ones left out. */
export function auditBody(record: AuditRecord): string {
  const written = lasting.get(record.facts)
  if (written === undefined) return bodyWith(record, sorted(record.facts))
  return `${bodyWith(record, undefined).slice(0, -1)},"facts":${written}}`
}

const lasting = new WeakMap<AuditRecord['facts'], string>()

/**
 * Facts that many records will share, written out once. Frozen to the bottom: what is hashed is what stands in them.
 * @returns a copy, to be used in place of `facts`
 */
export function lastingFacts(facts: AuditRecord['facts']): AuditRecord['facts'] {
  const copy = Object.freeze(
    Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [
        name,
        typeof value === 'object' ? Object.freeze([...value]) : value,
      ]),
    ),
  )
  lasting.set(copy, JSON.stringify(sorted(copy)))
  return copy
}

function sorted(facts: AuditRecord['facts']): AuditRecord['facts'] {
  const inOrder: Record<string, AuditRecord['facts'][string]> = {}
  for (const name of Object.keys(facts).sort()) inOrder[name] = facts[name] as AuditRecord['facts'][string]
  return inOrder
}

function bodyWith(record: AuditRecord, facts: AuditRecord['facts'] | undefined): string {
  return JSON.stringify({
    at: record.at,
    issuer: record.issuer,
    event: record.event,
    outcome: record.outcome,
    requestId: record.requestId,
    txn: record.txn,
    clientId: record.clientId,
    subject: record.subject,
    ruleId: record.ruleId,
    clauses: record.clauses,
    error: record.error,
    reason: record.reason,
    facts,
  })
}

/** SHA-256 over chain, sequence, the hash before, and the body. */
export function linkHash(chain: string, sequence: number, previousHash: string, body: string): string {
  return hash('sha256', `${JSON.stringify([chain, sequence, previousHash])}\n${body}`, 'base64url')
}

const chainMembers: ReadonlySet<string> = new Set([
  ...['at', 'issuer', 'event', 'outcome', 'requestId', 'txn', 'clientId', 'subject', 'ruleId', 'clauses'],
  ...['error', 'reason', 'facts', 'chain', 'sequence', 'previousHash', 'hash'],
])

/**
 * Walks records of one chain in the order given.
 * @param from the record before the first one given; the chain's start unless told
 * @param expected the head known from elsewhere (a checkpoint, a witness): fewer records are a truncation
 */
export function verifyChain(
  records: readonly ChainedAuditRecord[],
  from: ChainHead = chainStart,
  expected?: ChainHead,
): ChainVerdict {
  let head = from
  const chain = records[0]?.chain
  for (const [index, record] of records.entries()) {
    const broken = firstFault(records, index, head, chain)
    if (broken !== undefined) return broken
    head = { sequence: record.sequence, hash: record.hash }
    if (expected?.sequence === head.sequence && expected.hash !== head.hash) {
      return fault('change', head.sequence, 'the record is not the one the expected head names')
    }
  }
  if (expected !== undefined && head.sequence < expected.sequence) {
    return fault('truncation', head.sequence + 1, `the chain ends before \`${expected.sequence}\``)
  }
  return { intact: true, head }
}

function firstFault(
  records: readonly ChainedAuditRecord[],
  index: number,
  head: ChainHead,
  chain: string | undefined,
): ChainVerdict | undefined {
  const record = records[index]
  const expectedSequence = head.sequence + 1
  if (record === undefined) return undefined
  if (record.chain !== chain) return fault('change', expectedSequence, 'the record names another chain')
  if (record.sequence !== expectedSequence) {
    const isLater = records.some((other, place) => place > index && other.sequence === expectedSequence)
    return record.sequence < expectedSequence || isLater
      ? fault('reorder', expectedSequence, `record \`${record.sequence}\` stands in its place`)
      : fault('gap', expectedSequence, `the next record is \`${record.sequence}\``)
  }
  if (Object.keys(record).some(member => !chainMembers.has(member))) {
    return fault('change', record.sequence, 'the record carries a member that was never hashed')
  }
  if (record.previousHash !== head.hash) {
    return fault('change', record.sequence, 'the hash before it is not the one it was written after')
  }
  const { sequence, previousHash } = record
  if (record.hash !== linkHash(record.chain, sequence, previousHash, auditBody(record))) {
    return fault('change', record.sequence, 'the content does not match its hash')
  }
  return undefined
}

function fault(kind: ChainFault, sequence: number, reason: string): ChainVerdict {
  return { intact: false, fault: kind, sequence, reason }
}
