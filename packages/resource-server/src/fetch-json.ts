import { isJsonObject, type JsonObject, parseJson } from '@holdfast/protocol/wire/json.ts'
import type { Fetch, FetchedResponse } from './ports.ts'

export interface JsonRequest {
  readonly fetch: Fetch
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly bytesMax: number
  readonly timeoutMs: number
}

/** There was an answer, and it was not 200. */
export class UnwantedStatus extends Error {
  readonly status: number

  constructor(url: string, status: number) {
    super(`\`${url}\` answered ${status}`)
    this.status = status
  }
}

/**
 * One JSON object from the issuer, in bounded time and size, without redirects.
 * @throws Error with a message that names the URL and never a token
 */
export async function fetchJsonObject(request: JsonRequest): Promise<JsonObject> {
  return jsonObjectIn(await fetchText(request), request.url)
}

/** @throws Error that names the URL */
export function jsonObjectIn(text: string, url: string): JsonObject {
  const value = parseJson(text)
  if (!isJsonObject(value)) throw new Error(`\`${url}\` did not answer with a JSON object`)
  return value
}

/** As `fetchJsonObject`, before anything is said about what the text is. */
export async function fetchText(request: JsonRequest): Promise<string> {
  const { status, text } = await fetchAnswer(request)
  if (status !== 200) throw new UnwantedStatus(request.url, status)
  return text
}

export interface Fetched extends Pick<FetchedResponse, 'status' | 'headers'> {
  readonly text: string
}

/** As `fetchText`, whatever the status is. */
export async function fetchAnswer(request: JsonRequest): Promise<Fetched> {
  const { fetch, url, method, headers = {}, body, bytesMax, timeoutMs } = request
  if (new URL(url).protocol !== 'https:') throw new Error(`\`${url}\` is not https`)
  const response = await fetch(url, {
    method,
    headers: { accept: 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const { status, headers: answered } = response
  const text = await readText(response.body, bytesMax, url)
  return { status, text, ...(answered !== undefined && { headers: answered }) }
}

async function readText(
  body: AsyncIterable<Uint8Array> | null,
  bytesMax: number,
  url: string,
): Promise<string> {
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > bytesMax) throw new Error(`\`${url}\` answered more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
}
