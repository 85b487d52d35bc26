import {
  type AuthenticationMethod,
  type EpochSeconds,
  type MethodTimes,
  secondsAfter,
} from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { SessionRecord, UserRecord } from '../../store/records.ts'
import type { FoundAuthenticator } from '../../store/store.ts'
import type { Write } from '../../store/writes.ts'
import { subjectFor } from '../mint/pairwise.ts'
import { methodsOf, statedBySession } from './authentication.ts'
import { cookieHash, type NewCookie, newCookie } from './cookies.ts'

/** Idle and absolute ends of a session (threat model section 7). */
export const sessionLimits = { idleSeconds: 1800, lifetimeSeconds: 43_200 } as const

/** A session this browser holds, neither ended nor idle too long, of a user who may still act (I23). */
export interface LiveSession {
  readonly record: SessionRecord
  readonly user: UserRecord
  readonly authenticators: readonly FoundAuthenticator[]
  /** What clients of a sector call this user; without a sector, the subject itself. */
  readonly toldSubject: (sector: string | undefined) => string
}

export async function loadSession(
  exchange: Exchange,
  ports: Ports,
  now: EpochSeconds,
): Promise<LiveSession | undefined> {
  const hash = cookieHash(exchange, 'session')
  if (hash === undefined) return undefined
  const record = await ports.store.findSession(hash)
  if (record === undefined || record.issuer !== exchange.issuer.url || record.revokedAt !== undefined)
    return undefined
  if (now >= record.idleExpiresAt || now >= record.expiresAt) return undefined
  const { issuer, subject } = record
  const [user, authenticators] = await Promise.all([
    ports.store.findUserBySubject(issuer, subject),
    ports.store.listAuthenticators(issuer, subject),
  ])
  const toldSubject = (sector: string | undefined): string => subjectFor(ports.keys, issuer, sector, subject)
  return user?.status === 'active' ? { record, user, authenticators, toldSubject } : undefined
}

export interface SuccessorSession {
  readonly record: SessionRecord
  readonly cookie: NewCookie['header']
  /** The new session in, the one before it out: at each privilege change the cookie is another one (I12). */
  readonly writes: readonly Write[]
}

/**
 * The session after `methods` were used at `now`. It goes on under the same `sid` where the user is the same, with
 * what was done in it before.
 * @param previous the session the browser brought; it ends, and that it had not ended before is a guard
 */
export function succeedSession(
  exchange: Exchange,
  ports: Ports,
  user: UserRecord,
  previous: SessionRecord | undefined,
  methods: readonly AuthenticationMethod[],
  now: EpochSeconds,
): SuccessorSession {
  const { hash, header } = newCookie(exchange, ports, 'session')
  const kept = previous?.subject === user.subject ? previous : undefined
  const times: MethodTimes = {
    ...(kept && methodsOf(kept)),
    ...Object.fromEntries(methods.map(method => [method, now])),
  }
  const stated = statedBySession(exchange.issuer, times)
  const isNewLogin = methods.includes('pwd') || methods.includes('passkey')
  const record: SessionRecord = {
    hash,
    issuer: exchange.issuer.url,
    sid: kept?.sid ?? ports.entropy.bytes(16).toString('base64url'),
    subject: user.subject,
    authTime: stated?.authTime ?? now,
    acr: stated?.acr ?? '',
    amr: stated?.amr ?? [],
    methods: times,
    issuedAt: now,
    idleExpiresAt: secondsAfter(now, sessionLimits.idleSeconds),
    // A second factor makes a session stronger, not longer.
    expiresAt:
      isNewLogin || kept === undefined ? secondsAfter(now, sessionLimits.lifetimeSeconds) : kept.expiresAt,
  }
  return {
    record,
    cookie: header,
    writes: [
      ...(previous === undefined ? [] : [{ kind: 'end-session', hash: previous.hash, at: now } as const]),
      { kind: 'insert-session', record },
    ],
  }
}
