import { authzenEndpoints, type PdpHandlerOptions } from './http.ts'

/** A decision point as a fetch handler, to stand in a program of your own. Answers 404 for every other path. */
export function pdpHandler(options: PdpHandlerOptions): (request: Request) => Promise<Response> {
  const endpoints = authzenEndpoints(options)
  return async request => {
    const { status, headers, body } = await endpoints({
      native: request,
      method: request.method,
      path: new URL(request.url).pathname,
      header: name => request.headers.get(name),
      body: bytesMax => boundedBody(request, bytesMax),
    })
    return new Response(body, { status, headers })
  }
}

async function boundedBody(request: Request, bytesMax: number): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of request.body ?? []) {
    bytes += part.length
    if (bytes > bytesMax) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}
