import { once } from 'node:events'
import type { Server, ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { headersBytesMax, targetBytesMax } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import { askForCertificate, tlsFloor } from '@holdfast/protocol/wire/tls-floor.ts'
import type { GatewayLimits } from './limits.ts'
import type { GatewayOptions } from './options.ts'

/** How long requests under way may take to end when the gateway closes. */
const drainMs = 10_000

/** What every TLS listener of a gateway is opened with. */
export function listenerOptions(tls: GatewayOptions['tls'], limits: GatewayLimits): ServerOptions {
  return {
    ...tlsFloor,
    ...askForCertificate,
    cert: tls.certPem,
    key: tls.keyPem,
    // The exact limits are judged per request; beyond this the parser itself stops reading.
    maxHeaderSize: targetBytesMax + headersBytesMax + 1024,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(500, limits.headersTimeoutMs),
    handshakeTimeout: limits.headersTimeoutMs,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  }
}

const socketsOf = new WeakMap<object, Set<Socket>>()

/** Bounds a server; Node's own list does not hold connections that changed their protocol or never finished a handshake. */
export function bound(server: Server, { connectionsMax }: GatewayLimits): void {
  // Node would silently drop the headers over its count, and another request would be judged.
  server.maxHeadersCount = 0
  server.maxConnections = connectionsMax
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  socketsOf.set(server, sockets)
}

/** @returns the port */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  server.listen(port, host)
  await once(server, 'listening')
  const where = server.address()
  return typeof where === 'object' && where !== null ? where.port : port
}

/** Stops listening, waits for what is under way, then ends every connection. */
export async function closeServer(server: Server, state: { readonly inFlight: number }): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const end = performance.now() + drainMs
  while (state.inFlight > 0 && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 20))
  for (const socket of socketsOf.get(server) ?? []) socket.destroy()
  await closed
}
