import type { Requirements } from '../options.ts'
import { type ApiRequest, readPeerCertificate } from '../request.ts'
import type { VerifiedToken } from '../token.ts'
import type { ResourceServer } from '../verify.ts'
import { keptBodyOf, signedResponse } from './fetch-exchange.ts'

/** What a `Request` does not tell about its connection. Take it from the runtime, never from a header. */
export interface Connection {
  /** Whether TLS ended in this process; without it the scheme of the request URL decides. */
  readonly isSecure?: boolean
  /** DER of the certificate that the TLS layer proved. */
  readonly peerCertificate?: Uint8Array
}

export interface FetchOptions {
  readonly connection?: (request: Request) => Connection
}

export type ProtectedHandler = (request: Request, token: VerifiedToken) => Response | Promise<Response>

/** A fetch handler (Deno, Bun, workers, service frameworks) that runs only for requests that pass every check. */
export function protect(
  api: ResourceServer,
  requirements: Requirements<Request>,
  handler: ProtectedHandler,
  options: FetchOptions = {},
): (request: Request) => Promise<Response> {
  const guard = api.guard(requirements)
  return async request => {
    const { readBody, request: whole } = keptBodyOf(request)
    const asked = { ...fromRequest(request, request, options.connection?.(request)), readBody }
    const answer = await guard(asked)
    if (!answer.ok) return await signedResponse(api, asked, responseOf(answer))
    const response = await handler(whole(), answer.value)
    if (answer.value.responseHeaders.length === 0) return await signedResponse(api, asked, response)
    const copy = new Response(response.body, response)
    for (const [name, value] of answer.value.responseHeaders) copy.headers.set(name, value)
    return await signedResponse(api, asked, copy)
  }
}

/** One request for `verify`; only path and query of its URL are used. */
export function fromRequest<Native>(
  request: Request,
  native: Native,
  connection: Connection = {},
): ApiRequest<Native> {
  const { protocol, pathname, search } = new URL(request.url)
  return {
    method: request.method,
    target: pathname + search,
    headers: name => {
      const value = request.headers.get(name)
      return value === null ? [] : [value]
    },
    isSecure: connection.isSecure ?? protocol === 'https:',
    peerCertificate: readPeerCertificate(connection.peerCertificate),
    isTokenInBody: false,
    native,
  }
}

interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export function responseOf({ status, headers, body }: Answer): Response {
  return new Response(body, {
    status,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
  })
}
