import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Requirements } from '../options.ts'
import type { VerifiedToken } from '../token.ts'
import type { ResourceServer } from '../verify.ts'
import { fromIncoming, writeAnswer, writeHeaders } from './node.ts'
import { signAnswer } from './node-exchange.ts'

/** What is used of an Express request. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string
  readonly body?: unknown
}

export type ExpressMiddleware<Request extends ExpressRequest> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** By request, so that nothing but this adapter can set it. */
const tokens = new WeakMap<object, VerifiedToken>()

/** Express middleware: `app.get('/payments/:id', protect(api, { scopes: ['payments:read'] }), handler)`. */
export function protect<Request extends ExpressRequest = ExpressRequest>(
  api: ResourceServer,
  requirements: Requirements<Request> = {},
): ExpressMiddleware<Request> {
  const guard = api.guard(requirements)
  return (request, response, next) => {
    const asked = fromIncoming(request, request)
    signAnswer(api, asked, response)
    guard(asked)
      .then(answer => {
        // Somebody else answered meanwhile, e.g. a time limit: the handler must not run for nobody.
        if (response.headersSent) return
        if (!answer.ok) return writeAnswer(response, answer)
        writeHeaders(response, answer.value.responseHeaders)
        tokens.set(request, answer.value)
        Object.assign(request, { auth: answer.value })
        next()
      })
      .catch(next)
  }
}

/** The token of a request that passed `protect`; also at `request.auth`. @throws TypeError when it did not pass */
export function tokenOf(request: object): VerifiedToken {
  const token = tokens.get(request)
  if (token === undefined) throw new TypeError('the route is not protected')
  return token
}
