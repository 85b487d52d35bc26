import { connect } from 'node:tls'
import type { Product } from './product.ts'

/** An HTTP answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number
  /** Names in lower case; each line as it was sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface WireRequest {
  readonly method: string
  readonly target: string
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
}

const answerBytesMax = 1_000_000

/** Sends bytes no HTTP library would send, on a connection of their own, and reads to the end. */
export function sendOverTls(
  product: Pick<Product, 'issuer' | 'caPem'>,
  bytes: Buffer,
  timeoutMs = 5000,
): Promise<WireAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>()
  const { port } = product.issuer
  const socket = connect({
    host: '127.0.0.1',
    port: Number(port),
    servername: 'localhost',
    ca: product.caPem,
  })
  const chunks: Buffer[] = []
  let size = 0
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer in time')))
  socket.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > answerBytesMax) socket.destroy(new Error('the answer does not end'))
    chunks.push(chunk)
  })
  // A server that refuses an upload may close before it has read all of it: what it said counts.
  const finish = (error?: Error): void => {
    const text = Buffer.concat(chunks).toString('latin1')
    if (text.startsWith('HTTP/1.1 ')) resolve(parseAnswer(text))
    else reject(error ?? new Error('the connection closed without an answer'))
  }
  socket.on('error', finish)
  socket.on('close', () => finish())
  socket.write(bytes)
  return promise
}

/** The bytes of one well-formed request that closes its connection. */
export function requestBytes({ method, target, headers = [], body = '' }: WireRequest, host: string): Buffer {
  const content = typeof body === 'string' ? Buffer.from(body) : body
  const length = method === 'GET' && content.length === 0 ? [] : [`Content-Length: ${content.length}`]
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...length, ...headers]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), content])
}

export function headerOf(answer: WireAnswer, name: string): string | undefined {
  return answer.headers.find(([sent]) => sent === name)?.[1]
}

function parseAnswer(text: string): WireAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = lines.map(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { status: Number(first.split(' ')[1]), headers, body: text.slice(end + 4) }
}
