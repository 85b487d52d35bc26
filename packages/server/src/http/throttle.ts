/** A bucket that refills steadily: a burst of `perMinute`, then one each `60 / perMinute` seconds. */
interface Bucket {
  tokens: number
  at: number
}

/** Sources remembered at one time; the one that failed longest ago is forgotten first. */
const bucketsMax = 50_000

/**
 * Counts failures by key and says when a key has had enough. Only failures cost memory, so honest traffic
 * meets an empty map. Lives in one process: it slows guessing down, it is never the only defence.
 */
export class Throttle {
  readonly #buckets = new Map<string, Bucket>()
  readonly #perMinute: number
  readonly #monotonicMs: () => number

  constructor(perMinute: number, monotonicMs: () => number) {
    this.#perMinute = perMinute
    this.#monotonicMs = monotonicMs
  }

  get isIdle(): boolean {
    return this.#buckets.size === 0
  }

  /** Seconds until `key` may try again; 0 when it may now. */
  waitSeconds(key: string): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return 0
    this.#refill(bucket)
    if (bucket.tokens >= this.#perMinute) this.#buckets.delete(key)
    return bucket.tokens >= 1 ? 0 : Math.max(1, Math.ceil(((1 - bucket.tokens) * 60) / this.#perMinute))
  }

  fail(key: string): void {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perMinute, at: this.#monotonicMs() }
    this.#refill(bucket)
    bucket.tokens = Math.max(0, bucket.tokens - 1)
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
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + ((now - bucket.at) * this.#perMinute) / 60_000)
    bucket.at = now
  }
}
