/** Label sets per counter; what comes after is counted under `other`, so no input can grow the memory. */
const labelSetsMax = 2000

type Labels = Readonly<Record<string, string>>

const help: Readonly<Record<CounterName, string>> = {
  requests_total: 'Answered requests by route and status',
  refusals_total: 'Refusals by rule',
  spoofed_fields_total: 'Request fields that looked like an identity and were left behind',
  checks_repeated_total: 'Checks that a proxy asked again under the same id',
  upstream_failures_total: 'Requests that an upstream failed, by API and rule',
}

export type CounterName =
  | 'requests_total'
  | 'refusals_total'
  | 'spoofed_fields_total'
  | 'checks_repeated_total'
  | 'upstream_failures_total'

/** Upper bounds of the duration histogram, seconds. */
const bounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counters, a histogram and a gauge; put into Prometheus' text form when somebody asks. */
export class Metrics {
  readonly #counts = new Map<CounterName, Map<string, number>>()
  readonly #buckets: number[] = bounds.map(() => 0)
  #seconds = 0
  #observed = 0
  readonly #inFlight: () => number

  constructor(inFlight: () => number) {
    this.#inFlight = inFlight
  }

  count(name: CounterName, labels: Labels, by = 1): void {
    const cells = this.#counts.get(name) ?? new Map<string, number>()
    this.#counts.set(name, cells)
    const text = Object.entries(labels)
      .map(([label, value]) => `${label}="${value.replace(/[\\"\n]/g, '_').slice(0, 120)}"`)
      .join(',')
    const key = cells.has(text) || cells.size < labelSetsMax ? text : 'other="true"'
    cells.set(key, (cells.get(key) ?? 0) + by)
  }

  observe(seconds: number): void {
    this.#seconds += seconds
    this.#observed++
    const place = bounds.findIndex(bound => seconds <= bound)
    if (place !== -1) this.#buckets[place] = (this.#buckets[place] ?? 0) + 1
  }

  render(): string {
    const lines: string[] = []
    for (const [name, cells] of this.#counts) {
      lines.push(`# HELP holdfast_gateway_${name} ${help[name]}`, `# TYPE holdfast_gateway_${name} counter`)
      for (const [labels, value] of cells) lines.push(`holdfast_gateway_${name}{${labels}} ${value}`)
    }
    const duration = 'holdfast_gateway_request_seconds'
    lines.push(
      `# HELP ${duration} From the header section to the end of the answer`,
      `# TYPE ${duration} histogram`,
    )
    let sum = 0
    for (const [index, bound] of bounds.entries()) {
      sum += this.#buckets[index] ?? 0
      lines.push(`${duration}_bucket{le="${bound}"} ${sum}`)
    }
    lines.push(`${duration}_bucket{le="+Inf"} ${this.#observed}`)
    lines.push(`${duration}_sum ${this.#seconds}`, `${duration}_count ${this.#observed}`)
    lines.push(
      '# HELP holdfast_gateway_in_flight Requests under way',
      '# TYPE holdfast_gateway_in_flight gauge',
    )
    lines.push(`holdfast_gateway_in_flight ${this.#inFlight()}`)
    return `${lines.join('\n')}\n`
  }
}
