import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer, request, type Server } from 'node:https'
import { createServer as createPlainServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { epochSeconds } from '@holdfast/protocol'
import { certificateThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import {
  type AccessEvent,
  createResourceServer,
  inMemoryReplayMemory,
  type ResourceServer,
} from '@holdfast/resource-server'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import { type TestFeed, testFeed } from '@holdfast/resource-server/test-feed.ts'
import {
  type TestIssuer,
  type TestKey,
  testIssuer,
  testKey,
  testProof,
} from '@holdfast/resource-server/testing.ts'
import {
  type DevelopmentCa,
  type KeptCertificate,
  openDevelopmentCa,
} from '@holdfast/server/tls/development-ca.ts'
import { evidenceKeyOf } from '../evidence.ts'
import { type Gateway, openGateway } from '../gateway.ts'
import type { GatewayOptions, ProtectedApi, RouteOptions, UpstreamOptions } from '../options.ts'

/** A gateway over TLS between a client and an API, with an issuer of a few lines; for the tests of this package. */
export interface Bed {
  readonly gateway: Gateway
  readonly origin: string
  readonly port: number
  readonly checkPort: number
  readonly issuer: TestIssuer
  /** What the issuer says of revocations; it beats by itself until `silence` is true. */
  readonly feed: TestFeed & { silence: boolean }
  readonly ca: DevelopmentCa
  readonly key: TestKey
  /** What the API does; a test may put its own here. */
  readonly api: {
    listener: RequestListener
    readonly server: Server
    readonly port: number
    readonly sdk: ResourceServer
  }
  /** Requests the API received. */
  readonly received: IncomingMessage[]
  readonly events: AccessEvent[]
  readonly apiEvents: AccessEvent[]
  readonly lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[]
  readonly clientCertificate: KeptCertificate
  readonly proxyCertificate: KeptCertificate
  /** A token the issuer knows, bound to `key` unless said otherwise. */
  readonly token: (claims?: Readonly<Record<string, unknown>>) => string
  readonly close: () => Promise<void>
}

export interface BedOptions {
  /** Whether the gateway only answers checks: another gateway is to stand at `port` and to ask. */
  readonly isBeside?: boolean
  /** Whether the identifier of the API is the URL of the gateway. */
  readonly isAtOrigin?: boolean
  readonly api?: Partial<ProtectedApi>
  readonly upstream?: Partial<UpstreamOptions>
  readonly routes?: readonly RouteOptions[]
  readonly options?: Partial<GatewayOptions>
}

/** The key that proxies without a certificate show to the check. */
export const checkKey = 'k'.repeat(43)

export const audience = 'https://bank.example'

const defaultRoutes: readonly RouteOptions[] = [
  {
    api: 'bank',
    methods: ['GET', 'HEAD'],
    path: '/accounts',
    scopes: ['accounts:read'],
    action: 'accounts.list',
  },
  { api: 'bank', methods: ['GET', 'DELETE'], path: '/accounts/{id}', scopes: ['accounts:read'] },
  { api: 'bank', methods: ['POST'], path: '/payments', scopes: ['payments:write'], acrValues: ['urn:mfa'] },
  { api: 'bank', methods: ['POST', 'PUT'], path: '/files/{rest...}', bodyBytesMax: 100_000 },
  { api: 'bank', methods: ['GET'], path: '/events' },
  { api: 'bank', methods: ['GET'], path: '/socket', webSocket: true },
  { api: 'bank', methods: ['GET'], path: '/rare', requestsPerMinute: 2 },
]

let minted = 0

export async function openBed({
  isAtOrigin = false,
  isBeside = false,
  api = {},
  upstream = {},
  routes,
  options = {},
}: BedOptions = {}): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), 'hf-gateway-'))
  const ca = await openDevelopmentCa(folder, systemClock.now())
  const [gatewayCertificate, clientCertificate, proxyCertificate] = await Promise.all([
    ca.clientCertificate('gateway', 'CN=gateway', 'issued'),
    ca.clientCertificate('client', 'CN=client', 'issued'),
    ca.clientCertificate('proxy', 'CN=proxy', 'issued'),
  ])
  const monotonicMs = options.clock?.monotonicMs ?? (() => performance.now())
  const feed = { ...testFeed('https://as.example', systemClock, monotonicMs), silence: false }
  const heart = setInterval(() => feed.silence || void feed.beat(), 200)
  const issuer = testIssuer({ issuer: 'https://as.example', audience, clock: systemClock, feed })
  const key = testKey('ES256')
  const received: IncomingMessage[] = []
  const events: AccessEvent[] = []
  const apiEvents: AccessEvent[] = []
  const lines: Bed['lines'] = []
  const log = (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
    void lines.push({ event, fields })
  const port = await freePort()
  const origin = `https://localhost:${port}`
  const evidenceKey = evidenceKeyOf(testKey('ES256').privateKey.export({ format: 'jwk' }) as never)
  const sdk = createResourceServer({
    ...{ issuer: issuer.issuer, audience, fetch: issuer.fetch },
    tokens: {
      gateway: {
        issuer: origin,
        audience: 'urn:bank',
        keys: [evidenceKey.publicJwk],
        peers: [isBeside ? proxyCertificate : gatewayCertificate].map(({ certPem }) => thumbprintOf(certPem)),
        splitTokens: true,
        // The key is new with every bed, so nothing was signed with it before.
        replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
      },
    },
    audit: event => void apiEvents.push(event),
  })
  const behind = await openApi(ca, received)
  const proxyThumbprint = thumbprintOf(proxyCertificate.certPem)
  const opening = openGateway({
    externalUrl: origin,
    ...(isBeside
      ? { check: { address: { host: '127.0.0.1', port: 0 }, callers: [proxyThumbprint], keys: [checkKey] } }
      : { address: { host: '127.0.0.1', port } }),
    tls: ca.server,
    issuer: issuer.issuer,
    introspection: {
      method: 'private_key_jwt',
      clientId: 'gateway',
      privateKey: testKey('ES256').privateKey,
      alg: 'ES256',
    },
    evidenceKey,
    apis: [
      {
        name: 'bank',
        audience: isAtOrigin ? origin : audience,
        evidenceAudience: 'urn:bank',
        ...(!isBeside && {
          upstream: {
            url: `https://localhost:${behind.port}`,
            caPem: ca.caPem,
            certPem: gatewayCertificate.certPem,
            keyPem: gatewayCertificate.keyPem,
            ...upstream,
          },
        }),
        ...api,
      },
    ],
    routes: routes ?? defaultRoutes,
    trustedProxies: [proxyThumbprint],
    audit: event => void events.push(event),
    log: { info: log, warn: log, error: log },
    explain: true,
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
    fetch: issuer.fetch,
    ...options,
  })
  const gateway = await opening.catch((cause: unknown) => {
    clearInterval(heart)
    behind.server.close()
    rmSync(folder, { recursive: true, force: true })
    throw cause
  })
  if (options.revocationFeed !== 'off') await feed.beat()
  return {
    checkPort: gateway.checkPort ?? 0,
    ...{ gateway, origin, port, issuer, feed, ca, key, received, events, apiEvents, lines },
    ...{ clientCertificate, proxyCertificate },
    api: Object.assign(behind, { sdk }),
    token: (claims = {}) => {
      const token = `at_test-${++minted}`
      const all = issuer.claims({
        cnf: { jkt: key.thumbprint },
        scope: 'accounts:read payments:write',
        ...claims,
      })
      issuer.introspection.set(token, { active: true, ...all })
      return token
    },
    close: async () => {
      clearInterval(heart)
      await gateway.close()
      behind.server.closeAllConnections()
      behind.server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function openApi(
  ca: DevelopmentCa,
  received: IncomingMessage[],
): Promise<{ listener: RequestListener; readonly server: Server; readonly port: number }> {
  const api = {
    listener: (incoming: IncomingMessage, response: ServerResponse): void => {
      incoming.resume()
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"from":"api"}')
    },
  }
  const server = createServer(
    {
      cert: ca.server.certPem,
      key: ca.server.keyPem,
      ca: ca.caPem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (incoming, response) => {
      received.push(incoming)
      api.listener(incoming, response)
    },
  )
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return Object.assign(api, { server, port: address.port })
}

export function thumbprintOf(certPem: string): string {
  return certificateThumbprint(new X509Certificate(certPem).raw)
}

export interface SendOptions {
  readonly method?: string
  readonly path?: string
  readonly token?: string
  /** Undefined: a good proof for this request; null: none. */
  readonly proof?: string | null
  readonly scheme?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  readonly certificate?: KeptCertificate
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

/** One request over a connection of its own. */
export async function send(bed: Bed, options: SendOptions = {}): Promise<Answer> {
  const response = await open(bed, options)
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const json = text.startsWith('{') ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {}
  return { status: response.statusCode ?? 0, headers: response.headers, text, json }
}

/** As `send`, but gives the answer before its body is read. */
export function open(bed: Bed, options: SendOptions = {}): Promise<IncomingMessage> {
  const { method = 'GET', path = '/accounts', body, certificate, headers = {} } = options
  return new Promise((done, fail) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: bed.port, servername: 'localhost', method, path, ca: bed.ca.caPem },
        agent: false,
        headers: { host: `localhost:${bed.port}`, ...credentials(bed, options), ...headers },
        ...(certificate && { cert: certificate.certPem, key: certificate.keyPem }),
      },
      done,
    )
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

/** `Authorization` and `DPoP` of a request. */
export function credentials(bed: Bed, options: SendOptions = {}): Record<string, string> {
  const { method = 'GET', path = '/accounts', token, scheme = 'DPoP', proof } = options
  if (token === undefined) return {}
  const made = proof === undefined ? proofFor(bed, { method, path, token }) : proof
  return { authorization: `${scheme} ${token}`, ...(made !== null && scheme === 'DPoP' && { dpop: made }) }
}

export function proofFor(
  bed: Bed,
  { method = 'GET', path = '/accounts', token = '' }: SendOptions,
  claims: Readonly<Record<string, unknown>> = {},
): string {
  const url = `${bed.origin}${path.split('?')[0]}`
  return testProof({ key: bed.key, method, url, token, now: systemClock.now(), claims })
}

/** Bytes to the gateway as they are, and all that comes back until it ends or `waitMs` passed. */
export async function raw(bed: Bed, bytes: string, waitMs = 1500): Promise<string> {
  const socket = await dial(bed)
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  await Promise.race([once(socket, 'close'), new Promise(resolve => setTimeout(resolve, waitMs))])
  socket.destroy()
  return text
}

export async function dial({ port, ca }: Bed): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: ca.caPem })
  await once(socket, 'secureConnect')
  return socket
}

export async function freePort(): Promise<number> {
  const server = createPlainServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
