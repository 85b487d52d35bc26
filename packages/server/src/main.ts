import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type Connection, openConnections } from './attributes/connections.ts'
import { openAttributeSources } from './attributes/open.ts'
import { systemClock } from './clock.ts'
import { openCourier } from './data/logout/courier.ts'
import { type Geography, noGeography } from './data/risk/geography.ts'
import { routes as allRoutes } from './data/routes.ts'
import { openEntropy } from './entropy.ts'
import { Deadlines } from './http/deadlines.ts'
import { buildEdge } from './http/edge.ts'
import { openFailures } from './http/failures.ts'
import { Gathering } from './http/gathering.ts'
import { InFlight } from './http/in-flight.ts'
import { defaultLimits, type EdgeLimits, loosenedLimits } from './http/limits.ts'
import { cutConnections, openTlsServer, type TlsIdentity } from './http/listener.ts'
import { openManagementServer } from './http/management.ts'
import type { Route } from './http/route.ts'
import type { Desk } from './http/serve.ts'
import { clientAddressBehind } from './http/trusted-proxies.ts'
import type { KeyCustody } from './keys/custody/key-custody.ts'
import { softwareCustody } from './keys/custody/software.ts'
import type { KeyTimes } from './keys/life.ts'
import { openRing, type Ring } from './keys/ring.ts'
import { standingOf } from './keys/standing.ts'
import { watchClock } from './observe/clock-watch.ts'
import { type OpenMetrics, openMetrics } from './observe/metrics.ts'
import { openOutbound } from './outbound/client.ts'
import {
  type CertificateLists,
  type Clock,
  type Entropy,
  type Log,
  type Metrics,
  noCertificateLists,
  type Outbound,
  type Passwords,
  type Ports,
} from './ports.ts'
import { openRemoteEngines, type RemoteEngine } from './remote-engines/open.ts'
import type { Snapshot } from './snapshot/snapshot.ts'
import { keptCurrent } from './snapshot/snapshot-at.ts'
import type { Store } from './store/store.ts'

/** Where a listener stands. Port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Where administrators come in, with tokens of one of the issuers. */
export interface AdminListener {
  readonly address: ListenAddress
  /** Origin by which it is reached; also the resource identifier of the admin API. */
  readonly url: string
  /** Whose tokens are good there. */
  readonly issuerUrl: string
  /** The table, made when the keys are open: they are administered there too. */
  readonly routes: (keys: RunningServer['keys'], outbound: Outbound) => readonly Route[]
}

/** Everything a server is made of, parsed and opened by whoever starts it. */
export interface ServerOptions {
  /** Issuers of this process; each must stand in every snapshot. */
  readonly issuerUrls: readonly string[]
  readonly listeners: {
    readonly public: ListenAddress
    readonly mtls: ListenAddress
    /** Plain HTTP; keep it on loopback or an internal network. */
    readonly management: ListenAddress | undefined
  }
  /** The listener of administrators; undefined: there is none. */
  readonly admin?: AdminListener
  readonly tls: TlsIdentity
  /** Stays the caller's: `close` of the server does not close it. */
  readonly store: Store
  /** The revision being served; called for every request, so it must be a mere read. */
  readonly snapshot: () => Snapshot
  /** Looks for a newer revision now: a client that registers itself is served when it is answered. */
  readonly refreshSnapshot: () => Promise<void>
  /** At least 32 random bytes, kept outside the store. */
  readonly keyEncryptionKey: Buffer
  /** Where new signing keys lie; sealed in the store unless told otherwise. */
  readonly keyCustody?: KeyCustody
  /** Stations of a signing key's life; three months of signing unless told otherwise. */
  readonly keyTimes?: KeyTimes
  /** Stays the caller's. */
  readonly passwords: Passwords
  readonly log: Log
  /** Where addresses are; nobody knows by default. */
  readonly geography?: Geography
  /** What authorities say of client certificates; nobody looks by default. */
  readonly certificateLists?: CertificateLists
  /** Addresses or prefixes whose `X-Forwarded-For` is believed; nobody's by default. */
  readonly trustedProxies?: readonly string[]
  readonly limits?: Partial<EdgeLimits>
  /** How long `close` waits for requests in rooms. */
  readonly drainMs?: number
  readonly clock?: Clock
  readonly entropy?: Entropy
  readonly outbound?: Outbound
  /** That policies may ask by name. */
  readonly remoteEngines?: readonly RemoteEngine[]
  /** That attribute sources may name. */
  readonly connections?: readonly Connection[]
  /** The table that is served; all of it unless a test wants less. */
  readonly routes?: readonly Route[]
}

export interface RunningServer {
  /** The ports really taken; `management` is undefined without that listener. */
  readonly listening: {
    readonly public: number
    readonly mtls: number
    readonly management: number | undefined
    readonly admin: number | undefined
  }
  readonly ports: Ports
  /** To list, rotate and take back signing keys, and to seal secrets. */
  readonly keys: Pick<Ring, 'list' | 'verifiers' | 'rotate' | 'revoke' | 'seal'>
  readonly metrics: Pick<OpenMetrics, 'set'>
  /** Stop accepting, let requests in rooms finish, close connections. */
  readonly close: () => Promise<void>
}

const defaultDrainMs = 10_000
/** How often spent and expired rows are swept, and how many of a table in one go. */
const sweepMs = 5000
const sweepRowsMax = 1000
/** How often keys that other nodes made or took back are seen: a compromised one is out within ten seconds (I33). */
const keyRefreshMs = 3000

/**
 * Open the keys, put the ports together, listen. Ready when it resolves: both TLS listeners answer, and every
 * algorithm in the published metadata has its key.
 * @throws Fault when the store, the key-encryption key or an address does not serve
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { issuerUrls, log, passwords, store, refreshSnapshot } = options
  const clock = options.clock ?? systemClock
  const snapshot = keptCurrent(options.snapshot, clock)
  const entropy = options.entropy ?? openEntropy()
  const limits = { ...defaultLimits, ...options.limits }
  const loosened = loosenedLimits(limits)
  if (loosened.length > 0) log.warn('limits.loosened', { limits: loosened })

  const metrics = openMetrics({ withProcess: true })
  const ownOutbound = options.outbound === undefined ? openOutbound() : undefined
  const outbound = options.outbound ?? (ownOutbound as Outbound)
  let isOver = false
  const keys = await openKeys(options, clock, entropy, metrics, () => isOver)
  const remoteEngines = await openRemoteEngines(options.remoteEngines ?? [], { clock, log, metrics })
  const connections = await openConnections(options.connections ?? [])
  const attributeSources = openAttributeSources({ clock, store, connections, log, metrics })
  const ports: Ports = {
    ...{ clock, entropy, store, keys, outbound, passwords, log, metrics, snapshot, refreshSnapshot },
    geography: options.geography ?? noGeography,
    certificateLists: options.certificateLists ?? noCertificateLists,
    ...{ remoteEngines, attributeSources },
  }

  const inFlight = new InFlight(limits.inFlightMax)
  const deadlines = new Deadlines(limits.handlerTimeoutMs, clock.monotonicMs)
  const failures = openFailures(limits, clock.monotonicMs)
  const clientAddress = clientAddressBehind(options.trustedProxies ?? [])
  const gathering = new Gathering()
  const { observeDuration } = metrics
  const desk = { ports, limits, failures, clientAddress, inFlight, deadlines, gathering, observeDuration }
  const edges = {
    public: edgeOf(options, { ...desk, listener: 'public' }),
    mtls: edgeOf(options, { ...desk, listener: 'mtls' }),
    ...(options.admin !== undefined && { admin: adminEdgeOf(options, options.admin, keys, desk) }),
  }
  const management = openManagementServer({
    ports,
    metrics,
    issuerUrls,
    isDraining: () => inFlight.isDraining,
  })
  const closeServers = async (): Promise<void> => {
    isOver = true
    const closed = Promise.all(Object.values(edges).map(edge => edge.close()))
    await inFlight.drain(options.drainMs ?? defaultDrainMs)
    for (const edge of Object.values(edges)) cutConnections(edge.server)
    await closed
    management.close()
    management.closeAllConnections()
    await Promise.all([ownOutbound?.close(), remoteEngines.close(), connections.close()])
  }
  const listening = await listenAll(edges, management, options).catch(async (thrown: unknown) => {
    // What already listens would keep a process alive that failed to start.
    await closeServers()
    throw thrown
  })
  const stopHousekeeping = keepHouse(ports, keys, issuerUrls, metrics)
  const stopCourier = openCourier(ports).start()
  log.info('server.listening', { ...listening, issuers: issuerUrls })

  const close = async (): Promise<void> => {
    stopHousekeeping()
    const couriered = stopCourier()
    await closeServers()
    await couriered
    log.info('server.closed')
  }
  return { listening, ports, keys, metrics, close }
}

/** How long a first start waits for RSA keys before it goes on without their algorithms. */
const rsaPatienceMs = 800

async function openKeys(
  options: ServerOptions,
  clock: Clock,
  entropy: Entropy,
  metrics: Metrics,
  isOver: () => boolean,
): Promise<Ring> {
  const { store, log } = options
  const custody = softwareCustody(options.keyEncryptionKey, entropy)
  const ring = await openRing({
    store,
    custody,
    clock,
    entropy,
    log,
    metrics,
    ...(options.keyCustody !== undefined && { keyCustody: options.keyCustody }),
    ...(options.keyTimes !== undefined && { times: options.keyTimes }),
    // Read anew each time: a revision may give an issuer another floor.
    issuers: options.issuerUrls.map(url => ({
      url,
      get algs() {
        return options.snapshot().issuers.get(url)?.floor.signingAlgs ?? []
      },
    })),
  })
  const patience = new Promise<void>(resolve => setTimeout(resolve, rsaPatienceMs).unref())
  const complete = ring.whenComplete.catch((thrown: unknown) => {
    // A server that stops closes the store under the keys it was still making.
    if (!isOver()) log.error('keys.incomplete', { cause: thrown })
  })
  await Promise.race([complete, patience])
  return ring
}

function edgeOf(options: ServerOptions, desk: Desk & { listener: 'public' | 'mtls' }): FastifyInstance {
  const { issuerUrls, tls, routes = allRoutes } = options
  const openServer = (onRequest: RequestListener): Server =>
    openTlsServer(desk.listener, tls, desk.limits, onRequest)
  return buildEdge({ desk, routes, issuerUrls, openServer })
}

/** Names of documents stand in its paths, and an escape of each character may stand for it. */
const adminParamCharactersMax = 3 * 128

function adminEdgeOf(
  { tls }: ServerOptions,
  { url, issuerUrl, routes }: AdminListener,
  keys: RunningServer['keys'],
  desk: Omit<Desk, 'listener'>,
): FastifyInstance {
  const listener = 'admin'
  const openServer = (onRequest: RequestListener): Server =>
    openTlsServer(listener, tls, desk.limits, onRequest)
  return buildEdge({
    desk: { ...desk, listener, origin: new URL(url).origin },
    ...{ routes: routes(keys, desk.ports.outbound), issuerUrls: [issuerUrl], baseUrl: url, openServer },
    paramCharactersMax: adminParamCharactersMax,
  })
}

async function listenAll(
  edges: {
    readonly public: FastifyInstance
    readonly mtls: FastifyInstance
    readonly admin?: FastifyInstance
  },
  management: Server,
  { listeners, admin }: Pick<ServerOptions, 'listeners' | 'admin'>,
): Promise<RunningServer['listening']> {
  return {
    public: await listenEdge(edges.public, listeners.public),
    mtls: await listenEdge(edges.mtls, listeners.mtls),
    management: listeners.management && (await listenPlain(management, listeners.management)),
    admin: edges.admin && admin && (await listenEdge(edges.admin, admin.address)),
  }
}

async function listenEdge(edge: FastifyInstance, address: ListenAddress): Promise<number> {
  await edge.listen({ ...address })
  return portOf(edge.server)
}

async function listenPlain(server: Server, address: ListenAddress): Promise<number> {
  server.listen(address.port, address.host)
  await once(server, 'listening')
  return portOf(server)
}

function portOf(server: { readonly address: () => AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port
}

/** What ends may be a key: at the word of it the keys are read again, no more often than this. */
const keyNewsMs = 500

/** Sweeps the store and takes in keys of other nodes; a failure is logged and tried again at the next turn. */
function keepHouse(
  ports: Ports,
  keys: Ring,
  issuerUrls: readonly string[],
  metrics: OpenMetrics,
): () => void {
  const { clock, log, store } = ports
  const sweepTime = watchClock(clock, log, metrics)
  const sweep = setInterval(() => {
    store.expire(sweepTime(), sweepRowsMax).catch((thrown: unknown) => {
      log.warn('store.sweep-failed', { cause: thrown })
    })
  }, sweepMs)
  const failed = (thrown: unknown): void => log.warn('keys.refresh-failed', { cause: thrown })
  let isKeepingUp = false
  // A device that does not answer holds up the upkeep, but not the news of other nodes.
  const keepUp = async (): Promise<void> => {
    await keys.refresh()
    if (isKeepingUp) return
    isKeepingUp = true
    try {
      await keys.keepUp()
    } finally {
      isKeepingUp = false
    }
    measureKeys(keys, issuerUrls, clock.now(), metrics)
  }
  const refresh = setInterval(() => void keepUp().catch(failed), keyRefreshMs)
  let news: NodeJS.Timeout | undefined
  let readMs = Number.NEGATIVE_INFINITY
  const stopListening = store.onRevocation(() => {
    // At once when it can be: until then this node signs with a key that nobody believes any more.
    news ??= setTimeout(
      () => {
        news = undefined
        readMs = clock.monotonicMs()
        keys.refresh().catch(failed)
      },
      Math.max(0, readMs + keyNewsMs - clock.monotonicMs()),
    )
  })
  return () => {
    clearInterval(sweep)
    clearInterval(refresh)
    clearTimeout(news)
    stopListening()
  }
}

function measureKeys(keys: Ring, issuerUrls: readonly string[], now: number, metrics: OpenMetrics): void {
  const counts = { current: 0, behind: 0, failing: 0 }
  const ages = new Map<string, number>()
  for (const url of issuerUrls) {
    const listed = keys.list(url)
    for (const verifier of keys.verifiers(url)) counts[standingOf(verifier, listed)]++
    for (const { alg, state, activeAt } of listed)
      if (state === 'active') ages.set(alg, Math.max(ages.get(alg) ?? 0, now - activeAt))
  }
  for (const [standing, count] of Object.entries(counts)) metrics.set('verifiers', { standing }, count)
  for (const [alg, seconds] of ages) metrics.set('signing_key_age_seconds', { alg }, seconds)
}
