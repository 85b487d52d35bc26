import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'

export type Remembered = 'first' | 'seen' | 'full'

/**
 * Remembers which proofs were used (I4). Bring one that all nodes share when there is more than one node.
 * Anything but `first` refuses the request; a throw does too.
 */
export interface ReplayMemory {
  /**
   * Notes `key` until `expiresAt`, atomically: of any number of callers with one key, one hears `first`.
   * @param key digest of what identifies the proof
   */
  readonly remember: (
    key: string,
    expiresAt: EpochSeconds,
    now: EpochSeconds,
  ) => Remembered | Promise<Remembered>
  /**
   * Since when nothing was forgotten. Proofs that may be older must show a nonce of ours, which proves them younger.
   * A memory that outlives the process says 0. May rise while the process runs, when the memory was emptied.
   */
  readonly completeSince: EpochSeconds
  /** Name of this life of a memory that may be emptied: nonces of another life are not current. */
  readonly epoch?: string
}

export interface InMemoryReplayOptions {
  /** When this process began to remember. */
  readonly completeSince: EpochSeconds
  /** Most live proofs; beyond it every proof is refused until some expire. */
  readonly entriesMax?: number
}

/** Width of a bucket; a whole bucket is dropped at once when its time has passed. */
const bucketSeconds = 30

/**
 * For one node: bounded, and full means no. About 100 bytes an entry. After the clock stepped back it says `full` for
 * proofs it may have forgotten, until time has caught up or the process starts anew.
 */
export function inMemoryReplayMemory(options: InMemoryReplayOptions): ReplayMemory {
  const { completeSince, entriesMax = 262_144 } = options
  const buckets = new Map<number, Set<string>>()
  let size = 0
  /** Every proof that expires by then may have been seen and dropped, also when the clock says it is earlier again. */
  let droppedBy = 0
  let sweptAt: number | undefined

  const dropExpired = (now: EpochSeconds): void => {
    if (now === sweptAt) return
    sweptAt = now
    for (const [number, bucket] of buckets)
      if ((number + 1) * bucketSeconds <= now) {
        buckets.delete(number)
        droppedBy = Math.max(droppedBy, (number + 1) * bucketSeconds)
        size -= bucket.size
      }
  }

  return {
    completeSince: epochSeconds(completeSince),
    remember: (key, expiresAt, now) => {
      dropExpired(now)
      const number = Math.floor(expiresAt / bucketSeconds)
      for (const [other, bucket] of buckets) if (other !== number && bucket.has(key)) return 'seen'
      const own = buckets.get(number)
      if (size >= entriesMax || expiresAt < droppedBy) return own?.has(key) === true ? 'seen' : 'full'
      // One look-up both asks and notes: a set that did not grow had the key.
      if (own === undefined) buckets.set(number, new Set([key]))
      else if (own.size === own.add(key).size) return 'seen'
      size++
      return 'first'
    },
  }
}
