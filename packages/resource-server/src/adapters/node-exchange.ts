import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { ApiRequest } from '../request.ts'
import type { ResourceServer } from '../verify.ts'
import { headerValues } from './node.ts'

/**
 * The body of a message. What is read is put back, so that whoever reads the message afterwards finds it whole, be it a
 * parser of a framework or a stream.
 */
export async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  const { rawHeaders, httpVersionMajor } = message
  // Beyond HTTP/1.1 a body may come that no header speaks of.
  if (httpVersionMajor !== 1) throw new TypeError('signed bodies are read from HTTP/1.1 alone')
  const isThere =
    headerValues(rawHeaders, 'transfer-encoding').length > 0 ||
    headerValues(rawHeaders, 'content-length').some(value => value !== '0')
  return isThere ? await readAndPutBack(message, bytesMax) : Buffer.alloc(0)
}

function readAndPutBack(message: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  return new Promise((done, fail) => {
    if (message.readableDidRead) throw new TypeError('the body was read before the signature was checked')
    const chunks: Buffer[] = []
    let length = 0
    const end = (): void => {
      message.off('readable', take)
      message.off('error', fail)
      message.off('close', gone)
    }
    const gone = (): void => fail(new Error('the client left'))
    const take = (): void => {
      for (let chunk: Buffer | null = message.read(); chunk !== null; chunk = message.read()) {
        length += chunk.length
        if (length > bytesMax) {
          end()
          done(undefined)
          return
        }
        chunks.push(chunk)
      }
      if (!message.complete) return
      const body = Buffer.concat(chunks, length)
      // In the same turn as the read that found the end: the stream has not said yet that it ended.
      if (length > 0) message.unshift(body)
      end()
      done(body)
    }
    message.on('readable', take)
    message.once('error', fail)
    message.once('close', gone)
  })
}

type WriteHead = (
  status: number,
  second?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
  third?: OutgoingHttpHeaders | OutgoingHttpHeader[],
) => ServerResponse

/**
 * Holds an answer until it is whole, and signs it; whatever wrote it notices nothing, but nothing streams any more. One
 * that is longer than the options allow is cut off: half an answer must not look like one.
 */
export function signAnswer(
  { answerSigner, settings }: ResourceServer,
  request: ApiRequest,
  response: ServerResponse,
): void {
  if (answerSigner === undefined) return
  const { bodyBytesMax, headersOf } = answerSigner
  const { write, writeHead, flushHeaders, end } = response
  const chunks: Buffer[] = []
  let length = 0
  let isBegun = false
  // What was written cannot be taken back, also while it is held: half an answer is no beginning of another.
  Object.defineProperty(response, 'headersSent', { configurable: true, get: () => isBegun })
  const keep = (chunk: unknown, encoding: unknown): void => {
    isBegun = true
    if (chunk === undefined || chunk === null || typeof chunk === 'function' || length > bodyBytesMax) return
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk as Uint8Array)
    length += bytes.length
    chunks.push(bytes)
    if (length <= bodyBytesMax) return
    settings.onAlarm('answer.too-large', undefined)
    chunks.length = 0
    response.destroy()
  }
  const setHead: WriteHead = (status, second, third) => {
    isBegun = true
    response.statusCode = status
    if (typeof second === 'string') response.statusMessage = second
    for (const [name, value] of fieldsOf(typeof second === 'string' ? third : second))
      response.setHeader(name, value)
    return response
  }
  const finish = (chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse => {
    keep(chunk, encoding)
    Object.assign(response, { write, writeHead, flushHeaders, end })
    Reflect.deleteProperty(response, 'headersSent')
    if (response.destroyed) return response
    const isBodiless = request.method === 'HEAD' || response.statusCode === 204 || response.statusCode === 304
    const body = isBodiless ? Buffer.alloc(0) : Buffer.concat(chunks)
    const field = (name: string): readonly string[] => [response.getHeader(name) ?? []].flat().map(String)
    for (const [name, value] of headersOf(request, { status: response.statusCode, body, field }))
      response.setHeader(name, value)
    if (!isBodiless) {
      response.removeHeader('transfer-encoding')
      response.setHeader('content-length', body.length)
    }
    const ended = [chunk, encoding, callback].find(one => typeof one === 'function') as
      | (() => void)
      | undefined
    return end.call(response, body, 'utf8', ended)
  }
  Object.assign(response, {
    write: (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
      keep(chunk, encoding)
      const written = [encoding, callback].find(one => typeof one === 'function') as (() => void) | undefined
      if (written !== undefined) process.nextTick(written)
      return true
    },
    writeHead: setHead,
    flushHeaders: () => undefined,
    end: finish,
  })
}

/** Pairs from an object, or from a list of names and values in turn. */
function fieldsOf(
  headers: OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined,
): readonly (readonly [string, string | readonly string[] | number])[] {
  if (headers === undefined) return []
  if (!Array.isArray(headers))
    return Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
  const fields = new Map<string, string[]>()
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = String(headers[index])
    fields.set(name, [...(fields.get(name) ?? []), String(headers[index + 1])])
  }
  return [...fields]
}
