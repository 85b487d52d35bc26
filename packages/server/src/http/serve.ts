import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Ports } from '../ports.ts'
import type { IssuerSnapshot } from '../snapshot/snapshot.ts'
import { hasBody, judgeContent, judgeHeaders } from './admission.ts'
import { type Connection, connectionOf, prefixOf } from './connection.ts'
import { corsHeaders, preflight } from './cors.ts'
import type { Deadlines } from './deadlines.ts'
import {
  type EdgeRefusal,
  edgeRefusals,
  edgeReply,
  methodNotAllowed,
  tooManyFailures,
  tooManyUnbacked,
} from './edge-error.ts'
import { edgePage } from './edge-page.ts'
import type { Endpoint, Place } from './endpoints.ts'
import type { Exchange, Listener, Reply } from './exchange.ts'
import { exchangeOf, headerValues, type Target } from './exchange-of.ts'
import { type Failures, isCredentialFailure, type Unbacked } from './failures.ts'
import { faultRefusal } from './fault-refusal.ts'
import type { Gathering } from './gathering.ts'
import type { InFlight } from './in-flight.ts'
import type { EdgeLimits } from './limits.ts'
import { readBody } from './read-body.ts'
import { newRequestId } from './request-id.ts'
import type { Route } from './route.ts'
import type { ClientAddress } from './trusted-proxies.ts'
import { writeReply } from './write-reply.ts'

/** What every request of a listener is served with. */
export interface Desk {
  readonly listener: Listener
  readonly ports: Ports
  readonly limits: EdgeLimits
  readonly failures: Failures
  readonly clientAddress: ClientAddress
  readonly inFlight: InFlight
  readonly deadlines: Deadlines
  readonly gathering: Gathering
  readonly observeDuration: (route: string, seconds: number) => void
  /** Origin of the listener, when that is not the issuer's. */
  readonly origin?: string
}

/** One request on its way through the edge. */
interface Visit {
  readonly raw: IncomingMessage
  readonly target: Target
  readonly response: ServerResponse
  readonly requestId: string
  readonly endpoint: Endpoint
  readonly issuer: IssuerSnapshot
  readonly connection: Connection
  readonly startedMs: number
}

const noBody = Buffer.alloc(0)
const noHeaders: Reply['headers'] = []

/** From a parsed header section to the written reply. Never throws. */
export function serve(
  desk: Desk,
  { endpoint, params }: Place,
  target: Target,
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  const { ports, limits, listener } = desk
  const requestId = newRequestId(ports.clock, ports.entropy)
  // A client that leaves in the middle is its own affair; without a listener the error would be ours.
  response.on('error', ignore)
  const issuer = ports.snapshot().issuers.get(endpoint.issuerUrl)
  const unfit = judgeHeaders(raw, limits)
  const route = routeFor(endpoint, raw.method as string)
  // Where a person reads, also a header section that is too large is told on a page.
  const isEarly = unfit !== undefined && route?.dialect !== 'page'
  if (isEarly || issuer === undefined) {
    refuseEarly(desk, raw, response, unfit ?? edgeRefusals.notFound, requestId)
    return
  }
  const connection = connectionOf(raw.socket, listener)
  const startedMs = ports.clock.monotonicMs()
  const visit: Visit = { raw, target, response, requestId, endpoint, issuer, connection, startedMs }
  if (route === undefined) {
    finish(desk, visit, undefined, otherMethod(visit, desk.listener), noBody)
    return
  }
  const unread =
    unfit ?? judgeContent(raw, route) ?? (desk.inFlight.isFull ? edgeRefusals.overloaded : undefined)
  if (unread !== undefined) {
    refuseHere(desk, visit, route, unread)
    return
  }
  // Even the answer to a fault could not be written: the last thing left is to hang up.
  const giveUp = (thrown: unknown): void => {
    ports.log.error('request.unanswered', { requestId, cause: thrown })
    raw.socket.destroy()
  }
  if (route.form === 'none' || !hasBody(raw)) {
    enter(desk, visit, route, noBody, params).catch(giveUp)
    return
  }
  readBody(raw, route.bodyBytesMax, body => {
    if (Buffer.isBuffer(body)) enter(desk, visit, route, body, params).catch(giveUp)
    else refuseHere(desk, visit, route, body)
  })
}

/** A refusal before the request could be attributed to an endpoint. */
export function refuseEarly(
  desk: Desk,
  raw: IncomingMessage,
  response: ServerResponse,
  refusal: EdgeRefusal,
  requestId: string,
): void {
  desk.ports.metrics.count('refusals_total', { event: 'edge', rule: refusal.ruleId })
  const reply = edgeReply(refusal, requestId, desk.listener)
  writeReply(raw, response, reply, requestId, noHeaders, desk.inFlight.isDraining)
}

async function enter(
  desk: Desk,
  visit: Visit,
  route: Route,
  body: Buffer,
  params: Readonly<Record<string, string>>,
): Promise<void> {
  const { ports, failures, inFlight } = desk
  const { requestId, endpoint, connection } = visit
  const exchange = exchangeFor(desk, visit, body, params)
  const { authorization } = visit.raw.headers
  const { remoteAddress } = exchange
  // Behind a proxy the connection is everybody's: whoever fails there must not stop the others.
  const prefix = remoteAddress === connection.address ? connection.prefix : prefixOf(remoteAddress)
  const impatient = tooSoon(failures, route, prefix, body, authorization)
  if (impatient !== undefined) {
    refuseHere(desk, visit, route, impatient, body)
    return
  }
  inFlight.enter()
  // The room may go on after its deadline: what it commits stays true, only nobody is told.
  const met = desk.deadlines.watch(() => {
    ports.metrics.count('faults_total', { code: 'edge.deadline', route: endpoint.name })
    ports.log.error('request.deadline', { requestId, route: endpoint.name })
    refuseHere(desk, visit, route, edgeRefusals.deadline, body)
  })
  try {
    await desk.gathering.turn()
    const reply = await route.room(exchange, ports)
    if (route.countsFailures && isCredentialFailure(reply.status, reply.body))
      failures.count(prefix, body, authorization)
    const unbacked = unbackedAt(route)
    if (unbacked !== undefined && (reply.isUnbacked || (unbacked === 'page' && reply.status >= 400)))
      failures.countUnbacked(unbacked, prefix)
    finish(desk, visit, route, reply, body)
  } catch (thrown) {
    refuseHere(desk, visit, route, faultRefusal(thrown, endpoint.name, requestId, ports), body)
  } finally {
    met()
    inFlight.leave()
  }
}

function unbackedAt({ dialect, takesToken }: Route): Unbacked | undefined {
  if (dialect === 'page') return 'page'
  return takesToken === true ? 'token' : undefined
}

/** What a source that had enough is told, before any room works for it. */
function tooSoon(
  failures: Failures,
  route: Route,
  prefix: string,
  body: Buffer,
  authorization: string | undefined,
): EdgeRefusal | undefined {
  const unbacked = unbackedAt(route)
  if (unbacked !== undefined) {
    const wait = failures.unbackedWaitSeconds(unbacked, prefix)
    return wait > 0 ? tooManyUnbacked(unbacked, wait) : undefined
  }
  if (!route.countsFailures) return undefined
  const wait = failures.waitSeconds(prefix, body, authorization)
  return wait > 0 ? tooManyFailures(wait) : undefined
}

/** The edge answers in place of the room, in the room's dialect. */
function refuseHere(
  desk: Desk,
  visit: Visit,
  route: Route,
  refusal: EdgeRefusal,
  body: Buffer = noBody,
): void {
  desk.ports.metrics.count('refusals_total', { event: 'edge', rule: refusal.ruleId })
  const reply =
    route.dialect === 'page'
      ? edgePage(exchangeFor(desk, visit, noBody, {}), refusal)
      : edgeReply(refusal, visit.requestId, desk.listener)
  finish(desk, visit, route, reply, body)
}

function exchangeFor(
  desk: Desk,
  visit: Visit,
  body: Buffer,
  params: Readonly<Record<string, string>>,
): Exchange {
  const { raw, target, connection, requestId, issuer } = visit
  const { listener, clientAddress, origin } = desk
  const remoteAddress = clientAddress(connection.address, raw.rawHeaders)
  return exchangeOf({
    raw,
    target,
    body,
    listener,
    connection,
    remoteAddress,
    requestId,
    issuer,
    params,
    origin,
  })
}

function finish(desk: Desk, visit: Visit, route: Route | undefined, reply: Reply, body: Buffer): void {
  const { raw, response, requestId, endpoint, issuer, startedMs } = visit
  if (response.headersSent) return
  const { ports, inFlight } = desk
  const origin = raw.headers.origin
  const cors = route === undefined ? noHeaders : corsHeaders(route.cors, issuer, origin, body)
  writeReply(raw, response, reply, requestId, cors, inFlight.isDraining)
  ports.metrics.count('requests_total', { route: endpoint.name, status: String(reply.status) })
  desk.observeDuration(endpoint.name, (ports.clock.monotonicMs() - startedMs) / 1000)
}

function routeFor(endpoint: Endpoint, method: string): Route | undefined {
  for (const route of endpoint.routes) {
    if (route.method === method) return route
    // A document may be asked for without its body; a page may not: looking would start an interaction.
    if (method === 'HEAD' && route.method === 'GET' && route.cors === 'public') return route
  }
  return undefined
}

function otherMethod(visit: Visit, listener: Listener): Reply {
  const { raw, endpoint, issuer, requestId } = visit
  if (raw.method === 'OPTIONS') {
    const policy = endpoint.routes[0]?.cors ?? 'none'
    const answer = preflight(policy, issuer, headerValues(raw.rawHeaders, 'origin')[0], endpoint.allow)
    if (answer !== undefined) return answer
  }
  return edgeReply(methodNotAllowed(endpoint.allow), requestId, listener)
}

function ignore(): void {}
