import type { EpochSeconds } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'

/**
 * Tokens by whoever they were for, within an hour and in this process: a row that every token of a busy client writes
 * would cost more than what it tells. A restart begins at zero; each of several nodes counts what it minted.
 */
export interface Velocity {
  readonly count: (key: string, now: EpochSeconds) => void
  /** Within the last hour; of the hour before as much as still reaches into it. */
  readonly within: (key: string, now: EpochSeconds) => number
}

interface Count {
  hour: number
  tokens: number
  before: number
}

/** What is counted together. */
const hourSeconds = 3600
/** Owners counted at one time; the one that asked longest ago goes first. */
const keysMax = 50_000

const perProcess = new WeakMap<Ports['store'], Velocity>()

export function velocityOf({ store }: Pick<Ports, 'store'>): Velocity {
  const known = perProcess.get(store)
  if (known !== undefined) return known
  const made = openVelocity()
  perProcess.set(store, made)
  return made
}

export function openVelocity(): Velocity {
  const counts = new Map<string, Count>()
  return {
    count: (key, now) => {
      const hour = Math.floor(now / hourSeconds)
      const count = counts.get(key) ?? { hour, tokens: 0, before: 0 }
      // Moved to the end: the map keeps the order of the last token.
      counts.delete(key)
      counts.set(key, count)
      if (count.hour !== hour) {
        count.before = count.hour === hour - 1 ? count.tokens : 0
        count.tokens = 0
        count.hour = hour
      }
      count.tokens += 1
      if (counts.size <= keysMax) return
      for (const oldest of counts.keys()) {
        counts.delete(oldest)
        break
      }
    },
    within: (key, now) => {
      const count = counts.get(key)
      const hour = Math.floor(now / hourSeconds)
      const left = 1 - (now % hourSeconds) / hourSeconds
      if (count?.hour === hour) return Math.floor(count.tokens + count.before * left)
      return count?.hour === hour - 1 ? Math.floor(count.tokens * left) : 0
    },
  }
}
