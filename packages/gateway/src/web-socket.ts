import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { refuse } from '@holdfast/protocol'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'
import { type Admitted, admit, refusalAnswer } from './admit.ts'
import { upstreamOf } from './apis.ts'
import type { Desk, Visit } from './desk.ts'
import { lifeMs } from './forward.ts'
import { onwardFields } from './onward.ts'
import { peerOf } from './peer.ts'
import { refusalOfUpstream } from './upstream.ts'
import { writeAnswerTo } from './write-answer.ts'

const handshakeFields: readonly string[] = [
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
]
const answerFields: readonly string[] = [
  'sec-websocket-accept',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
]

/**
 * A request that asks for another protocol: admitted like every other, then two connections are joined until the token
 * expires. Anything but a WebSocket on a route that has one is refused.
 * @returns the status that was answered
 */
export async function upgrade(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  desk: Desk,
  visit: Visit,
): Promise<number> {
  const admission = await admit(incoming, peerOf(incoming, desk.proxies), desk, visit)
  if (!admission.ok) {
    writeAnswerTo(socket, admission.answer)
    return admission.answer.status
  }
  const { route } = admission.value
  const asked = headerValues(incoming.rawHeaders, 'upgrade')
  const isWebSocket = asked.length === 1 && asked[0]?.toLowerCase() === 'websocket'
  const leave = route.isWebSocket && isWebSocket ? upstreamOf(route.api).enter() : undefined
  if (leave === undefined) {
    const refusal =
      route.isWebSocket && isWebSocket
        ? refuse('gateway.upstream-busy', ['HFG-6', 'HFG-7'], 'temporarily_unavailable', 'the API is busy')
        : refuse('gateway.upgrade', ['HFG-5'], 'invalid_request', 'this route does not change its protocol')
    const answer = refusalAnswer(refusal, desk, visit)
    writeAnswerTo(socket, answer)
    return answer.status
  }
  try {
    return await join(incoming, socket, head, admission.value, desk, visit)
  } finally {
    leave()
  }
}

async function join(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  admitted: Admitted,
  desk: Desk,
  visit: Visit,
): Promise<number> {
  const { route, target, token } = admitted
  const headers = onwardFields(incoming, admitted, desk, visit)
  for (const name of handshakeFields)
    for (const value of headerValues(incoming.rawHeaders, name)) headers.push(name, value)
  let joined: { readonly headers: object; readonly socket: Duplex }
  try {
    const pool = await upstreamOf(route.api).pool()
    joined = await pool.upgrade({
      ...{ path: target, method: 'GET', headers, protocol: 'websocket' },
      signal: AbortSignal.timeout(desk.limits.bodyTimeoutMs),
    })
  } catch (cause) {
    const refusal = refusalOfUpstream(cause)
    desk.metrics.count('upstream_failures_total', { api: route.api.options.name, rule: refusal.ruleId })
    const answer = refusalAnswer(refusal, desk, visit, token.responseHeaders)
    writeAnswerTo(socket, answer)
    return answer.status
  }
  const answered = joined.headers as Readonly<Record<string, string | string[] | undefined>>
  const lines = [
    'upgrade: websocket',
    'connection: Upgrade',
    ...answerFields.flatMap(name => [answered[name] ?? []].flat().map(value => `${name}: ${value}`)),
    ...token.responseHeaders.map(([name, value]) => `${name}: ${value}`),
    `x-request-id: ${token.requestId}`,
  ]
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
  if (head.length > 0) joined.socket.write(head)
  const mostMs = lifeMs(token.expiresAt, desk.clock.now())
  await bothEnds(socket, joined.socket, end => desk.conversations.begin(route, token, mostMs, end), visit)
  return 101
}

/** Joins two connections; the end of one, or of what the token allows, is the end of both. */
function bothEnds(
  client: Duplex,
  api: Duplex,
  begin: (end: () => void) => () => void,
  visit: Visit,
): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      ended()
      client.destroy()
      api.destroy()
      resolve()
    }
    const ended = begin(end)
    client.on('data', (chunk: Buffer) => {
      visit.bytesIn += chunk.length
    })
    api.on('data', (chunk: Buffer) => {
      visit.bytesOut += chunk.length
    })
    for (const side of [client, api]) {
      side.on('error', end)
      side.on('close', end)
    }
    client.pipe(api)
    api.pipe(client)
  })
}
