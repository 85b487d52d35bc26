import { createHmac } from 'node:crypto'
import type { Ports } from '../../ports.ts'
import { ivBytes, openText, sealText } from '../sealed.ts'
import type { AccountVisit } from './visit.ts'

/** What stands in a row of the account page. */
export type RowKind = 'session' | 'grant' | 'consent'

/**
 * Names a row to the form beside it. Nobody learns an id from it, nobody can make one, and on the page of another user
 * it opens nothing. The same row has the same handle: an IV for each row, however often pages are shown.
 * @param id what the store knows the row by
 */
export function rowHandle(visit: AccountVisit, kind: RowKind, id: string, ports: Ports): string {
  const { issuer } = visit.session.record
  const place = placeOf(visit, kind)
  const iv = createHmac('sha256', ports.keys.secret(issuer, 'account-row-iv'))
    .update(`${place}\n${id}`)
    .digest()
    .subarray(0, ivBytes)
  return sealText(ports, issuer, 'account-row', place, id, iv)
}

/** Undefined: it is no handle of a row of this kind on a page of this user. */
export function idOfRow(
  visit: AccountVisit,
  kind: RowKind,
  handle: string,
  ports: Ports,
): string | undefined {
  return openText(ports.keys, visit.session.record.issuer, 'account-row', placeOf(visit, kind), handle)
}

function placeOf({ session }: AccountVisit, kind: RowKind): string {
  return `${kind}\n${session.record.subject}`
}
