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

export interface PdpHandlerOptions<Native = Request> {
  readonly pdp: Pdp
  /** URL of the decision point, https, without trailing slash. */
  readonly url: string
  /**
   * Who may ask; anything but `true` is 401 with the challenge. Check a bound token with the resource-server SDK, or
   * the peer's certificate: who can ask can map what everybody may do.
   */
  readonly authenticate: (request: Native) => boolean | Promise<boolean>
  /** `WWW-Authenticate` of the 401. */
  readonly challenge: string
}

/** One request, whatever carried it here. */
export interface AuthzenCall<Native> {
  readonly native: Native
  readonly method: string | undefined
  /** Without the query. */
  readonly path: string
  readonly header: (name: 'content-type' | 'x-request-id') => string | null | undefined
  /** Read only of who may ask. @returns undefined when it is longer */
  readonly body: (bytesMax: number) => Promise<Buffer | undefined>
}

/** One answer, whatever carries it back. */
export interface AuthzenAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The endpoints and metadata of a decision point; 404 for every other path. `fetch.ts` and `node.ts` carry the calls. */
export function authzenEndpoints<Native>({
  pdp,
  url,
  authenticate,
  challenge,
}: PdpHandlerOptions<Native>): (call: AuthzenCall<Native>) => Promise<AuthzenAnswer> {
  const endpoints = new Map<string, AuthzenEndpoint>(
    Object.entries(authzenPaths).map(([name, path]) => [path, name as AuthzenEndpoint]),
  )
  const metadata = JSON.stringify(authzenMetadata(url))
  return async ({ native, method, path, header, body }) => {
    const id = requestIdOf(header('x-request-id'))
    const common = {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(id !== undefined && { 'x-request-id': id }),
    }
    const say = (status: number, message: string, more: Readonly<Record<string, string>> = {}) => {
      return { status, headers: { ...common, ...more }, body: JSON.stringify(message) }
    }
    if (path === authzenMetadataPath && method === 'GET')
      return { status: 200, headers: common, body: metadata }
    const endpoint = endpoints.get(path)
    if (endpoint === undefined) return say(404, 'there is nothing here')
    if (method !== 'POST') return say(405, 'the method is POST', { allow: 'POST' })
    if ((await authenticate(native)) !== true) return say(401, 'who asks?', { 'www-authenticate': challenge })
    if (!/^application\/json\s*(;|$)/i.test(header('content-type') ?? ''))
      return say(400, 'the content type is application/json')
    const bytes = await body(bodyBytesMax)
    if (bytes === undefined) return say(413, `the body is longer than ${bodyBytesMax} bytes`)
    // Bytes that are no text are no question either: read as something else they would be one about somebody else.
    const answer = answerAuthzen(pdp, endpoint, isUtf8(bytes) ? bytes.toString('utf8') : '')
    return { status: answer.status, headers: common, body: JSON.stringify(answer.body) }
  }
}
