import type { ApiRequest, ReadBody } from '../request.ts'
import type { ResourceServer } from '../verify.ts'

/** The body of a request that may have to be read before its handler reads it. */
export interface KeptBody {
  readonly readBody: ReadBody
  /** The request for the handler: the one that came, or one with the body that was read. */
  readonly request: () => Request
}

export function keptBodyOf(request: Request): KeptBody {
  let kept: Uint8Array<ArrayBuffer> | undefined
  return {
    readBody: async bytesMax => {
      const read = await bytesOf(request.body, bytesMax)
      if (read !== undefined && request.body !== null) kept = read
      return read
    },
    request: () => (kept === undefined ? request : new Request(request, { body: kept })),
  }
}

/** @returns undefined when there is more */
async function bytesOf(
  stream: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream ?? []) {
    length += chunk.length
    if (length > bytesMax) return undefined
    chunks.push(chunk)
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/** The answer, signed when the options of the API say so: then whole, and nothing streams. */
export async function signedResponse(
  { answerSigner, settings }: Pick<ResourceServer, 'answerSigner' | 'settings'>,
  request: ApiRequest,
  response: Response,
): Promise<Response> {
  if (answerSigner === undefined) return response
  const { status } = response
  const isBodiless = request.method === 'HEAD' || status === 204 || status === 304
  const body = isBodiless ? new Uint8Array() : await bytesOf(response.body, answerSigner.bodyBytesMax)
  if (body === undefined) {
    settings.onAlarm('answer.too-large', undefined)
    const failed = new Response(null, { status: 500 })
    return await signedResponse({ answerSigner, settings }, request, failed)
  }
  const copy = new Response(body.length === 0 ? null : body, response)
  const field = (name: string): readonly string[] => [copy.headers.get(name) ?? []].flat()
  for (const [name, value] of answerSigner.headersOf(request, { status, body, field }))
    copy.headers.set(name, value)
  return copy
}
