import { createHash } from 'node:crypto'
import type { DocumentRecord } from '../../store/writes.ts'
import { canonicalJson } from '../document.ts'

/** Strong entity tag of a text: the same bytes have the same one on every node. */
export function etagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url')}"`
}

/** Of anything that is JSON, whatever the order of its members. */
export function etagOfValue(value: unknown): string {
  return etagOf(canonicalJson(value))
}

/** Of the record of this place; undefined when there is none. */
export function etagAt(
  records: readonly DocumentRecord[],
  place: Omit<DocumentRecord, 'body'>,
): string | undefined {
  const found = recordAt(records, place)
  return found && etagOf(found.body)
}

export function recordAt(
  records: readonly DocumentRecord[],
  { documentKind, name, issuer }: Omit<DocumentRecord, 'body'>,
): DocumentRecord | undefined {
  return records.find(
    record => record.name === name && record.documentKind === documentKind && record.issuer === issuer,
  )
}
