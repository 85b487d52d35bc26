import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import { publishMetadata, type RevocationFeed, type TokenFacts } from '@holdfast/resource-server'
import { requestIdsOf, systemClock, systemEntropy } from '@holdfast/resource-server/ports.ts'
import { admit } from './admit.ts'
import { type OpenApis, openApis } from './apis.ts'
import { openCheck } from './check/open.ts'
import { watchClock } from './clock-watch.ts'
import { beginVisit, conclude, type Desk, newVisit } from './desk.ts'
import { openFeed } from './feed.ts'
import { forward } from './forward.ts'
import { judgeOptions } from './judge-options.ts'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import { bound, closeServer, listen, listenerOptions } from './listening.ts'
import { LongConversations } from './long-conversations.ts'
import { type Management, openManagement } from './management.ts'
import { Metrics } from './metrics.ts'
import type { GatewayOptions } from './options.ts'
import { peerOf } from './peer.ts'
import { Rate } from './rate.ts'
import { type OpenReplay, openReplay } from './replay.ts'
import { upgrade } from './web-socket.ts'
import { writeAnswer } from './write-answer.ts'

export interface Gateway {
  /** Undefined when only checks are made. */
  readonly port: number | undefined
  /** Where other gateways ask; undefined when none do. */
  readonly checkPort: number | undefined
  readonly managementPort: number | undefined
  /** Forgets remembered answers about tokens that match, e.g. when one was revoked. @returns how many */
  readonly evict: (matches: (facts: TokenFacts) => boolean) => number
  /** Loads what forwards, for a gateway that keeps nobody waiting; the first request to each API does it otherwise. */
  readonly load: () => Promise<void>
  /** Stops listening, finishes what is under way, then ends every connection. */
  readonly close: () => Promise<void>
}

/**
 * Opens everything and listens.
 * @throws TypeError that names the option, when the options cannot protect anything
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { externalUrl, address } = options
  judgeOptions(options)
  const limits: GatewayLimits = { ...defaultLimits, ...options.limits }
  const replay = await openReplay(options)
  const { apis, feed } = await openApisOrClose(options, replay)
  const state = { inFlight: 0, isDraining: false }
  const clock = options.clock ?? systemClock
  const ids = requestIdsOf(options.entropy ?? systemEntropy)
  const published = apis.apis
    .filter(api => new URL(api.options.audience).origin === externalUrl)
    .map(({ server }) => publishMetadata(server))
  const desk: Desk = {
    ...{ limits, clock, ids, state, table: apis.table },
    authority: new URL(externalUrl).host,
    metadata: new Map(published.map(one => [one.path, one])),
    maker: { externalUrl, key: options.evidenceKey, clock, ids },
    proxies: new Set(options.trustedProxies),
    metrics: new Metrics(
      () => state.inFlight,
      () => feed?.status(),
    ),
    conversations: new LongConversations(feed),
    failures: new Rate(() => performance.now()),
    calls: new Rate(() => performance.now()),
    log: options.log,
    explain: options.explain ?? false,
  }
  const endWatch = watchClock(clock, options.log, desk.metrics)
  const isWarm = (): Promise<boolean> =>
    Promise.all(apis.servers.map(one => one.warmUp())).then(all => all.every(Boolean))
  const server = address && openServer(options, desk)
  let management: Management | undefined
  let port: number | undefined
  let check: Awaited<ReturnType<typeof openCheck>> | undefined
  const end = async (): Promise<void> => {
    await Promise.all([port !== undefined && server && closeServer(server, state), check?.close()])
    await management?.close()
    await apis.close()
    endWatch()
    feed?.close()
    await replay.close()
  }
  try {
    if (options.management !== undefined)
      management = await openManagement(options.management, desk, async () => await isWarm())
    port = server && (await listen(server, address))
    check = options.check && (await openCheck(options.check, options.tls, desk))
  } catch (thrown) {
    // A port that is taken leaves nothing behind that would keep the process alive.
    await end()
    throw thrown
  }
  await isWarm()
  let closing: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    state.isDraining = true
    await end()
  }
  return {
    port,
    checkPort: check?.port,
    managementPort: management?.port,
    load: apis.load,
    evict: matches => apis.servers.reduce((sum, server) => sum + server.evict(matches), 0),
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }
}

/** What cannot be opened leaves no subscription and no connection behind, which would keep the process alive. */
async function openApisOrClose(
  options: GatewayOptions,
  { memory: replayMemory, close }: OpenReplay,
): Promise<{ readonly apis: OpenApis; readonly feed: RevocationFeed | undefined }> {
  let feed: RevocationFeed | undefined
  try {
    feed = openFeed(options)
    return { feed, apis: openApis(options, { feed, replayMemory }) }
  } catch (thrown) {
    feed?.close()
    await close()
    throw thrown
  }
}

function openServer({ tls }: GatewayOptions, desk: Desk): Server {
  const { limits } = desk
  const server = createServer(listenerOptions(tls, limits))
  bound(server, limits)
  const take = (isWaiting: boolean) => (incoming: IncomingMessage, response: ServerResponse) => {
    handle(incoming, response, isWaiting, desk).catch((cause: unknown) => {
      desk.log.error('gateway.fault', { cause })
      response.destroy()
    })
  }
  server.on('request', take(false))
  server.on('checkContinue', take(true))
  server.on('checkExpectation', take(false))
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    handleUpgrade(incoming, socket, head, desk).catch((cause: unknown) => {
      desk.log.error('gateway.fault', { cause })
      socket.destroy()
    })
  })
  server.on('connect', (_incoming: IncomingMessage, socket: Duplex) =>
    unread(socket, desk, '405 Method Not Allowed'),
  )
  server.on('clientError', (cause: NodeJS.ErrnoException, socket: Duplex) => {
    if (!isAnswerable(socket)) return void socket.destroy()
    const isLate = cause.code === 'ERR_HTTP_REQUEST_TIMEOUT'
    const isLarge = cause.code === 'HPE_HEADER_OVERFLOW'
    const status = isLate
      ? '408 Request Timeout'
      : isLarge
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request'
    unread(socket, desk, status)
  })
  return server
}

/** What no parser makes a request of: answered without a word, and the connection ends. */
function unread(socket: Duplex, { metrics }: Desk, status: string): void {
  metrics.count('refusals_total', { rule: 'gateway.unreadable' })
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
  else socket.destroy()
}

/** Answers that are not finished, by connection. */
const pending = new WeakMap<Duplex, Set<ServerResponse>>()

/**
 * Whether an error of the parser may be answered: only when no other answer is due on this connection, or the one that is
 * has not begun and belongs to the request whose body is what is wrong. Else the words would land in another answer.
 */
function isAnswerable(socket: Duplex): boolean {
  const due = [...(pending.get(socket) ?? [])]
  return due.length === 0 || (due.length === 1 && due.every(one => !one.headersSent && !one.req.complete))
}

function expectAnswer({ socket }: IncomingMessage, response: ServerResponse): void {
  const due = pending.get(socket) ?? new Set()
  pending.set(socket, due.add(response))
  response.once('close', () => due.delete(response))
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  isWaiting: boolean,
  desk: Desk,
): Promise<void> {
  const visit = beginVisit(desk, incoming, response)
  expectAnswer(incoming, response)
  const published = desk.metadata.get(incoming.url ?? '')
  if (published !== undefined) return writeAnswer(response, published.answer(incoming.method ?? ''))
  const admission = await admit(incoming, peerOf(incoming, desk.proxies), desk, visit)
  if (!admission.ok) return writeAnswer(response, admission.answer)
  await forward({ incoming, response, isWaiting }, admission.value, desk, visit)
}

async function handleUpgrade(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  desk: Desk,
): Promise<void> {
  const visit = newVisit(desk, incoming.method ?? '')
  socket.on('error', () => undefined)
  desk.state.inFlight++
  try {
    conclude(desk, visit, await upgrade(incoming, socket, head, desk, visit))
  } finally {
    desk.state.inFlight--
  }
}
