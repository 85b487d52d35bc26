import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Desk } from './desk.ts'

export interface Management {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Liveness, readiness and metrics: plain HTTP, for loopback or an internal network, never for the internet. */
export async function openManagement(
  address: { readonly host: string; readonly port: number },
  { metrics, state }: Desk,
  isReady: () => Promise<boolean>,
): Promise<Management> {
  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000, maxHeaderSize: 8192 },
    async (request, response) => {
      request.resume()
      const answer = async (): Promise<readonly [status: number, body: string]> => {
        if (request.method !== 'GET') return [405, 'method not allowed\n']
        if (request.url === '/livez') return [200, 'ok\n']
        if (request.url === '/metrics') return [200, metrics.render()]
        if (request.url !== '/readyz') return [404, 'not found\n']
        return !state.isDraining && (await isReady()) ? [200, 'ready\n'] : [503, 'not ready\n']
      }
      const [status, body] = await answer()
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4', 'cache-control': 'no-store' })
      response.end(body)
    },
  )
  server.maxConnections = 64
  server.listen(address.port, address.host)
  await once(server, 'listening')
  const where = server.address()
  return {
    port: typeof where === 'object' && where !== null ? where.port : address.port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
