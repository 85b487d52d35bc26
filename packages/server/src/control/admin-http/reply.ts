import { headerAlgs, type Refusal } from '@holdfast/protocol'
import type { TokenScheme } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { challenge } from '@holdfast/protocol/wire/challenge.ts'
import { noStore } from '../../data/render/json.ts'
import { type ProblemBody, problemReply } from '../../data/render/problem.ts'
import { publicSentence } from '../../data/render/public-sentence.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { highRiskAgeSecondsMax } from './authority.ts'
import type { AdminCaller, Done } from './visit.ts'

/** Statuses that say more than the error code; RFC 9110 sections 13.1 and 15, RFC 6585. */
const statusesOfRules: Readonly<Record<string, number>> = {
  'admin.missing': 404,
  'admin.change-unknown': 404,
  'admin.change-expired': 409,
  'admin.change-stale': 409,
  'admin.change-overtaken': 409,
  'admin.change-busy': 409,
  'admin.change-limit': 409,
  'admin.change-size': 413,
  'admin.rights-moved': 409,
  'admin.precondition': 412,
  'admin.precondition-missing': 428,
  'admin.pace': 429,
}

function statusOf({ ruleId, error }: Refusal): number {
  const known = statusesOfRules[ruleId]
  if (known !== undefined) return known
  if (error === 'invalid_request') return 400
  if (error === 'insufficient_scope' || error === 'access_denied') return 403
  return error === 'temporarily_unavailable' ? 503 : 401
}

/** Whoever is no administrator reads what every API says; the rule stands in the answer all the same. */
export function strangersReply(exchange: Exchange, refusal: Refusal, reply: Reply): Reply {
  const status = refusal.error === 'access_denied' ? 403 : reply.status
  const headers = reply.headers.filter(
    ([name]) => name === 'dpop-nonce' || (name === 'www-authenticate' && status !== 403),
  )
  const body = { ...problemOf(exchange, refusal, status), detail: publicSentence(exchange, refusal) }
  const answer = problemReply(body, headers)
  return reply.isUnbacked === true ? { ...answer, isUnbacked: true } : answer
}

/** What an administrator reads; what lacks of scope or authentication is a challenge too (RFC 6750, RFC 9470). */
export function refusalReply(
  exchange: Exchange,
  refusal: Refusal,
  caller: Pick<AdminCaller, 'highAcrs'>,
  token: { readonly scheme: TokenScheme; readonly required: readonly string[] },
  headers: Reply['headers'],
): Reply {
  const status = statusOf(refusal)
  const params = challengeParams(refusal, caller, token.required)
  const algs = headerAlgs(exchange.issuer.floor.signingAlgs).join(' ')
  const all = params.length > 0 && token.scheme === 'DPoP' ? [...params, ['algs', algs] as const] : params
  return problemReply({ ...problemOf(exchange, refusal, status), detail: refusal.reason }, [
    ...headers,
    ...(all.length > 0 ? [['www-authenticate', challenge(token.scheme, all)] as const] : []),
    ...(status === 429 ? [['retry-after', '1'] as const] : []),
  ])
}

function challengeParams(
  { error }: Refusal,
  { highAcrs }: Pick<AdminCaller, 'highAcrs'>,
  required: readonly string[],
): readonly (readonly [string, string])[] {
  if (error === 'insufficient_scope')
    return [
      ['error', error],
      ['scope', required.join(' ')],
    ]
  if (error !== 'insufficient_user_authentication') return []
  return [
    ['error', error],
    ['acr_values', highAcrs.join(' ')],
    ['max_age', String(highRiskAgeSecondsMax)],
  ]
}

const titles: Readonly<Record<number, string>> = {
  400: 'the request does not fit',
  401: 'the token is not enough',
  403: 'this is not allowed',
  404: 'there is none of this name',
  409: 'what is stored is another state of things',
  412: 'what is stored is not what you expected',
  413: 'too large',
  428: 'a precondition is missing',
  429: 'too many requests',
}

function problemOf(
  { requestId: reference }: Exchange,
  { ruleId, clauses }: Refusal,
  status: number,
): ProblemBody {
  const title = titles[status] ?? 'the request was refused'
  return { type: 'about:blank', title, status, ruleId, clauses, reference }
}

/** What came of it, or the problem of an operation in the words of the control plane. */
export function doneReply(
  { requestId: reference }: Exchange,
  done: Exclude<Done, { readonly refusal: Refusal }>,
  headers: Reply['headers'],
): Reply {
  if (!done.ok) {
    const ruleId = done.problem.problems?.find(problem => problem.ruleId !== undefined)?.ruleId
    return problemReply({ ...done.problem, ...(ruleId !== undefined && { ruleId }), reference }, headers)
  }
  return {
    status: done.status,
    headers: [['content-type', 'application/json'], ...noStore, ...headers, ...(done.headers ?? [])],
    body: JSON.stringify(done.body),
  }
}
