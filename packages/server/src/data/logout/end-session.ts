import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { LogoutNoticeRecord, SessionRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { noticesAtOnceMax } from './courier.ts'
import { joinedMeanwhile } from './ending.ts'
import { deliver, newNotice, noticeLeaseSeconds } from './notice.ts'

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
  const notices = noticesTo(participants, exchange, ports, session, now)
  const told = notices.map(({ clientId }) => clientId)
  const { clientId } = how
  const { committed } = await ports.store.commit([
    { kind: 'end-session', hash, at: now },
    { kind: 'revoke-grants-of-session', sid, at: now },
    ...insertsOf(notices),
    auditAccepted(
      exchange,
      now,
      'session.ended',
      { subject, ...(clientId !== undefined && { clientId }) },
      { sid, proof: how.proof, notified: told },
    ),
  ])
  if (!committed) return []
  const late = await tellJoined(told, exchange, ports, session, now)
  await Promise.all([...notices, ...late].slice(0, noticesAtOnceMax).map(notice => deliver(notice, ports)))
  return participants
}

/** Who signed in to while the session ended. */
async function tellJoined(
  told: readonly string[],
  exchange: Exchange,
  ports: Ports,
  session: SessionRecord,
  now: EpochSeconds,
): Promise<readonly LogoutNoticeRecord[]> {
  const joined = await joinedMeanwhile(ports, exchange.issuer, { session, told })
  if (joined.length === 0) return []
  const late = noticesTo(joined, exchange, ports, session, now)
  const { sid, subject } = session
  await ports.store.commit([
    ...insertsOf(late),
    auditAccepted(exchange, now, 'session.joined-late', { subject }, { sid, notified: joined }),
  ])
  return late
}

function noticesTo(
  clientIds: readonly string[],
  exchange: Exchange,
  ports: Ports,
  session: SessionRecord,
  now: EpochSeconds,
): readonly LogoutNoticeRecord[] {
  const { issuer, requestId } = exchange
  return clientIds
    .filter(clientId => issuer.clients.get(clientId)?.backchannelLogoutUri !== undefined)
    .map((clientId, index) => {
      // This request tries the first ones itself; the others are the courier's at once.
      const dueAt = index < noticesAtOnceMax ? secondsAfter(now, noticeLeaseSeconds) : now
      return newNotice(ports, session, clientId, requestId, dueAt)
    })
}

function insertsOf(
  notices: readonly LogoutNoticeRecord[],
): readonly { readonly kind: 'insert-logout-notice'; readonly record: LogoutNoticeRecord }[] {
  return notices.map(record => ({ kind: 'insert-logout-notice', record }))
}
