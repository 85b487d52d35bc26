import { hash } from 'node:crypto'
import type { AuditRecord, ChainedAuditRecord, CommonFacts } from './records.ts'

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
  const { facts, commonFacts } = record
  if (commonFacts === undefined) return bodyWith(record, sorted(facts))
  return `${bodyWith(record, undefined).slice(0, -1)},"facts":${among(commonFacts, facts)}}`
}

/**
 * Facts that many records will share, written out once. Frozen to the bottom: what is hashed is what stands in them.
 * @param all facts of one of the records
 * @param own names of those that each record has for itself
 */
export function commonFactsOf(all: AuditRecord['facts'], own: readonly string[]): CommonFacts {
  const facts: Record<string, AuditRecord['facts'][string]> = {}
  const parts: CommonFacts['parts'][number][] = []
  let text = '{'
  for (const [name, fact] of Object.entries(sorted(all))) {
    text += `${text === '{' && parts.length === 0 ? '' : ','}${JSON.stringify(name)}:`
    if (own.includes(name)) {
      parts.push(Object.freeze({ text, own: name }))
      text = ''
    } else {
      text += JSON.stringify(fact)
      facts[name] = typeof fact === 'object' ? Object.freeze([...fact]) : fact
    }
  }
  return Object.freeze({ facts: Object.freeze(facts), parts: Object.freeze(parts), end: `${text}}` })
}

/** A record with other facts of its own than were foreseen is written like any. */
function among({ facts, parts, end }: CommonFacts, own: AuditRecord['facts']): string {
  if (parts.length !== Object.keys(own).length || parts.some(part => own[part.own] === undefined))
    return JSON.stringify(sorted({ ...facts, ...own }))
  let written = ''
  for (const part of parts) written += part.text + JSON.stringify(own[part.own])
  return written + end
}

function sorted(facts: AuditRecord['facts']): AuditRecord['facts'] {
  const inOrder: Record<string, AuditRecord['facts'][string]> = {}
  for (const name of sortedNames(facts)) inOrder[name] = facts[name] as AuditRecord['facts'][string]
  return inOrder
}

/** Names of facts in the order they came, to the same names sorted: records of one event nearly always carry the same. */
interface Names {
  readonly next: Map<string, Names>
  sorted: readonly string[] | undefined
}

/** Steps remembered; then it begins anew. Names come from the program, but a chain that is verified may hold any. */
const namesMax = 10_000
const noNames = (): Names => ({ next: new Map(), sorted: undefined })
const walked = { from: noNames(), count: 0 }

function sortedNames(facts: AuditRecord['facts']): readonly string[] {
  const given = Object.keys(facts)
  if (walked.count + given.length > namesMax) {
    walked.from = noNames()
    walked.count = 0
  }
  let names = walked.from
  for (const name of given) {
    let next = names.next.get(name)
    if (next === undefined) {
      next = noNames()
      names.next.set(name, next)
      walked.count += 1
    }
    names = next
  }
  names.sorted ??= given.sort()
  return names.sorted
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
