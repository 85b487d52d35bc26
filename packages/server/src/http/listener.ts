import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
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
  listener: 'public' | 'mtls',
  tls: TlsIdentity,
  limits: EdgeLimits,
  onRequest: (raw: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      ...tlsFloor,
      ...(listener === 'mtls' ? askForCertificate : {}),
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
      noDelay: true,
    },
    onRequest,
  )
  // Node would silently drop the headers over its count, and a room would judge a different request.
  server.maxHeadersCount = 0
  server.maxConnections = limits.connectionsMax
  return server
}
