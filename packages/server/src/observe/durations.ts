const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10]

interface Series {
  /** Observations up to each bound, not cumulative; the last is everything above. */
  readonly counts: number[]
  sum: number
}

/**
 * A histogram by one label, whose values are few and never taken from input. Of our own because it is on every
 * request: a library's costs five times what the request's own bookkeeping does.
 */
export class Durations {
  readonly #name: string
  readonly #help: string
  readonly #label: string
  readonly #series = new Map<string, Series>()

  constructor(name: string, help: string, label: string) {
    this.#name = name
    this.#help = help
    this.#label = label
  }

  observe(value: string, seconds: number): void {
    let series = this.#series.get(value)
    if (series === undefined) {
      series = { counts: new Array<number>(buckets.length + 1).fill(0), sum: 0 }
      this.#series.set(value, series)
    }
    let index = 0
    while (index < buckets.length && seconds > (buckets[index] as number)) index++
    series.counts[index] = (series.counts[index] as number) + 1
    series.sum += seconds
  }

  /** Prometheus text exposition. */
  render(): string {
    const lines = [`# HELP ${this.#name} ${this.#help}`, `# TYPE ${this.#name} histogram`]
    for (const [value, { counts, sum }] of this.#series) {
      let total = 0
      counts.forEach((count, index) => {
        total += count
        lines.push(
          `${this.#name}_bucket{${this.#label}="${value}",le="${buckets[index] ?? '+Inf'}"} ${total}`,
        )
      })
      lines.push(
        `${this.#name}_sum{${this.#label}="${value}"} ${sum}`,
        `${this.#name}_count{${this.#label}="${value}"} ${total}`,
      )
    }
    return `${lines.join('\n')}\n`
  }
}
