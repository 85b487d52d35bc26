import type { Refusal } from '@holdfast/protocol'

/** What the gateway itself answers, when it is not the SDK that refuses. */
export interface GatewayAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** HTTP statuses of the gateway's own rules; what is not here is 400. */
const statuses: Readonly<Record<string, number>> = {
  'gateway.target-size': 414,
  'gateway.route': 404,
  'gateway.route-method': 405,
  'gateway.method': 405,
  'gateway.version': 505,
  'gateway.headers': 431,
  'gateway.host': 421,
  'gateway.content-encoding': 415,
  'gateway.expect': 417,
  'gateway.body-size': 413,
  'gateway.rate': 429,
  'gateway.failures': 429,
  'gateway.busy': 503,
  'check.caller': 403,
  'check.path': 404,
  'gateway.upstream-busy': 503,
  'gateway.phantom': 503,
  'gateway.upstream-slow': 504,
  'gateway.upstream-gone': 502,
  'gateway.upstream-broken': 502,
}

/** Refusals of requests that were understood: their connection may go on. */
const staying: ReadonlySet<string> = new Set([
  'gateway.route',
  'gateway.route-method',
  'gateway.rate',
  'gateway.failures',
  'gateway.busy',
  'gateway.upstream-busy',
  'gateway.phantom',
  'gateway.upstream-slow',
  'gateway.upstream-gone',
  'gateway.upstream-broken',
])

export interface RefusedContext {
  readonly reference: string
  readonly explain: boolean
  readonly more?: GatewayAnswer['headers']
}

export function answerOf(refusal: Refusal, { reference, explain, more = [] }: RefusedContext): GatewayAnswer {
  const { error, ruleId, clauses, reason } = refusal
  const status = statuses[ruleId] ?? 400
  // Whoever is not understood is not listened to further: the next bytes may be part of the same trick.
  const isLast = !staying.has(ruleId)
  const retry = status === 503 && !more.some(([name]) => name === 'retry-after')
  return {
    status,
    headers: [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
      ['x-content-type-options', 'nosniff'],
      ...(retry ? [['retry-after', '1'] as const] : []),
      ...(isLast ? [['connection', 'close'] as const] : []),
      ...more,
    ],
    body: JSON.stringify({ error, reference, ...(explain && { rule: ruleId, clauses, reason }) }),
  }
}
