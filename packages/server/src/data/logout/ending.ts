import type { EpochSeconds } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { LogoutNoticeRecord, SessionRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
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

/** For the courier, at once. */
export function noticesTo(
  clientIds: readonly string[],
  ports: Pick<Ports, 'clock' | 'entropy'>,
  session: SessionRecord,
  requestId: string,
  at: EpochSeconds,
): readonly { readonly kind: 'insert-logout-notice'; readonly record: LogoutNoticeRecord }[] {
  return clientIds.map(clientId => ({
    kind: 'insert-logout-notice',
    record: newNotice(ports, session, clientId, requestId, at),
  }))
}

async function listToBeTold(
  { store }: Pick<Ports, 'store'>,
  { clients }: Pick<IssuerSnapshot, 'clients'>,
  { sid }: SessionRecord,
): Promise<readonly string[]> {
  const participants = await store.listParticipants(sid)
  return participants.filter(clientId => clients.get(clientId)?.backchannelLogoutUri !== undefined)
}
