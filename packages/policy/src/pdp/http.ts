import { isUtf8 } from 'node:buffer'
import type { Refusal } from '@holdfast/protocol'
import {
  bodyBytesMax,
  bodyJsonLimits,
  readEvaluation,
  readEvaluations,
  readSearch,
  type SearchFor,
} from '@holdfast/protocol/specs/authzen/rules.ts'
import { type JsonObject, parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import type { Pdp } from './pdp.ts'

/** Where the endpoints stand when no metadata say otherwise (AuthZEN section 10.1). */
export const authzenPaths = {
  access_evaluation_endpoint: '/access/v1/evaluation',
  access_evaluations_endpoint: '/access/v1/evaluations',
  search_subject_endpoint: '/access/v1/search/subject',
  search_resource_endpoint: '/access/v1/search/resource',
  search_action_endpoint: '/access/v1/search/action',
} as const

export type AuthzenEndpoint = keyof typeof authzenPaths

export const authzenMetadataPath = '/.well-known/authzen-configuration'

/** What a decision point publishes about itself (section 9). @param url of the decision point, https, without trailing slash */
export function authzenMetadata(url: string): JsonObject {
  return {
    policy_decision_point: url,
    ...Object.fromEntries(Object.entries(authzenPaths).map(([name, path]) => [name, `${url}${path}`])),
  }
}

export type AuthzenReply =
  | { readonly status: 200; readonly body: JsonObject }
  /** The body is a message (section 10.1.1); `refusal` is for the log. */
  | { readonly status: 400; readonly body: string; readonly refusal: Refusal }

const searchOf: Readonly<Partial<Record<AuthzenEndpoint, SearchFor>>> = {
  search_subject_endpoint: 'subject',
  search_resource_endpoint: 'resource',
  search_action_endpoint: 'action',
}

/** Answers one request that was authenticated. @param text the body, at most `bodyBytesMax` bytes */
export function answerAuthzen(pdp: Pdp, endpoint: AuthzenEndpoint, text: string): AuthzenReply {
  const body = parseJsonObject(text, bodyJsonLimits)
  const searchFor = searchOf[endpoint]
  if (searchFor !== undefined) {
    const search = readSearch(searchFor, body)
    const found = search.ok ? pdp.search(search.value) : search
    if (!found.ok) return refused(found)
    const { page, results, context } = found.value
    // `page` first: whoever reads a stream knows at once whether there is more (section 8.2).
    return done({ page, results, context })
  }
  if (endpoint === 'access_evaluations_endpoint') {
    const several = readEvaluations(body)
    if (!several.ok) return refused(several)
    const { items, semantic } = several.value
    if (items !== undefined) return done({ evaluations: pdp.evaluateAll(items, semantic) })
  }
  const single = readEvaluation(body)
  return single.ok ? done(pdp.evaluate(single.value)) : refused(single)
}

function done(body: object): AuthzenReply {
  return { status: 200, body: body as JsonObject }
}

function refused(refusal: Refusal): AuthzenReply {
  return { status: 400, body: refusal.reason, refusal }
}

/** What may come back as `X-Request-ID`: short, visible, no header of its own. */
export function requestIdOf(sent: string | null | undefined): string | undefined {
  return typeof sent === 'string' && /^[\x21-\x7E]{1,128}$/.test(sent) ? sent : undefined
}

export interface PdpHandlerOptions {
  readonly pdp: Pdp
  /** URL of the decision point, https, without trailing slash. */
  readonly url: string
  /**
   * Who may ask; anything but `true` is 401 with the challenge. Check a bound token with the resource-server SDK, or
   * the peer's certificate: who can ask can map what everybody may do.
   */
  readonly authenticate: (request: Request) => boolean | Promise<boolean>
  /** `WWW-Authenticate` of the 401. */
  readonly challenge: string
}

/** A decision point as a fetch handler, to stand in a program of your own. Answers 404 for every other path. */
export function pdpHandler({ pdp, url, authenticate, challenge }: PdpHandlerOptions) {
  const endpoints = new Map<string, AuthzenEndpoint>(
    Object.entries(authzenPaths).map(([name, path]) => [path, name as AuthzenEndpoint]),
  )
  const metadata = authzenMetadata(url)
  return async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    const id = requestIdOf(request.headers.get('x-request-id'))
    const headers = { 'cache-control': 'no-store', ...(id !== undefined && { 'x-request-id': id }) }
    const say = (status: number, message: string, more = {}): Response =>
      Response.json(message, { status, headers: { ...headers, ...more } })
    if (pathname === authzenMetadataPath && request.method === 'GET')
      return Response.json(metadata, { headers })
    const endpoint = endpoints.get(pathname)
    if (endpoint === undefined) return say(404, 'there is nothing here')
    if (request.method !== 'POST') return say(405, 'the method is POST', { allow: 'POST' })
    if ((await authenticate(request)) !== true)
      return say(401, 'who asks?', { 'www-authenticate': challenge })
    if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
      return say(400, 'the content type is application/json')
    const text = await boundedText(request)
    if (text === undefined) return say(413, `the body is longer than ${bodyBytesMax} bytes`)
    const { status, body } = answerAuthzen(pdp, endpoint, text)
    return Response.json(body, { status, headers })
  }
}

async function boundedText(request: Request): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of request.body ?? []) {
    bytes += part.length
    if (bytes > bodyBytesMax) return undefined
    parts.push(part)
  }
  const whole = Buffer.concat(parts)
  // Bytes that are no text are no question either: read as something else they would be one about somebody else.
  return isUtf8(whole) ? whole.toString('utf8') : ''
}
