import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { Write } from '../../store/writes.ts'
import { endingOf } from './ending.ts'

/** Sessions of one user that are looked at; more than anybody has. */
export const sessionsMax = 1000

export interface EndOfSessions {
  /** For the commit of what makes them end. */
  readonly writes: readonly Write[]
  readonly sids: readonly string[]
}

/**
 * What ends the sessions of a user: because the password changed, a method was removed, or support said so. Their
 * grants end with them, and the clients that took part are told by the courier.
 * @param about.except hash of the session that made the change and goes on
 */
export async function endingOfUser(
  ports: Pick<Ports, 'store' | 'clock' | 'entropy'>,
  issuer: Pick<IssuerSnapshot, 'url' | 'clients'>,
  about: {
    readonly subject: string
    readonly requestId: string
    readonly except: { readonly hash: HandleHash; readonly sid: string } | undefined
    readonly at: EpochSeconds
  },
): Promise<EndOfSessions> {
  const { subject, requestId, except, at } = about
  const sessions = (await ports.store.listSessions(issuer.url, subject, at, sessionsMax)).filter(
    session => session.sid !== except?.sid,
  )
  const endings = await Promise.all(sessions.map(session => endingOf(ports, issuer, session, requestId, at)))
  return {
    writes: [
      { kind: 'revoke-sessions-of-subject', issuer: issuer.url, subject, except: except?.hash, at },
      ...endings.flatMap(({ writes }) => writes),
      // Whoever sat in one of them may have said yes to something that is not asked again.
      { kind: 'forget-consents-of-subject', issuer: issuer.url, subject },
    ],
    sids: sessions.map(({ sid }) => sid),
  }
}
