/** Milliseconds from the commit of a revocation at the issuer to the moment this API refuses. */
export interface PropagationFigures {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly sumMs: number
  /** How many took at most so many milliseconds. */
  readonly buckets: readonly (readonly [atMostMs: number, count: number])[]
}

const samplesMax = 10_000
const bounds = [5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000]

/** The last ten thousand for the percentiles; the maximum and the buckets are of all. */
export class Propagation {
  readonly #samples: number[] = []
  readonly #buckets = bounds.map(() => 0)
  #count = 0
  #maxMs = 0
  #sumMs = 0

  /** @param ms below zero when the clocks of the two machines differ by more than the way took */
  add(ms: number): void {
    const taken = Math.max(0, ms)
    this.#samples[this.#count % samplesMax] = taken
    this.#count++
    this.#sumMs += taken
    this.#maxMs = Math.max(this.#maxMs, taken)
    for (const [index, bound] of bounds.entries())
      if (taken <= bound) this.#buckets[index] = (this.#buckets[index] ?? 0) + 1
  }

  figures(): PropagationFigures {
    const sorted = this.#samples.toSorted((one, other) => one - other)
    const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
    return {
      count: this.#count,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: this.#maxMs,
      sumMs: this.#sumMs,
      buckets: bounds.map((bound, index) => [bound, this.#buckets[index] ?? 0] as const),
    }
  }
}
