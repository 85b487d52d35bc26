import type { Requirements } from '../options.ts'
import type { ResourceServer } from '../verify.ts'
import { fromRequest, responseOf } from './fetch.ts'
import { keptBodyOf, signedResponse } from './fetch-exchange.ts'
import { peerCertificateOf } from './node.ts'

/** What is used of a Hono context. */
export interface HonoContext {
  readonly req: { raw: Request }
  /** The answer, once there is one. */
  res: Response
  /** On Node, the bindings of the Node server: `incoming` is its message. */
  readonly env: unknown
  readonly set: (key: 'token', value: unknown) => void
  readonly header: (name: string, value: string) => void
}

/**
 * Hono middleware: `app.get('/payments/:id', protect(api, { scopes: ['payments:read'] }), handler)`. The token is at
 * `c.get('token')`: declare it with `new Hono<{ Variables: { token: VerifiedToken } }>()`.
 */
export function protect<Context extends HonoContext = HonoContext>(
  api: ResourceServer,
  requirements: Requirements<Context> = {},
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  const guard = api.guard(requirements)
  return async (context, next) => {
    const socket = socketOf(context.env)
    const { readBody, request: whole } = keptBodyOf(context.req.raw)
    const request = { ...fromRequest(context.req.raw, context), readBody }
    const asked =
      socket === undefined
        ? request
        : { ...request, isSecure: isEncrypted(socket), peerCertificate: peerCertificateOf(socket) }
    const answer = await guard(asked)
    if (!answer.ok) return await signedResponse(api, asked, responseOf(answer))
    if (api.settings.signatures !== undefined) context.req.raw = whole()
    context.set('token', answer.value)
    await next()
    // After the handler: a response it made itself would not carry what was set before.
    for (const [name, value] of answer.value.responseHeaders) context.header(name, value)
    if (api.answerSigner !== undefined) context.res = await signedResponse(api, asked, context.res)
    return undefined
  }
}

/** The socket under Hono's Node server; without one the URL of the request tells whether TLS was used. */
function socketOf(env: unknown): object | undefined {
  const incoming = memberOf(env, 'incoming')
  const socket = memberOf(incoming, 'socket')
  return typeof socket === 'object' && socket !== null ? socket : undefined
}

function isEncrypted(socket: object): boolean {
  return memberOf(socket, 'encrypted') === true
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
