import type { Outbound, Ports } from '../../ports.ts'
import { type ClientKeySet, importKeySet } from './client-keys.ts'

/** A removed key stops verifying after this long; a fetch that fails may stretch it to `staleMsMax`. */
const freshMs = 10 * 60_000
const staleMsMax = 60 * 60_000
/** An unknown `kid` makes us ask again, but not more often than this, whoever sends it. */
const cooldownMs = 60_000
const limits = { bytesMax: 128 * 1024, timeoutMs: 3000 } as const
/** Key sets remembered; the one longest unused goes first. */
const setsMax = 10_000

interface Entry {
  set: ClientKeySet | undefined
  fetchedAtMs: number
  triedAtMs: number
  inFlight: Promise<void> | undefined
}

/** Key sets behind `jwks_uri`: cached, fetched once at a time, asked again at most once per cool-down. */
export interface RemoteKeySets {
  /**
   * @param isEnough whether a cached set answers the question; when not, it is fetched again if it may be
   * @returns undefined when there is none that is young enough
   */
  readonly find: (url: string, isEnough: (set: ClientKeySet) => boolean) => Promise<ClientKeySet | undefined>
}

/** A bundle may ask to be fetched more often, but neither faster than the cool-down nor more rarely than others. */
function freshFor({ refreshSeconds }: ClientKeySet): number {
  return refreshSeconds === undefined
    ? freshMs
    : Math.min(freshMs, Math.max(cooldownMs, refreshSeconds * 1000))
}

const perProcess = new WeakMap<Outbound, RemoteKeySets>()

export function remoteKeySets(ports: Ports): RemoteKeySets {
  const known = perProcess.get(ports.outbound)
  if (known !== undefined) return known
  const sets = openRemoteKeySets(ports)
  perProcess.set(ports.outbound, sets)
  return sets
}

function openRemoteKeySets({ outbound, clock, log, metrics }: Ports): RemoteKeySets {
  const entries = new Map<string, Entry>()

  const fetchInto = async (entry: Entry, url: string): Promise<void> => {
    entry.triedAtMs = clock.monotonicMs()
    try {
      entry.set = importKeySet(await outbound.getJson(url, limits))
      entry.fetchedAtMs = clock.monotonicMs()
    } catch (error) {
      metrics.count('client_jwks_fetch_failures_total')
      log.warn('client keys could not be fetched', { url, error: String(error) })
    } finally {
      entry.inFlight = undefined
    }
  }
  const entryOf = (url: string): Entry => {
    const known = entries.get(url)
    const entry = known ?? {
      set: undefined,
      fetchedAtMs: Number.NEGATIVE_INFINITY,
      triedAtMs: Number.NEGATIVE_INFINITY,
      inFlight: undefined,
    }
    entries.delete(url)
    entries.set(url, entry)
    const [oldest] = entries.keys()
    if (entries.size > setsMax && oldest !== undefined) entries.delete(oldest)
    return entry
  }

  return {
    find: async (url, isEnough) => {
      const entry = entryOf(url)
      const isFresh = entry.set !== undefined && clock.monotonicMs() - entry.fetchedAtMs < freshFor(entry.set)
      if (!isFresh || entry.set === undefined || !isEnough(entry.set)) {
        if (entry.inFlight === undefined && clock.monotonicMs() - entry.triedAtMs >= cooldownMs)
          entry.inFlight = fetchInto(entry, url)
        if (entry.inFlight !== undefined) await entry.inFlight
      }
      return clock.monotonicMs() - entry.fetchedAtMs <= staleMsMax ? entry.set : undefined
    },
  }
}
