import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { refuse } from '@holdfast/protocol'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'
import type { Dispatcher } from 'undici'
import { type Admitted, refusalAnswer, tooLarge } from './admit.ts'
import { upstreamOf } from './apis.ts'
import type { Desk, Visit } from './desk.ts'
import { passedAnswer } from './fields.ts'
import { onwardFields } from './onward.ts'
import { codeOf, refusalOfUpstream } from './upstream.ts'
import { writeAnswer } from './write-answer.ts'

export interface Conversation {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  /** Whether the client waits to be told that its body is wanted. */
  readonly isWaiting: boolean
}

/** Sends an admitted request to its API and the answer back, streaming both ways. */
export async function forward(
  { incoming, response, isWaiting }: Conversation,
  admitted: Admitted,
  desk: Desk,
  visit: Visit,
): Promise<void> {
  const { route, target, token } = admitted
  const { options } = route.api
  const upstream = upstreamOf(route.api)
  const leave = upstream.enter()
  if (leave === undefined) {
    const busy = refuse(
      'gateway.upstream-busy',
      ['HFG-6', 'HFG-7'],
      'temporarily_unavailable',
      'the API is busy',
    )
    return writeAnswer(response, refusalAnswer(busy, desk, visit))
  }
  const abort = new AbortController()
  // An answer that is whole leaves nothing to be ended, and an abort costs as much as a signature.
  response.once('close', () => response.writableFinished || abort.abort())
  const body = new BoundedBody(incoming, route.bodyBytesMax)
  try {
    const headers = onwardFields(incoming, admitted, desk, visit)
    if (body.length !== undefined) headers.push('content-length', body.length)
    if (isWaiting) response.writeContinue()
    const method = (incoming.method ?? '') as Dispatcher.HttpMethod
    const pool = await upstream.pool()
    const answer = await pool.request({
      ...{ method, path: target, headers, body: body.stream, signal: abort.signal, responseHeaders: 'raw' },
    })
    await answerBack(answer, response, admitted, desk, visit, abort)
  } catch (cause) {
    if (response.destroyed && hasClientLeft(cause)) return
    if (response.headersSent) {
      // The answer is cut off: whoever reads it must see that it is not whole.
      desk.log.warn('gateway.upstream', {
        api: options.name,
        reference: token.requestId,
        fault: codeOf(cause),
      })
      desk.metrics.count('upstream_failures_total', { api: options.name, rule: 'gateway.upstream-broken' })
      response.destroy()
      return
    }
    if (body.isTooLarge) return writeAnswer(response, refusalAnswer(tooLarge(route), desk, visit))
    const refusal = refusalOfUpstream(cause)
    desk.log.warn('gateway.upstream', { api: options.name, reference: token.requestId, fault: codeOf(cause) })
    desk.metrics.count('upstream_failures_total', { api: options.name, rule: refusal.ruleId })
    writeAnswer(response, refusalAnswer(refusal, desk, visit, token.responseHeaders))
  } finally {
    visit.bytesIn = body.bytes
    leave()
  }
}

/** Whether it was the client that ended the conversation: nobody is left to be told, and the API is not to blame. */
function hasClientLeft(cause: unknown): boolean {
  return (
    (cause instanceof Error && cause.name === 'AbortError') || codeOf(cause) === 'ERR_STREAM_PREMATURE_CLOSE'
  )
}

async function answerBack(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  response: ServerResponse,
  { route, token }: Admitted,
  { clock, state, conversations }: Desk,
  visit: Visit,
  abort: AbortController,
): Promise<void> {
  const raw = (headers as unknown as readonly (string | Buffer)[]).map(text => text.toString('latin1'))
  const fields = withOwn(passedAnswer(raw), [
    ...token.responseHeaders,
    ['x-request-id', token.requestId],
    ...(state.isDraining ? [['connection', 'close'] as const] : []),
  ])
  try {
    response.writeHead(statusCode, fields)
  } catch (cause) {
    // Nobody will read the body of an answer that cannot be written; its connection must not wait for that.
    body.destroy()
    throw cause
  }
  // Events go on as long as nobody ends them.
  const isEvents = headerValues(raw, 'content-type').some(type => type.startsWith('text/event-stream'))
  const mostMs = lifeMs(token.expiresAt, clock.now())
  const ended = isEvents ? conversations.begin(route, token, mostMs, () => abort.abort()) : undefined
  // The head leaves together with what is there of the body; what keeps a client waiting gives it the head at once.
  const flush = setImmediate(() => response.flushHeaders())
  body.on('data', (chunk: Buffer) => {
    clearImmediate(flush)
    visit.bytesOut += chunk.length
  })
  try {
    await passBody(body, response)
  } finally {
    clearImmediate(flush)
    ended?.()
  }
}

const clientLeft = Object.assign(new Error('the client left'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })

/**
 * Resolves when the whole body is written; whoever calls ends `body` when the client leaves. Not `pipeline`: that aborts
 * a controller of its own after every answer, which costs as much as a signature.
 */
export function passBody(body: Readable, response: ServerResponse): Promise<void> {
  return new Promise((done, fail) => {
    response.once('finish', done)
    response.once('close', () => fail(clientLeft))
    body.once('error', cause => {
      fail(cause)
      response.destroy()
    })
    body.pipe(response)
  })
}

/** Milliseconds that a token still lives, at least one. */
export function lifeMs(expiresAt: number, now: number): number {
  return Math.max(1, (expiresAt - now) * 1000)
}

/** Names of ours replace what an API said under them. */
function withOwn(
  fields: readonly string[],
  own: readonly (readonly [name: string, value: string])[],
): string[] {
  const names = new Set(own.map(([name]) => name))
  const kept: string[] = []
  for (let index = 0; index + 1 < fields.length; index += 2)
    if (!names.has(fields[index] ?? '')) kept.push(fields[index] ?? '', fields[index + 1] ?? '')
  return [...kept, ...own.flat()]
}

/** A request's body on its way, counted. A length that was declared was judged before; chunks are judged as they come. */
class BoundedBody {
  readonly length: string | undefined
  readonly stream: Readable | undefined
  bytes = 0
  isTooLarge = false

  constructor(incoming: IncomingMessage, bytesMax: number) {
    const { rawHeaders } = incoming
    const [length] = headerValues(rawHeaders, 'content-length')
    this.length = length
    const isChunked = headerValues(rawHeaders, 'transfer-encoding').length > 0
    this.bytes = Number(length ?? 0)
    if (!isChunked) {
      this.stream = this.bytes > 0 ? incoming : undefined
      return
    }
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.bytes += chunk.length
        this.isTooLarge = this.bytes > bytesMax
        done(this.isTooLarge ? new Error('the body is too large') : null, chunk)
      },
    })
    incoming.on('error', cause => counted.destroy(cause))
    incoming.on('aborted', () => counted.destroy(new Error('the client left')))
    this.stream = incoming.pipe(counted)
  }
}
