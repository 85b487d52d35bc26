import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { SessionRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { noticesAtOnceMax } from './courier.ts'
import { noticesTo, tellable, tellJoined } from './ending.ts'
import { deliver, noticeLeaseSeconds } from './notice.ts'

/** What let a logout end the session: an ID token of it, or the user's answer to our question. */
export type LogoutProof = 'hint' | 'answer'

/**
 * Ends a session: its grants, and a notice to each client that took part, in one commit; then the first try of each
 * notice, so that the browser goes back only when the others were told (RPL-07). Who comes second finds nothing to do.
 * @returns the clients that took part, to be told by the browser too; none for who comes second
 */
export async function endSession(
  exchange: Exchange,
  ports: Ports,
  session: SessionRecord,
  how: { readonly proof: LogoutProof; readonly clientId: string | undefined },
): Promise<readonly string[]> {
  const { hash, sid, subject } = session
  const now = ports.clock.now()
  const participants = await ports.store.listParticipants(sid)
  const told = tellable(participants, exchange.issuer)
  const notices = noticesTo(told, ports, session, exchange.requestId, dueFrom(now))
  const { clientId } = how
  const { committed } = await ports.store.commit([
    { kind: 'end-session', hash, at: now },
    { kind: 'revoke-grants-of-session', sid, at: now },
    ...notices,
    auditAccepted(
      exchange,
      now,
      'session.ended',
      { subject, ...(clientId !== undefined && { clientId }) },
      { sid, proof: how.proof, notified: told },
    ),
  ])
  if (!committed) return []
  const late = await tellJoined(exchange, ports, { session, told }, now, dueFrom(now))
  const first = [...notices, ...late].slice(0, noticesAtOnceMax)
  await Promise.all(first.map(({ record }) => deliver(record, ports)))
  return participants
}

/** This request tries the first ones itself; the others are the courier's at once. */
function dueFrom(now: EpochSeconds): (place: number) => EpochSeconds {
  const later = secondsAfter(now, noticeLeaseSeconds)
  return place => (place < noticesAtOnceMax ? later : now)
}
