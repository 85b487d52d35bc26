import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Requirements } from '../options.ts'
import type { VerifiedToken } from '../token.ts'
import type { ResourceServer } from '../verify.ts'
import { fromIncoming, groupHeaders, hasToken } from './node.ts'
import { signAnswer } from './node-exchange.ts'

/** What is used of a Fastify request. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

/** What is used of a Fastify reply. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse
  readonly code: (status: number) => unknown
  readonly header: (name: string, value: string | string[]) => unknown
  readonly send: (body: string) => unknown
}

/** By request, so that nothing but this adapter can set it. */
const tokens = new WeakMap<object, VerifiedToken>()

/**
 * A Fastify hook: `app.get('/payments/:id', { onRequest: protect(api, { scopes: ['payments:read'] }) }, handler)`.
 * As `onRequest` it refuses before a body is read; as `preHandler` its decision hook sees the body. Signed requests need
 * `onRequest`: their body is judged before anybody reads it.
 */
export function protect(
  api: ResourceServer,
  requirements: Requirements<FastifyRequestLike> = {},
): (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown> {
  const guard = api.guard(requirements)
  return async (request, reply) => {
    const asked = { ...fromIncoming(request.raw, request), isTokenInBody: hasToken(request.body) }
    signAnswer(api, asked, reply.raw)
    const answer = await guard(asked)
    const headers = answer.ok ? answer.value.responseHeaders : answer.headers
    for (const [name, value] of groupHeaders(headers)) reply.header(name, value)
    if (!answer.ok) {
      reply.code(answer.status)
      return reply.send(answer.body)
    }
    tokens.set(request, answer.value)
    Object.assign(request, { auth: answer.value })
    return undefined
  }
}

/** The token of a request that passed `protect`; also at `request.auth`. @throws TypeError when it did not pass */
export function tokenOf(request: object): VerifiedToken {
  const token = tokens.get(request)
  if (token === undefined) throw new TypeError('the route is not protected')
  return token
}
