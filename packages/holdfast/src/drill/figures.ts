export interface Figures {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Percentiles by rank, to a tenth of a millisecond. */
export function figuresOf(list: readonly number[]): Figures {
  const sorted = list.toSorted((one, other) => one - other)
  const at = (share: number): number =>
    Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 10) / 10
  return { count: list.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}
