import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { GatewayAnswer } from './refused.ts'

/** Writes an answer of the gateway itself. A body that nobody will read is not read: the connection ends with it. */
export function writeAnswer(response: ServerResponse, { status, headers, body }: GatewayAnswer): void {
  if (response.headersSent || response.destroyed) return
  const { req } = response
  const isEnding = !req.complete && !headers.some(([name]) => name === 'connection')
  response.writeHead(status, [
    ...headers.flat(),
    ...['content-length', String(Buffer.byteLength(body))],
    ...(isEnding ? ['connection', 'close'] : []),
  ])
  response.end(req.method === 'HEAD' ? undefined : body)
}

/** The same over a connection that asked for another protocol; it ends here. */
export function writeAnswerTo(socket: Duplex, { status, headers, body }: GatewayAnswer): void {
  if (!socket.writable) return
  const fields: GatewayAnswer['headers'] = [
    ...headers.filter(([name]) => name !== 'connection'),
    ['content-length', String(Buffer.byteLength(body))],
    ['connection', 'close'],
  ]
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}\r\n${body}`)
}
