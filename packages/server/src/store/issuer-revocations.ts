import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'
import { ownerKey } from './owners.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

/**
 * All access of an issuer ends by one row, however much there is: each ending has the next number, each row that access
 * hangs on says which numbers were given when it was written, and one that its issuer ended later counts for nothing.
 * Numbers, because two nodes never have quite the same time. Codes and refresh tokens hang on their grant.
 */
export const numberNow = '(select coalesce(max(sequence), 0) from issuer_revocations)'

/** For finders: the last number given, so that only a row older than it costs another question. */
export const lastNumber = '(select max(sequence) from issuer_revocations) as last_ended'

/** For guards, which know an owner and no issuer. */
export function notEndedWithIssuer(table: 'grants' | 'sessions'): string {
  return `not exists (select 1 from issuer_revocations r
    where r.sequence > ${table}.born and substr(${table}.subject_key, 1, length(r.key)) = r.key)`
}

/** For rows whose key column begins with `issuerKey`. */
export function notEndedWithIssuerOf(column: string, born: string): string {
  return `not exists (select 1 from issuer_revocations r
    where r.sequence > ${born} and substr(${column}, 1, length(r.key)) = r.key)`
}

const notEnded = /not exists \(select 1 from issuer_revocations r[^=]*= r\.key\)/g

/** The same text where no issuer ever ended everything: what it would look up is known. */
export function beforeAnyEnding(text: string): string {
  return text
    .replaceAll(numberNow, '0')
    .replaceAll(lastNumber, 'null as last_ended')
    .replaceAll(notEnded, 'true')
}

/** Whether running this text can end everything of an issuer, or take that back. */
export function changesEndings(text: string): boolean {
  return /^(insert into|update|delete from) issuer_revocations\b/.test(text)
}

/** For questions about one issuer. @param key parameter with `issuerKey` */
export function bornAfterEnd(born: string, key: string): string {
  return `${born} >= coalesce((select sequence from issuer_revocations where key = ${key}), 0)`
}

export const issuerRevocationStatements = {
  'revoke-all-of-issuer': `insert into issuer_revocations (key, sequence, at) values ($1, ${numberNow} + 1, $2)
    on conflict (key) do update set sequence = excluded.sequence,
      at = case when excluded.at > issuer_revocations.at then excluded.at else issuer_revocations.at end`,
  'find-issuer-revocation': 'select sequence, at from issuer_revocations where key = $1',
} as const

/** The front of every key that `ownerKey` makes for the issuer. */
export function issuerKey(issuer: string): string {
  return ownerKey(issuer, '')
}

export function issuerRevocationStepOf({
  kind,
  issuer,
  at,
}: Extract<Write, { kind: 'revoke-all-of-issuer' }>): Step {
  return { name: kind, values: [issuerKey(issuer), at] }
}

/** The last time all access of an issuer ended. */
export interface IssuerRevocation {
  readonly sequence: number
  readonly at: EpochSeconds
}

/** Of an issuer that never ended everything. */
export const neverEnded: IssuerRevocation = { sequence: 0, at: epochSeconds(0) }

/**
 * Whether a list passes on what one row stands for to a row it inserts. Where other nodes write too, no ending may come
 * between its guard and its insert: the new row would have the new number and the old row's rights.
 */
export function passesOn(writes: readonly Write[]): boolean {
  return writes.some(({ kind }) => kind === 'insert-grant' || kind === 'insert-session')
}
