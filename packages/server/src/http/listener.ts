import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import { askForCertificate, tlsFloor } from '../tls/server-options.ts'
import type { EdgeLimits } from './limits.ts'

export interface TlsIdentity {
  readonly certPem: string
  readonly keyPem: string
}

/** How often Node looks for connections that ran out of time. */
const connectionsCheckMs = 500

/** An HTTPS server with every time and size limit set; it is not listening yet. */
export function openTlsServer(
  listener: 'public' | 'mtls' | 'admin',
  tls: TlsIdentity,
  limits: EdgeLimits,
  onRequest: (raw: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      ...tlsFloor,
      ...(listener === 'public' ? {} : askForCertificate),
      cert: tls.certPem,
      key: tls.keyPem,
      // The exact limits are judged per request; beyond this the parser itself stops reading.
      maxHeaderSize: limits.urlBytesMax + limits.headersBytesMax + 1024,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(connectionsCheckMs, limits.headersTimeoutMs),
      insecureHTTPParser: false,
      requireHostHeader: true,
      handshakeTimeout: limits.headersTimeoutMs,
      noDelay: true,
    },
    onRequest,
  )
  // Node would silently drop the headers over its count, and a room would judge a different request.
  server.maxHeadersCount = 0
  server.maxConnections = limits.connectionsMax
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  socketsOf.set(server, sockets)
  return server
}

const socketsOf = new WeakMap<object, Set<Socket>>()

/** Ends every connection, also those that never finished their handshake, which Node's own list does not hold. */
export function cutConnections(server: object): void {
  for (const socket of socketsOf.get(server) ?? []) socket.destroy()
}
