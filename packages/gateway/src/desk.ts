import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, PublishedMetadata } from '@holdfast/resource-server'
import type { Route } from './apis.ts'
import type { EvidenceMaker } from './evidence.ts'
import type { GatewayLimits } from './limits.ts'
import type { LongConversations } from './long-conversations.ts'
import type { Metrics } from './metrics.ts'
import type { Log } from './ports.ts'
import type { Rate } from './rate.ts'
import type { RouteTable } from './route-table.ts'

/** A request as it is judged: one of our own listener, or one that another gateway asks about. */
export type Asked = Pick<IncomingMessage, 'rawHeaders' | 'httpVersion' | 'method' | 'url'>

/** What every request is worked on with. */
export interface Desk {
  readonly table: RouteTable<Route>
  /** Host and port clients may name, without the default port. */
  readonly authority: string
  /** Resource metadata by path, of the APIs whose identifier lies on this origin. */
  readonly metadata: ReadonlyMap<string, PublishedMetadata>
  readonly maker: EvidenceMaker
  readonly proxies: ReadonlySet<string>
  readonly limits: GatewayLimits
  readonly metrics: Metrics
  /** Refused credentials per source prefix. */
  readonly failures: Rate
  /** Accepted requests per client and route. */
  readonly calls: Rate
  readonly conversations: LongConversations
  readonly log: Log
  readonly explain: boolean
  readonly clock: Clock
  /** Unguessable ids, each given once. */
  readonly ids: () => string
  readonly state: { inFlight: number; isDraining: boolean }
}

/** What becomes known about one request, for the log. */
export interface Visit {
  /** Unguessable; what is shown to the client and stands in every record. */
  reference: string
  readonly startedMs: number
  readonly method: string
  address: string
  route: string | undefined
  path: string | undefined
  clientId: string | undefined
  ruleId: string | undefined
  spoofed: number
  bytesIn: number
  bytesOut: number
}

export function newVisit({ ids }: Desk, method: string): Visit {
  return {
    reference: ids(),
    startedMs: performance.now(),
    method,
    address: '',
    route: undefined,
    path: undefined,
    clientId: undefined,
    ruleId: undefined,
    spoofed: 0,
    bytesIn: 0,
    bytesOut: 0,
  }
}

/** A visit that is counted while it lasts, and concluded when its answer is through or its client has left. */
export function beginVisit(desk: Desk, { method }: IncomingMessage, response: ServerResponse): Visit {
  const visit = newVisit(desk, method ?? '')
  const { state } = desk
  state.inFlight++
  response.once('close', () => {
    state.inFlight--
    conclude(desk, visit, response.headersSent ? response.statusCode : 499)
  })
  response.on('error', () => undefined)
  if (state.isDraining) response.setHeader('connection', 'close')
  return visit
}

/** One line and three numbers per request. No query: it is the client's own and may hold anything. */
export function conclude({ log, metrics }: Desk, visit: Visit, status: number): void {
  const seconds = (performance.now() - visit.startedMs) / 1000
  const { reference, method, address, route, path, clientId, ruleId, spoofed, bytesIn, bytesOut } = visit
  metrics.count('requests_total', { route: route ?? 'none', status: String(status) })
  metrics.observe(seconds)
  if (ruleId !== undefined) metrics.count('refusals_total', { rule: ruleId })
  if (spoofed > 0) metrics.count('spoofed_fields_total', { route: route ?? 'none' }, spoofed)
  log.info('gateway.request', {
    ...{ reference, method, address, route, path, status, clientId, ruleId, spoofed, bytesIn, bytesOut },
    durationMs: Math.round(seconds * 1e5) / 100,
  })
}
