import type { ErrorCode } from '@holdfast/protocol'
import { jsonReply } from '../data/render/json.ts'
import { problemReply } from '../data/render/problem.ts'
import { descriptionCharset } from '../data/render/public-sentence.ts'
import type { Listener, Reply } from './exchange.ts'
import type { Unbacked } from './failures.ts'

/** What the edge answers itself, before or instead of a room. Cheap to produce: no store, no cryptography. */
export interface EdgeRefusal {
  /** Stable name for metrics and logs. */
  readonly ruleId: string
  readonly status: number
  readonly error: ErrorCode
  readonly sentence: string
  readonly headers?: Reply['headers']
}

function edgeRefusal(
  ruleId: string,
  status: number,
  sentence: string,
  error: ErrorCode = 'invalid_request',
): EdgeRefusal {
  return { ruleId, status, error, sentence }
}

export const edgeRefusals = {
  notFound: edgeRefusal('edge.path', 404, 'there is no such endpoint'),
  badUrl: edgeRefusal('edge.url', 400, 'the request target is malformed'),
  urlTooLong: edgeRefusal('edge.url-size', 414, 'the request target is too long'),
  headersTooLarge: edgeRefusal('edge.header-size', 431, 'the header section is too large'),
  headerRepeated: edgeRefusal('edge.header-repeated', 400, 'a header field that must be single is repeated'),
  compressed: edgeRefusal('edge.content-encoding', 415, 'compressed request bodies are not accepted'),
  notForm: edgeRefusal('edge.content-type', 400, 'the body must be application/x-www-form-urlencoded'),
  notJson: edgeRefusal('edge.content-type', 400, 'the body must be application/json'),
  bodyTooLarge: edgeRefusal('edge.body-size', 413, 'the body is too large'),
  bodyBroken: edgeRefusal('edge.body', 400, 'the body is incomplete'),
  malformed: edgeRefusal('edge.http', 400, 'the request is not valid HTTP/1.1'),
  tooSlow: edgeRefusal('edge.timeout', 408, 'the request took too long to arrive'),
  overloaded: {
    ...edgeRefusal('edge.overload', 503, 'try again later', 'temporarily_unavailable'),
    headers: [['retry-after', '1']],
  },
  deadline: {
    ...edgeRefusal('edge.deadline', 503, 'try again later', 'temporarily_unavailable'),
    headers: [['retry-after', '2']],
  },
} as const satisfies Record<string, EdgeRefusal>

export function methodNotAllowed(allow: string): EdgeRefusal {
  return {
    ...edgeRefusal('edge.method', 405, 'the method is not allowed here'),
    headers: [['allow', allow]],
  }
}

export function tooManyFailures(retryAfterSeconds: number): EdgeRefusal {
  return {
    ...edgeRefusal('edge.failures', 429, 'too many failed requests', 'temporarily_unavailable'),
    headers: [['retry-after', String(retryAfterSeconds)]],
  }
}

export function tooManyUnbacked(what: Unbacked, retryAfterSeconds: number): EdgeRefusal {
  const ruleId = what === 'page' ? 'edge.pages' : 'edge.tokens'
  return {
    ...edgeRefusal(ruleId, 429, 'too many requests', 'temporarily_unavailable'),
    headers: [['retry-after', String(retryAfterSeconds)]],
  }
}

/** @param listener the admin API answers with problem details (RFC 9457), all others as OAuth does */
export function edgeReply(refusal: EdgeRefusal, requestId: string, listener: Listener): Reply {
  const { status, error, sentence, headers = [], ruleId } = refusal
  if (listener === 'admin')
    return problemReply({ status, title: sentence, ruleId, reference: requestId }, headers)
  const description = descriptionCharset(`${sentence}; reference ${requestId}`)
  return jsonReply(status, { error, error_description: description }, headers)
}
