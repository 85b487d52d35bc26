import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { MetricName, Metrics } from '../ports.ts'
import { Durations } from './durations.ts'

export interface OpenMetrics extends Metrics {
  /** How many there are now. Labels are written in our code, never taken from input. */
  readonly set: (name: GaugeName, labels: Readonly<Record<string, string>>, value: number) => void
  readonly observeDuration: (route: string, seconds: number) => void
  readonly observeEngine: (engine: string, seconds: number) => void
  /** Prometheus text exposition. */
  readonly render: () => Promise<{ readonly contentType: string; readonly body: string }>
}

export type GaugeName =
  | 'verifiers'
  | 'signing_key_age_seconds'
  | 'onboarding_due'
  | 'remote_engine_open'
  | 'certificate_lists'

interface CounterShape {
  readonly help: string
  readonly labels: readonly [] | readonly [string] | readonly [string, string]
}

const counters: Readonly<Record<MetricName, CounterShape>> = {
  requests_total: { help: 'Answered requests', labels: ['route', 'status'] },
  refusals_total: { help: 'Refusals by event and rule', labels: ['event', 'rule'] },
  tokens_issued_total: { help: 'Tokens issued', labels: ['grant_type'] },
  replays_detected_total: { help: 'Second presentations of one-time values', labels: ['rule'] },
  faults_total: { help: 'Requests that failed because the world or we broke', labels: ['code', 'route'] },
  logout_notices_total: { help: 'Back-channel logout notices by what became of them', labels: ['outcome'] },
  ciba_pings_total: { help: 'Pings of CIBA clients by what became of them', labels: ['outcome'] },
  key_events_total: { help: 'Promotions that wait, and roll-backs', labels: ['event'] },
  key_custody_failures_total: { help: 'Signatures that the custody of a key did not make', labels: [] },
  remote_engine_answers_total: {
    help: 'Questions to remote engines by what became of them',
    labels: ['engine', 'outcome'],
  },
  attribute_source_answers_total: {
    help: 'Questions to attribute sources by what became of them',
    labels: ['source', 'outcome'],
  },
  client_certificates_unchecked_total: {
    help: 'Client certificates that were believed though no list that still counts knows them',
    labels: [],
  },
  client_jwks_fetch_failures_total: { help: 'Client key sets that could not be fetched', labels: [] },
}

const gauges: Readonly<Record<GaugeName, CounterShape>> = {
  verifiers: { help: 'Live verifiers by how they stand to the published keys', labels: ['standing'] },
  signing_key_age_seconds: { help: 'How long the oldest key has signed, by algorithm', labels: ['alg'] },
  onboarding_due: {
    help: 'What of onboarded clients ends within 30 days or waits for somebody',
    labels: ['what'],
  },
  certificate_lists: { help: 'Lists of revoked client certificates by how they stand', labels: ['standing'] },
  remote_engine_open: { help: '1 while a remote engine is left alone', labels: ['engine'] },
}

/** Label sets per metric; what comes after is counted under `other`, so no input can grow the memory. */
const labelSetsMax = 500
const other = 'other'
const labelCharactersMax = 64

/** Counting is one map look-up on the request path; the exposition is put together when somebody scrapes. */
export function openMetrics(options: { readonly withProcess: boolean }): OpenMetrics {
  const registry = new Registry()
  if (options.withProcess) collectDefaultMetrics({ register: registry })
  const counts = new Map(
    (Object.keys(counters) as MetricName[]).map(name => [name, registerCounter(registry, name)] as const),
  )
  const levels = new Map(
    (Object.keys(gauges) as GaugeName[]).map(name => {
      const { help, labels } = gauges[name]
      const gauge = { name: `holdfast_${name}`, help, labelNames: [...labels], registers: [registry] }
      return [name, new Gauge(gauge)] as const
    }),
  )
  const durations = new Durations(
    'holdfast_request_duration_seconds',
    'From the read header section to the written reply',
    'route',
  )
  const engines = new Durations(
    'holdfast_remote_engine_duration_seconds',
    'From the question to its verdict, of those that were sent',
    'engine',
  )
  return {
    count: (name, labels = {}) => counts.get(name)?.(labels),
    set: (name, labels, value) => levels.get(name)?.set({ ...labels }, value),
    observeDuration: (route, seconds) => durations.observe(route, seconds),
    observeEngine: (engine, seconds) => engines.observe(engine, seconds),
    render: async () => ({
      contentType: registry.contentType,
      body: `${await registry.metrics()}\n${durations.render()}${engines.render()}`,
    }),
  }
}

interface Cell {
  readonly labels: Readonly<Record<string, string>>
  count: number
}

function registerCounter(registry: Registry, name: MetricName): (labels: Record<string, string>) => void {
  const { help, labels: labelNames } = counters[name]
  const [firstLabel = '', secondLabel = '']: readonly string[] = labelNames
  const cells: Cell[] = []
  // One value after the other: a key of both would be put together and hashed for each request.
  const cellsOf = new Map<string, Map<string, Cell>>()
  const newCell = (...values: readonly [first: string, second: string]): Cell => {
    const kept = labelNames.map((label, at) => [label, values[at]?.slice(0, labelCharactersMax)])
    const cell: Cell = { labels: Object.fromEntries(kept), count: 0 }
    cells.push(cell)
    const [first, second] = values
    cellsOf.set(first, (cellsOf.get(first) ?? new Map<string, Cell>()).set(second, cell))
    return cell
  }
  new Counter({
    name: `holdfast_${name}`,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset()
      for (const { labels, count } of cells) this.inc(labels, count)
    },
  })
  return labels => {
    const first = labels[firstLabel] ?? ''
    const second = labels[secondLabel] ?? ''
    let cell = cellsOf.get(first)?.get(second)
    if (cell === undefined && cells.length < labelSetsMax) cell = newCell(first, second)
    cell ??= cellsOf.get(other)?.get(other) ?? newCell(other, other)
    cell.count++
  }
}
