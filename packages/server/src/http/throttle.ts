/** A bucket that refills steadily: a burst of `perMinute`, then one each `60 / perMinute` seconds. */
interface Bucket {
  tokens: number
  at: number
  failedAt: number
}

/** Whatever it lost, a bucket is full again by then. */
const refillMs = 60_000

/** Sources remembered at one time; the one that failed longest ago is forgotten first. */
const bucketsMax = 50_000

/**
 * Counts failures by key and says when a key has had enough. Only failures cost memory, so honest traffic
 * costs a look-up. Lives in one process: it slows guessing down, it is never the only defence.
 */
export class Throttle {
  readonly #buckets = new Map<string, Bucket>()
  readonly #perMinute: number
  readonly #monotonicMs: () => number

  constructor(perMinute: number, monotonicMs: () => number) {
    this.#perMinute = perMinute
    this.#monotonicMs = monotonicMs
  }

  /** Whether `key` did not fail for so long that nothing is held against it. */
  isQuiet(key: string): boolean {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return true
    if (this.#monotonicMs() - bucket.failedAt < refillMs) return false
    this.#buckets.delete(key)
    return true
  }

  /** Seconds until `key` may try again; 0 when it may now. */
  waitSeconds(key: string): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined || this.isQuiet(key)) return 0
    this.#refill(bucket)
    return bucket.tokens >= 1 ? 0 : Math.max(1, Math.ceil(((1 - bucket.tokens) * 60) / this.#perMinute))
  }

  fail(key: string): void {
    const now = this.#monotonicMs()
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perMinute, at: now, failedAt: now }
    this.#refill(bucket)
    bucket.tokens = Math.max(0, bucket.tokens - 1)
    bucket.failedAt = now
    // Moved to the end: the map keeps the order of the last failure.
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size <= bucketsMax) return
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest)
      break
    }
  }

  #refill(bucket: Bucket): void {
    const now = this.#monotonicMs()
    const refilled = ((now - bucket.at) * this.#perMinute) / refillMs
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + refilled)
    bucket.at = now
  }
}
