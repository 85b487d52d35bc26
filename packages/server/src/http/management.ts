import { createServer, type Server, type ServerResponse } from 'node:http'
import { type Health, readiness } from '../observe/health.ts'
import type { OpenMetrics } from '../observe/metrics.ts'
import type { Ports } from '../ports.ts'

export interface ManagementOptions {
  readonly ports: Ports
  readonly metrics: OpenMetrics
  readonly issuerUrls: readonly string[]
  readonly isDraining: () => boolean
}

/** Liveness, readiness and metrics: plain HTTP, for loopback or an internal network, never for the internet. */
export function openManagementServer(options: ManagementOptions): Server {
  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000, maxHeaderSize: 8192 },
    (request, response) => {
      request.resume()
      response.on('error', () => undefined)
      answer(options, request.method ?? '', request.url ?? '', response).catch((thrown: unknown) => {
        options.ports.log.error('management.fault', { cause: thrown })
        if (!response.headersSent) write(response, 500, 'text/plain', 'broken\n')
      })
    },
  )
  server.maxConnections = 64
  return server
}

async function answer(
  options: ManagementOptions,
  method: string,
  url: string,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    write(response, 405, 'text/plain', 'method not allowed\n')
    return
  }
  switch (url) {
    case '/livez':
      write(response, 200, 'text/plain', 'ok\n')
      return
    case '/readyz':
      writeHealth(response, await readiness(options.ports, options.issuerUrls, options.isDraining()))
      return
    case '/metrics': {
      const { contentType, body } = await options.metrics.render()
      write(response, 200, contentType, body)
      return
    }
    default:
      write(response, 404, 'text/plain', 'not found\n')
  }
}

function writeHealth(response: ServerResponse, health: Health): void {
  const checks = Object.fromEntries(health.checks.map(({ name, ok }) => [name, ok]))
  write(
    response,
    health.ready ? 200 : 503,
    'application/json',
    JSON.stringify({ ready: health.ready, checks }),
  )
}

function write(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, {
    'content-type': contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
