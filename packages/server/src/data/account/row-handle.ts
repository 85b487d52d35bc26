import type { Ports } from '../../ports.ts'
import { openText, type SealedFor, sealText } from '../sealed-text.ts'
import type { AccountVisit } from './visit.ts'

/** What stands in a row of the account page. */
export type RowKind = 'session' | 'grant'

/**
 * Names a row to the form beside it. Nobody learns an id from it, nobody can make one, and on the page of another user
 * it opens nothing.
 * @param id what the store knows the row by
 */
export function rowHandle(visit: AccountVisit, kind: RowKind, id: string, ports: Ports): string {
  return sealText(ports, sealedFor(visit, kind), id)
}

/** Undefined: it is no handle of a row of this kind on a page of this user. */
export function idOfRow(
  visit: AccountVisit,
  kind: RowKind,
  handle: string,
  ports: Ports,
): string | undefined {
  return openText(ports, sealedFor(visit, kind), handle)
}

function sealedFor({ session }: AccountVisit, kind: RowKind): SealedFor {
  const { issuer, subject } = session.record
  return { issuer, purpose: 'account-row', place: `${kind}\n${subject}` }
}
