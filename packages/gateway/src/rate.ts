/** Keys remembered at one time; the one that was counted longest ago is forgotten first. */
const keysMax = 50_000

interface Bucket {
  tokens: number
  at: number
}

/** A steady rate per key: a burst of `perMinute`, then one each `60 / perMinute` seconds. In this process only. */
export class Rate {
  readonly #buckets = new Map<string, Bucket>()
  readonly #monotonicMs: () => number

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** Seconds until `key` has room again; 0 when it has now. */
  waitSeconds(key: string, perMinute: number): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return 0
    const tokens = this.#tokensOf(bucket, perMinute)
    return tokens >= 1 ? 0 : Math.max(1, Math.ceil(((1 - tokens) * 60) / perMinute))
  }

  count(key: string, perMinute: number): void {
    const bucket = this.#buckets.get(key)
    const tokens = bucket === undefined ? perMinute : this.#tokensOf(bucket, perMinute)
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: Math.max(0, tokens - 1), at: this.#monotonicMs() })
    if (this.#buckets.size <= keysMax) return
    const oldest = this.#buckets.keys().next()
    if (!oldest.done) this.#buckets.delete(oldest.value)
  }

  #tokensOf({ tokens, at }: Bucket, perMinute: number): number {
    return Math.min(perMinute, tokens + ((this.#monotonicMs() - at) * perMinute) / 60_000)
  }
}
