import type { EpochSeconds } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { sourcePrefix } from '../interaction/attempts.ts'

/**
 * Pushed requests that were neither completed nor have expired, per client and in this process: a bound on what a
 * client can make us keep (threat model, limits), not a count to bill by. A restart begins at zero; of several nodes
 * each allows the maximum.
 */
export interface OutstandingRequests {
  /**
   * Counts one more, unless `max` are outstanding.
   * @returns 0 when it was counted, else the seconds until the next one expires
   */
  readonly take: (key: string, max: number, expiresAt: EpochSeconds, now: EpochSeconds) => number
  /** One of them was completed, or never came to be. */
  readonly release: (key: string) => void
}

/** Requests of one client by the second they expire at; no more of them than a request URI lives. */
interface Count {
  outstanding: number
  sweptAt: number
  readonly byExpiry: Map<number, number>
}

/** Clients, and sources of public clients, counted at one time; the one that pushed longest ago goes first. */
const keysMax = 50_000

const perProcess = new WeakMap<Ports['store'], OutstandingRequests>()

export function outstandingRequests({ store }: Ports): OutstandingRequests {
  const known = perProcess.get(store)
  if (known !== undefined) return known
  const made = countOutstanding()
  perProcess.set(store, made)
  return made
}

/**
 * Who is counted. Anybody can push in the name of a public client, so each source has its own count: nobody keeps the
 * users of an app out by pushing in its name.
 */
export function outstandingKey({ issuer, remoteAddress }: Exchange, { clientId, isPublic }: Client): string {
  return isPublic ? `${issuer.url} ${clientId} ${sourcePrefix(remoteAddress)}` : `${issuer.url} ${clientId}`
}

export function countOutstanding(): OutstandingRequests {
  const counts = new Map<string, Count>()
  const countOf = (key: string): Count => {
    const count = counts.get(key) ?? { outstanding: 0, sweptAt: 0, byExpiry: new Map<number, number>() }
    // Moved to the end: the map keeps the order of the last push.
    counts.delete(key)
    counts.set(key, count)
    if (counts.size > keysMax)
      for (const oldest of counts.keys()) {
        counts.delete(oldest)
        break
      }
    return count
  }
  return {
    take: (key, max, expiresAt, now) => {
      const count = countOf(key)
      if (count.sweptAt !== now) dropExpired(count, now)
      if (count.outstanding >= max) return Math.max(1, Math.min(...count.byExpiry.keys()) - now)
      count.outstanding += 1
      count.byExpiry.set(expiresAt, (count.byExpiry.get(expiresAt) ?? 0) + 1)
      return 0
    },
    release: key => {
      const count = counts.get(key)
      if (count !== undefined) dropOne(count)
    },
  }
}

function dropExpired(count: Count, now: EpochSeconds): void {
  count.sweptAt = now
  for (const [expiresAt, requests] of count.byExpiry)
    if (expiresAt <= now) {
      count.byExpiry.delete(expiresAt)
      count.outstanding -= requests
    }
}

/** Whichever was first: the count is what matters. */
function dropOne(count: Count): void {
  for (const [expiresAt, requests] of count.byExpiry) {
    if (requests === 1) count.byExpiry.delete(expiresAt)
    else count.byExpiry.set(expiresAt, requests - 1)
    count.outstanding -= 1
    return
  }
}
