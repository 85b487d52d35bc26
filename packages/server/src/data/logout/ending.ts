import type { EpochSeconds } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { SessionRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { newNotice } from './notice.ts'

/** What else ends with a session, beside the session itself, in the same commit. */
export interface Ending {
  readonly session: SessionRecord
  readonly writes: readonly Write[]
  /** Clients whose notice is among the writes; the courier delivers it at once. */
  readonly told: readonly string[]
}

type EndingPorts = Pick<Ports, 'store' | 'clock' | 'entropy'>

/** The grants of a session, and a notice to each client that took part and takes one. */
export async function endingOf(
  ports: EndingPorts,
  issuer: Pick<IssuerSnapshot, 'clients'>,
  session: SessionRecord,
  requestId: string,
  at: EpochSeconds,
): Promise<Ending> {
  const told = await listToBeTold(ports, issuer, session)
  return {
    session,
    writes: [
      { kind: 'revoke-grants-of-session', sid: session.sid, at },
      ...noticesTo(told, ports, session, requestId, at),
    ],
    told,
  }
}

/**
 * Notices to clients whose consent was faster than the end of a session. After the end there can be none: the commit
 * of a consent would fail.
 */
export async function joinedMeanwhile(
  ports: EndingPorts,
  issuer: Pick<IssuerSnapshot, 'clients'>,
  { session, told }: Pick<Ending, 'session' | 'told'>,
): Promise<readonly string[]> {
  return (await listToBeTold(ports, issuer, session)).filter(clientId => !told.includes(clientId))
}

export type InsertNotice = Extract<Write, { kind: 'insert-logout-notice' }>

/**
 * Notices to clients that take them.
 * @param dueAt of the notice in each place; at once, for the courier, unless the request that ends the session tries it
 */
export function noticesTo(
  clientIds: readonly string[],
  ports: Pick<Ports, 'clock' | 'entropy'>,
  session: SessionRecord,
  requestId: string,
  dueAt: EpochSeconds | ((place: number) => EpochSeconds),
): readonly InsertNotice[] {
  return clientIds.map((clientId, place) => {
    const due = typeof dueAt === 'number' ? dueAt : dueAt(place)
    return { kind: 'insert-logout-notice', record: newNotice(ports, session, clientId, requestId, due) }
  })
}

/** Who signed in to while the session ended is told, too. @returns the notices */
export async function tellJoined(
  exchange: Exchange,
  ports: Ports,
  ending: Pick<Ending, 'session' | 'told'>,
  now: EpochSeconds,
  dueAt: EpochSeconds | ((place: number) => EpochSeconds) = now,
): Promise<readonly InsertNotice[]> {
  const { session } = ending
  const joined = await joinedMeanwhile(ports, exchange.issuer, ending)
  if (joined.length === 0) return []
  const { sid, subject } = session
  const notices = noticesTo(joined, ports, session, exchange.requestId, dueAt)
  await ports.store.commit([
    ...notices,
    auditAccepted(exchange, now, 'session.joined-late', { subject }, { sid, notified: joined }),
  ])
  return notices
}

/** Clients that took part in a session and take a notice of its end. */
export function tellable(
  participants: readonly string[],
  { clients }: Pick<IssuerSnapshot, 'clients'>,
): readonly string[] {
  return participants.filter(clientId => clients.get(clientId)?.backchannelLogoutUri !== undefined)
}

async function listToBeTold(
  { store }: Pick<Ports, 'store'>,
  issuer: Pick<IssuerSnapshot, 'clients'>,
  { sid }: SessionRecord,
): Promise<readonly string[]> {
  return tellable(await store.listParticipants(sid), issuer)
}
