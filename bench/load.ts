import { Pool } from 'undici'

/** One prepared request; everything costly was done before the clock started. */
export interface PreparedRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface LoadResult {
  readonly statuses: ReadonlyMap<number, number>
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Body of the last answer, to look at when statuses surprise. */
  readonly lastBody: string
}

/** @param shown certificate and key in PEM, for a listener that asks */
export function openPool(
  origin: string,
  connections: number,
  shown: { readonly cert?: string; readonly key?: string } = {},
): Pool {
  return new Pool(origin, { connections, pipelining: 1, connect: { rejectUnauthorized: false, ...shown } })
}

/** Sends every request once over `connections` kept-alive connections; bounded by the list. */
export async function sendAll(
  pool: Pool,
  requests: readonly PreparedRequest[],
  connections: number,
): Promise<LoadResult> {
  const statuses = new Map<number, number>()
  const latencies: number[] = []
  let next = 0
  let lastBody = ''
  const started = performance.now()
  const worker = async (): Promise<void> => {
    for (let index = next++; index < requests.length; index = next++) {
      const request = requests[index]
      if (request === undefined) return
      const sent = performance.now()
      const { statusCode, body } = await pool.request(request)
      lastBody = await body.text()
      latencies.push(performance.now() - sent)
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - started) / 1000
  const sorted = latencies.toSorted((left, right) => left - right)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { statuses, seconds, p50Ms: at(0.5), p99Ms: at(0.99), lastBody }
}
