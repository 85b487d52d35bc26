import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type HTTPMethods } from 'fastify'
import { judgeHeaders } from './admission.ts'
import { type EdgeRefusal, edgeRefusals, edgeReply, methodNotAllowed } from './edge-error.ts'
import { endpointsOf, finderOf } from './endpoints.ts'
import { splitTarget } from './exchange-of.ts'
import { newRequestId } from './request-id.ts'
import type { Route } from './route.ts'
import { type Desk, refuseEarly, serve } from './serve.ts'

export interface EdgeOptions {
  readonly desk: Desk
  readonly routes: readonly Route[]
  /** Issuers are bootstrap configuration: their paths are fixed while the process lives. */
  readonly issuerUrls: readonly string[]
  /** Where the table lies, when that is not below each issuer. */
  readonly baseUrl?: string
  /** Longest value of a parameter in a path. */
  readonly paramCharactersMax?: number
  readonly openServer: (onRequest: (raw: IncomingMessage, response: ServerResponse) => void) => Server
}

/** The router's methods that are registered for every path, so that a wrong one is 405 and not 404. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const

/**
 * Fastify routes and owns the life of the server. Bodies are read by `serve` and no content-type parser is
 * installed: what arrives is judged on its headers first, and nothing is ever parsed that no room asked for.
 */
export function buildEdge(options: EdgeOptions): FastifyInstance {
  const { desk, openServer } = options
  const endpoints = options.issuerUrls.flatMap(issuerUrl =>
    endpointsOf(issuerUrl, options.routes, options.baseUrl),
  )
  const find = finderOf(endpoints)
  const app = fastify({
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    serverFactory: handler =>
      openServer((raw, response) => {
        const target = splitTarget(raw.url as string)
        const place = find(target[0])
        if (place === undefined) handler(raw, response)
        else serve(desk, place, target, raw, response)
      }),
    logger: false,
    exposeHeadRoutes: false,
    ...(options.paramCharactersMax !== undefined && {
      routerOptions: { maxParamLength: options.paramCharactersMax },
    }),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => answerBrokenRequest(desk, error, socket),
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      refuse(desk, request.raw, reply.raw, edgeRefusals.badUrl)
    },
  })
  app.removeAllContentTypeParsers()

  // The router decodes, and two spellings of one endpoint would be two values of `htu`: a path that has one spelling
  // was found before, and no other is it.
  for (const endpoint of endpoints.filter(({ exactPath }) => exactPath === undefined)) {
    app.route({
      method: [...methods] as HTTPMethods[],
      url: endpoint.url,
      onRequest: (request, reply) => {
        reply.hijack()
        const target = splitTarget(request.raw.url as string)
        const params = request.params as Record<string, string>
        if (target[0].startsWith('/')) serve(desk, { endpoint, params }, target, request.raw, reply.raw)
        else unknown(request.raw, reply.raw)
      },
      handler: () => undefined,
    })
  }

  const unknown = (raw: IncomingMessage, response: ServerResponse): void => {
    const known = find(splitTarget(raw.url ?? '')[0])
    const otherwise = known === undefined ? edgeRefusals.notFound : methodNotAllowed(known.endpoint.allow)
    refuse(desk, raw, response, judgeHeaders(raw, desk.limits) ?? otherwise)
  }
  app.setNotFoundHandler((request, reply) => {
    reply.hijack()
    unknown(request.raw, reply.raw)
  })
  // Only reached for paths nobody serves: a body of an impossible media type.
  app.setErrorHandler((_error, request, reply) => {
    reply.hijack()
    unknown(request.raw, reply.raw)
  })
  return app
}

/** Rooms judge what they read, so the compilers of schemas, a hundred modules, are not even loaded. */
function noSchemas(): never {
  throw new TypeError('no route has a schema')
}

function refuse(desk: Desk, raw: IncomingMessage, response: ServerResponse, refusal: EdgeRefusal): void {
  response.on('error', () => undefined)
  refuseEarly(desk, raw, response, refusal, newRequestId(desk.ports.clock, desk.ports.entropy))
}

const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** Node's parser gave up: there is no request object to answer, only a socket. */
function answerBrokenRequest(desk: Desk, error: Error & { code?: string }, socket: Socket): void {
  const refusal = brokenRequestRefusal(error.code)
  // Resets and failed handshakes arrive here too; there is nobody to answer.
  if (refusal === undefined || !socket.writable) {
    socket.destroy()
    return
  }
  desk.ports.metrics.count('refusals_total', { event: 'edge', rule: refusal.ruleId })
  const requestId = newRequestId(desk.ports.clock, desk.ports.entropy)
  const reply = edgeReply(refusal, requestId, desk.listener)
  const { body, status } = reply
  const head = [
    `HTTP/1.1 ${status} ${statusTexts[status]}`,
    `Content-Type: ${reply.headers[0]?.[1]}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function brokenRequestRefusal(code = ''): EdgeRefusal | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return edgeRefusals.headersTooLarge
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return edgeRefusals.tooSlow
  return code.startsWith('HPE_') ? edgeRefusals.malformed : undefined
}
