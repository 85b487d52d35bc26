import type { EpochSeconds } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { SessionRecord, UserRecord } from '../../store/records.ts'
import { cookieHash } from './cookies.ts'

/** Idle and absolute ends of a session (threat model section 7). */
export const sessionLimits = { idleSeconds: 1800, lifetimeSeconds: 43_200 } as const

/** Authenticated by one factor, a password. */
export const passwordAcr = 'urn:holdfast:acr:pwd'

/** Every authentication context a login can reach; published as `acr_values_supported`. */
export const reachableAcrs: readonly string[] = [passwordAcr]

/** A session this browser holds, neither ended nor idle too long, of a user who may still act (I23). */
export interface LiveSession {
  readonly record: SessionRecord
  readonly user: UserRecord
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
  const user = await ports.store.findUserBySubject(record.issuer, record.subject)
  return user?.status === 'active' ? { record, user } : undefined
}
