import type { FeedStatus } from '@holdfast/resource-server'

/** Label sets per counter; what comes after is counted under `other`, so no input can grow the memory. */
const labelSetsMax = 2000

type Labels = Readonly<Record<string, string>>

const help: Readonly<Record<CounterName, string>> = {
  requests_total: 'Answered requests by route and status',
  refusals_total: 'Refusals by rule',
  spoofed_fields_total: 'Request fields that looked like an identity and were left behind',
  checks_repeated_total: 'Checks that a proxy asked again under the same id',
  upstream_failures_total: 'Requests that an upstream failed, by API and rule',
  clock_steps_total: 'Times the clock of the machine stepped by more than five seconds',
}

export type CounterName =
  | 'requests_total'
  | 'refusals_total'
  | 'spoofed_fields_total'
  | 'checks_repeated_total'
  | 'upstream_failures_total'
  | 'clock_steps_total'

/** Upper bounds of the duration histogram, seconds. */
const bounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counters, a histogram and a gauge; put into Prometheus' text form when somebody asks. */
export class Metrics {
  readonly #counts = new Map<CounterName, Map<string, number>>()
  readonly #buckets: number[] = bounds.map(() => 0)
  #seconds = 0
  #observed = 0
  readonly #inFlight: () => number

  readonly #feed: () => FeedStatus | undefined

  /** @param feed what is heard of revocations; undefined without a subscription */
  constructor(inFlight: () => number, feed: () => FeedStatus | undefined) {
    this.#inFlight = inFlight
    this.#feed = feed
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
    const feed = this.#feed()
    if (feed !== undefined) lines.push(...feedLines(feed))
    return `${lines.join('\n')}\n`
  }
}

function feedLines({ isTrusted, received, connections, propagation }: FeedStatus): readonly string[] {
  const { buckets, count, sumMs, maxMs } = propagation
  const one = (name: string, kind: 'counter' | 'gauge', text: string, value: number): readonly string[] => [
    `# HELP holdfast_gateway_${name} ${text}`,
    `# TYPE holdfast_gateway_${name} ${kind}`,
    `holdfast_gateway_${name} ${value}`,
  ]
  const propagated = 'holdfast_gateway_revocation_seconds'
  return [
    ...one(
      'revocation_feed_trusted',
      'gauge',
      'Whether remembered answers are believed: 1, or 0 while the feed is silent',
      Number(isTrusted),
    ),
    ...one('revocation_feed_connections_total', 'counter', 'Connections to the feed', connections),
    ...one('revocations_total', 'counter', 'Announcements heard, without repeats', received),
    `# HELP ${propagated} From the commit at the issuer to the refusal here, by the clocks of both`,
    `# TYPE ${propagated} histogram`,
    ...buckets.map(([atMostMs, sum]) => `${propagated}_bucket{le="${atMostMs / 1000}"} ${sum}`),
    `${propagated}_bucket{le="+Inf"} ${count}`,
    `${propagated}_sum ${sumMs / 1000}`,
    `${propagated}_count ${count}`,
    ...one('revocation_max_seconds', 'gauge', 'The longest of them since the start', maxMs / 1000),
  ]
}
