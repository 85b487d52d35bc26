import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply, Sink } from './exchange.ts'

/** FN-08: one year, for browsers that were once tricked onto plain HTTP. */
const strictTransport = 'max-age=31536000; includeSubDomains; preload'
/** How long a refused upload may still drain, so that its sender can read the refusal before the reset. */
const lingerMs = 1000

/**
 * Puts a reply on the wire with the headers every reply carries. A reply that says nothing about caching is
 * not cached.
 * @param more headers of the edge itself, e.g. cross-origin
 */
export function writeReply(
  raw: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  requestId: string,
  more: Reply['headers'],
  isLast: boolean,
): void {
  if (response.headersSent || response.destroyed) return
  const flat: string[] = [
    'x-content-type-options',
    'nosniff',
    'strict-transport-security',
    strictTransport,
    'x-request-id',
    requestId,
  ]
  let saysCache = false
  for (const [name, value] of reply.headers) {
    flat.push(name, value)
    if (name === 'cache-control') saysCache = true
  }
  for (const [name, value] of more) flat.push(name, value)
  if (!saysCache) flat.push('cache-control', 'no-store')
  if (isLast) flat.push('connection', 'close')

  const { body, status, stream } = reply
  if (stream !== undefined) {
    response.writeHead(status, flat)
    response.flushHeaders()
    stream(sinkOver(response))
    return
  }
  const hasContent = status !== 204 && status !== 304
  if (hasContent) flat.push('content-length', String(Buffer.byteLength(body)))
  response.writeHead(status, flat)
  if (hasContent && raw.method !== 'HEAD') response.end(body)
  else response.end()
  if (!raw.complete) drainThenCut(raw)
}

function sinkOver(response: ServerResponse): Sink {
  return {
    write: text => {
      if (!response.destroyed && !response.writableEnded) response.write(text)
      return response.writableLength
    },
    drained: () =>
      new Promise(resolve => {
        if (response.destroyed || !response.writableNeedDrain) return resolve()
        const done = (): void => {
          response.off('drain', done).off('close', done)
          resolve()
        }
        response.on('drain', done).on('close', done)
      }),
    end: () => response.end(),
    cut: () => response.destroy(),
    onClose: closed => {
      if (response.destroyed) closed()
      else response.once('close', closed)
    },
  }
}

/** The rest of a body nobody will read: let it arrive for a moment, then close. */
function drainThenCut(raw: IncomingMessage): void {
  raw.resume()
  const timer = setTimeout(() => raw.socket.destroy(), lingerMs)
  raw.once('close', () => {
    if (raw.complete) clearTimeout(timer)
  })
}
