import { accept, type Outcome } from '../../refusal.ts'
import { fail, firstRefusal, pass, type Rule } from '../../rule.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../wire/json.ts'
import { isClientsOwn, isForIssuer, type PresentedByClient } from '../rfc6750-bearer/own-token.ts'

/** Lets a client ask who may do what: for gateways and APIs, never for applications. */
export const accessEvaluationScope = 'access_evaluation'

export const decisionCallerRules: readonly Rule<PresentedByClient>[] = [
  {
    id: 'authzen.audience',
    clauses: ['AUTHZEN-11.2'],
    level: 'OURS',
    title: 'the token is for the authorization server, so that no API can use it here',
    check: isForIssuer,
  },
  {
    id: 'authzen.caller',
    clauses: ['AUTHZEN-11.2'],
    level: 'OURS',
    title: 'the token is the client’s own: no user’s consent lets it ask about other users',
    check: isClientsOwn,
  },
]

/** Bytes of one request. */
export const bodyBytesMax = 262_144
/** Depth and members of one request: a hundred evaluations, each with properties. */
export const bodyJsonLimits = { depthMax: 16, membersMax: 20_000 } as const
export const evaluationsMax = 100
export const pageLimitMax = 1000
export const pageLimitUsual = 100
/** Characters of a type, an id or a name. */
export const nameLengthMax = 1024
/** A name of which every character is escaped, in base64url, with the digest beside it. */
const pageTokenLengthMax = 8400

/** A subject or a resource. */
export interface Party {
  readonly type: string
  readonly id: string
  readonly properties: JsonObject
}

export interface NamedAction {
  readonly name: string
  readonly properties: JsonObject
}

/** May this subject do this to that, under these circumstances? (section 6.1) */
export interface Evaluation {
  readonly subject: Party
  readonly action: NamedAction
  readonly resource: Party
  readonly context: JsonObject
}

/** Members of an answer's context that oblige nobody; on a permit any other may (section 5.5). */
export const plainContextMembers: readonly string[] = [
  'policy_version',
  'determining_policies',
  'id',
  'reason',
  'reason_admin',
  'reason_user',
]

export type EvaluationsSemantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit'

const semantics: readonly unknown[] = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit']

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= nameLengthMax

/** A member that may be missing or null, and otherwise is an object. */
const isOptionalObject = (value: unknown): boolean =>
  value === undefined || value === null || isJsonObject(value)

const isParty = (value: unknown): value is JsonObject =>
  isJsonObject(value) && isName(value.type) && isName(value.id) && isOptionalObject(value.properties)

const isTyped = (value: unknown): value is JsonObject =>
  isJsonObject(value) && isName(value.type) && isOptionalObject(value.properties)

const isAction = (value: unknown): value is JsonObject =>
  isJsonObject(value) && isName(value.name) && isOptionalObject(value.properties)

export interface Body {
  /** Undefined when the bytes are no strict JSON object: a member twice, too deep, too many. */
  readonly body: JsonObject | undefined
}

const bodyRule: Rule<Body> = {
  id: 'authzen.body',
  clauses: ['AUTHZEN-10.1-request', 'AUTHZEN-11.5', 'AUTHZEN-11.7'],
  level: 'MUST',
  title: 'the body is one JSON object, no member twice, within the limits',
  check: ({ body }) =>
    body === undefined ? fail('invalid_request', 'the body is not one strict JSON object') : pass,
}

const subjectRule: Rule<Body> = {
  id: 'authzen.subject',
  clauses: ['AUTHZEN-6.1'],
  level: 'MUST',
  title: 'the subject has a type and an id',
  check: ({ body }) =>
    isParty(body?.subject) ? pass : fail('invalid_request', '`subject` has no `type` and `id`'),
}

const actionRule: Rule<Body> = {
  id: 'authzen.action',
  clauses: ['AUTHZEN-6.1'],
  level: 'MUST',
  title: 'the action has a name',
  check: ({ body }) => (isAction(body?.action) ? pass : fail('invalid_request', '`action` has no `name`')),
}

const resourceRule: Rule<Body> = {
  id: 'authzen.resource',
  clauses: ['AUTHZEN-6.1'],
  level: 'MUST',
  title: 'the resource has a type and an id',
  check: ({ body }) =>
    isParty(body?.resource) ? pass : fail('invalid_request', '`resource` has no `type` and `id`'),
}

const contextRule: Rule<Body> = {
  id: 'authzen.context',
  clauses: ['AUTHZEN-6.1'],
  level: 'MUST',
  title: 'the context is an object, where there is one',
  check: ({ body }) =>
    isOptionalObject(body?.context) ? pass : fail('invalid_request', '`context` is not an object'),
}

/** One evaluation (section 6.1), also after the defaults of several were laid under it. */
export const evaluationRules: readonly Rule<Body>[] = [
  bodyRule,
  subjectRule,
  actionRule,
  resourceRule,
  contextRule,
]

/** Several (section 7.1). What one evaluation lacks is that evaluation's own failure. */
export const evaluationsRules: readonly Rule<Body>[] = [
  bodyRule,
  {
    id: 'authzen.evaluations',
    clauses: ['AUTHZEN-7.1', 'AUTHZEN-11.7'],
    level: 'MUST',
    title: '`evaluations` is a list of at most 100 objects',
    check: ({ body }) => {
      const list = body?.evaluations ?? []
      return Array.isArray(list) && list.length <= evaluationsMax && list.every(isJsonObject)
        ? pass
        : fail('invalid_request', `\`evaluations\` is not a list of at most ${evaluationsMax} objects`)
    },
  },
  {
    id: 'authzen.defaults',
    clauses: ['AUTHZEN-7.1', 'AUTHZEN-11.7'],
    level: 'OURS',
    title: 'the defaults, written out in each evaluation, are no longer than one request',
    check: ({ body }) => {
      const { evaluations, options: _, ...defaults } = body ?? empty
      const count = Array.isArray(evaluations) ? evaluations.length : 0
      return count * JSON.stringify(defaults).length <= bodyBytesMax
        ? pass
        : fail('invalid_request', 'the defaults are too long for so many evaluations')
    },
  },
  {
    id: 'authzen.semantic',
    clauses: ['AUTHZEN-7.1.2'],
    level: 'MUST',
    title: '`evaluations_semantic` is one of the three there are',
    check: ({ body }) => {
      const options = body?.options ?? {}
      return isJsonObject(options) && semantics.includes(options.evaluations_semantic ?? 'execute_all')
        ? pass
        : fail('invalid_request', '`options.evaluations_semantic` is unknown')
    },
  },
]

const pageRule: Rule<Body> = {
  id: 'authzen.page',
  clauses: ['AUTHZEN-8.2'],
  level: 'MUST',
  title: '`page` holds a token that is text and a limit that is a positive whole number',
  check: ({ body }) => {
    const page = body?.page ?? {}
    if (!isJsonObject(page)) return fail('invalid_request', '`page` is not an object')
    const { token = '', limit = 1 } = page
    if (typeof token !== 'string' || token.length > pageTokenLengthMax)
      return fail('invalid_request', '`page.token` is no token')
    return Number.isSafeInteger(limit) && Number(limit) >= 1
      ? pass
      : fail('invalid_request', '`page.limit` is no positive whole number')
  },
}

export type SearchFor = 'subject' | 'resource' | 'action'

export const subjectSearchRules: readonly Rule<Body>[] = [
  bodyRule,
  {
    id: 'authzen.search-subject',
    clauses: ['AUTHZEN-8.3'],
    level: 'MUST',
    title: 'the subjects searched for have a type',
    check: ({ body }) => (isTyped(body?.subject) ? pass : fail('invalid_request', '`subject` has no `type`')),
  },
  actionRule,
  resourceRule,
  contextRule,
  pageRule,
]

export const resourceSearchRules: readonly Rule<Body>[] = [
  bodyRule,
  subjectRule,
  actionRule,
  {
    id: 'authzen.search-resource',
    clauses: ['AUTHZEN-8.3'],
    level: 'MUST',
    title: 'the resources searched for have a type',
    check: ({ body }) =>
      isTyped(body?.resource) ? pass : fail('invalid_request', '`resource` has no `type`'),
  },
  contextRule,
  pageRule,
]

export const actionSearchRules: readonly Rule<Body>[] = [
  bodyRule,
  subjectRule,
  resourceRule,
  contextRule,
  pageRule,
]

/** A search (section 8): what is searched for has a type and no id, and an action no name. */
export const searchRules = {
  subject: subjectSearchRules,
  resource: resourceSearchRules,
  action: actionSearchRules,
} as const

export interface Page {
  readonly token: string
  readonly limit: number
}

export interface Search {
  readonly for: SearchFor
  /** Every member that is not searched for; the one that is has an empty id or name. */
  readonly question: Evaluation
  readonly page: Page
}

/** What one evaluation asks. @param body parsed strictly */
export function readEvaluation(body: JsonObject | undefined): Outcome<Evaluation> {
  const refusal = firstRefusal(evaluationRules, { body })
  return refusal ?? accept(evaluationOf(body ?? empty))
}

export interface Evaluations {
  /** Undefined: a single evaluation, asked and answered as such (section 7.1). */
  readonly items: readonly Outcome<Evaluation>[] | undefined
  readonly semantic: EvaluationsSemantic
}

/** Several evaluations, the members beside them laid under each. @param body parsed strictly */
export function readEvaluations(body: JsonObject | undefined): Outcome<Evaluations> {
  const refusal = firstRefusal(evaluationsRules, { body })
  if (refusal !== undefined) return refusal
  const { evaluations, options, ...defaults } = body ?? empty
  const list = (evaluations ?? []) as readonly JsonObject[]
  const semantic = (options as JsonObject | undefined)?.evaluations_semantic ?? 'execute_all'
  return accept({
    items: list.length === 0 ? undefined : list.map(item => readEvaluation({ ...defaults, ...item })),
    semantic: semantic as EvaluationsSemantic,
  })
}

/** What a search asks. @param body parsed strictly */
export function readSearch(searchFor: SearchFor, body: JsonObject | undefined): Outcome<Search> {
  const refusal = firstRefusal(searchRules[searchFor], { body })
  if (refusal !== undefined) return refusal
  const asked = body ?? empty
  const { token = '', limit = pageLimitUsual } = objectOf(asked.page) as {
    readonly token?: string
    readonly limit?: number
  }
  return accept({
    for: searchFor,
    question: evaluationOf(asked, searchFor),
    page: { token, limit: Math.min(limit, pageLimitMax) },
  })
}

/** Members as the rules found them. */
function evaluationOf(body: JsonObject, searchFor?: SearchFor): Evaluation {
  const partyOf = (name: 'subject' | 'resource'): Party => {
    const { type, id, properties } = body[name] as JsonObject
    // The id of what is searched for is ignored (section 8.4).
    return { type: String(type), id: searchFor === name ? '' : String(id), properties: objectOf(properties) }
  }
  const { name = '', properties } = objectOf(searchFor === 'action' ? undefined : body.action)
  return {
    subject: partyOf('subject'),
    action: { name: String(name), properties: objectOf(properties) },
    resource: partyOf('resource'),
    context: objectOf(body.context),
  }
}

const empty = Object.freeze(Object.create(null)) as JsonObject

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : empty
}
