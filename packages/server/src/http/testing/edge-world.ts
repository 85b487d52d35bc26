import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectPlain, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { defaultAuthenticationLevels, profiles, type SecurityProfile } from '@holdfast/protocol'
import { systemClock } from '../../clock.ts'
import { withoutRegistration } from '../../data/testing/world.ts'
import { openEntropy } from '../../entropy.ts'
import { type RunningServer, type ServerOptions, startServer } from '../../main.ts'
import type { Log, Passwords } from '../../ports.ts'
import { shipped } from '../../snapshot/compile-policies.ts'
import { defaultRiskRules } from '../../snapshot/risk-rules.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import { type CertificateRequest, type IssuedCertificate, issueCertificate } from '../../tls/issue.ts'
import type { Exchange, Reply } from '../exchange.ts'
import type { Route } from '../route.ts'

export interface EdgeWorld {
  readonly server: RunningServer
  readonly caPem: string
  readonly logged: readonly (readonly [level: string, event: string, fields: unknown])[]
  /** A whole raw request over TLS to the public listener; resolves with everything the server sent. */
  readonly raw: (text: string | Buffer, options?: RawOptions) => Promise<string>
  readonly open: (options?: RawOptions) => Promise<TLSSocket>
  readonly stop: () => Promise<void>
}

export interface RawOptions extends ConnectionOptions {
  readonly listener?: 'public' | 'mtls'
  /** How long to wait for the server to close, when the request does not ask it to. */
  readonly waitMs?: number
}

export interface EdgeWorldOptions extends Partial<ServerOptions> {
  readonly issuerUrl?: string
  readonly clients?: readonly Client[]
  readonly floor?: SecurityProfile
  readonly clientTrustAnchors?: readonly string[]
}

export const edgeIssuer = 'https://as.example'

/** An edge on real sockets, in memory, with rooms of the test's choosing. */
export async function openEdgeWorld(
  routes: readonly Route[] | undefined,
  options: EdgeWorldOptions = {},
): Promise<EdgeWorld> {
  const { issuerUrl = edgeIssuer, clients = [], floor, clientTrustAnchors = [], ...rest } = options
  const { ca, server: identity } = await identities()
  const logged: [string, string, unknown][] = []
  const store = options.store ?? (await openSqliteStore({ path: ':memory:', clock: systemClock }))
  const issuer = issuerOf(issuerUrl, clients, floor, clientTrustAnchors)
  const snapshot = { revision: 1, issuers: new Map([[issuer.url, issuer]]) }
  const server = await startServer({
    issuerUrls: [issuer.url],
    listeners: { public: anyPort, mtls: anyPort, management: anyPort },
    tls: identity,
    store,
    snapshot: () => snapshot,
    refreshSnapshot: async () => {},
    keyEncryptionKey: Buffer.alloc(32, 7),
    passwords: noPasswords,
    log: logInto(logged),
    drainMs: 1000,
    ...(routes !== undefined && { routes }),
    ...rest,
  })
  const open = (how: RawOptions = {}): Promise<TLSSocket> =>
    openTls({ ca: ca.certPem, port: server.listening[how.listener ?? 'public'], ...how })
  return {
    server,
    caPem: ca.certPem,
    logged,
    open,
    raw: async (text, how = {}) => {
      const socket = await open(how)
      socket.write(text)
      return readAll(socket, how.waitMs ?? 3000)
    },
    stop: async () => {
      await server.close()
      if (options.store === undefined) await store.close()
    },
  }
}

const anyPort = { host: '127.0.0.1', port: 0 }
const noPasswords: Passwords = {
  verify: async () => false,
  hash: async () => '',
  verifyNothing: async () => false,
}

function logInto(lines: [string, string, unknown][]): Log {
  const at =
    (level: string): Log['info'] =>
    (event, fields) =>
      void lines.push([level, event, fields])
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

function issuerOf(
  url: string,
  clients: readonly Client[],
  floor: SecurityProfile | undefined,
  clientTrustAnchors: readonly string[],
): IssuerSnapshot {
  const fapi = profiles.get('fapi2-security') as SecurityProfile
  return {
    url,
    mtlsUrl: url.replace('https://', 'https://mtls.'),
    tenantId: 'tenant-1',
    environment: 'production',
    floor: floor ?? fapi,
    clients: new Map(clients.map(client => [client.clientId, client])),
    resourceServers: new Map(),
    scopes: new Map(),
    detailTypes: new Map(),
    effectiveProfile: client => ({ ok: true, value: client.profile }),
    clientTrustAnchors,
    authenticationLevels: defaultAuthenticationLevels,
    attesters: new Map(),
    decisionPoint: undefined,
    attributeSources: new Map(),
    identityProviders: new Map(),
    trustedIssuers: new Map(),
    policies: shipped(),
    ...withoutRegistration,
    scopeEndings: [],
    risk: defaultRiskRules,
    onboardingEndings: [],
    spiffeTrustDomains: new Map(),
    clientOfSpiffeId: () => undefined,
  }
}

export interface Identities {
  readonly ca: IssuedCertificate
  readonly server: IssuedCertificate
}

let made: Promise<Identities> | undefined

/** One authority and server certificate per test process: an RSA key is slow to find. */
export function identities(): Promise<Identities> {
  made ??= makeIdentities()
  return made
}

async function makeIdentities(): Promise<Identities> {
  const ca = await newCertificate({ subject: 'CN=Test CA', key: 'ecdsa', purpose: 'authority', days: 10 })
  const names = { dns: ['localhost'], ip: ['127.0.0.1', '::1'] }
  const server = await newCertificate({
    subject: 'CN=localhost',
    key: 'rsa',
    purpose: 'server',
    days: 5,
    issuer: ca,
    names,
  })
  return { ca, server }
}

export function newCertificate(request: CertificateRequest): Promise<IssuedCertificate> {
  return issueCertificate(request, systemClock.now(), openEntropy())
}

function openTls(options: ConnectionOptions & { port: number }): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', ...options })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** All a server sends until it closes, or until `waitMs` of patience. */
export function readAll(socket: Socket, waitMs: number): Promise<string> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(chunks).toString('latin1'))
    }
    const timer = setTimeout(done, waitMs)
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('error', done)
    socket.on('close', done)
  })
}

export function openPlain(port: number): Socket {
  return connectPlain(port, '127.0.0.1')
}

export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1] ?? 0)
}

export function headerOf(response: string, name: string): string | undefined {
  const head = response.split('\r\n\r\n')[0] ?? ''
  const line = head.split('\r\n').find(one => one.toLowerCase().startsWith(`${name}:`))
  return line?.slice(name.length + 1).trim()
}

export function bodyOf(response: string): string {
  return response.slice(response.indexOf('\r\n\r\n') + 4)
}

/** A request that closes its connection, so that `raw` need not wait. */
export function request(line: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  return [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, ...length, '', body].join(
    '\r\n',
  )
}

export const formHeader = 'Content-Type: application/x-www-form-urlencoded'

/** A room that says what it saw. */
export async function mirror(exchange: Exchange): Promise<Reply> {
  const seen = {
    method: exchange.method,
    path: exchange.path,
    query: exchange.query,
    externalUrl: exchange.externalUrl,
    listener: exchange.listener,
    remoteAddress: exchange.remoteAddress,
    thumbprint: exchange.peerCertificate?.thumbprint,
    body: exchange.body.length,
    params: exchange.params,
    requestId: exchange.requestId,
  }
  return { status: 200, headers: [['content-type', 'application/json']], body: JSON.stringify(seen) }
}

export function routeTo(room: Route['room'], change: Partial<Route> = {}): Route {
  return {
    method: 'POST',
    path: '/token',
    room,
    bodyBytesMax: 32 * 1024,
    form: 'required',
    cors: 'clients',
    dialect: 'json',
    countsFailures: true,
    ...change,
  }
}

/** A folder that is gone after `use`. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
