import { createHash } from 'node:crypto'
import { accept, type Outcome, type Refusal, refuse } from '@holdfast/protocol'
import {
  type Evaluation,
  type Evaluations,
  type EvaluationsSemantic,
  nameLengthMax,
  type Search,
} from '@holdfast/protocol/specs/authzen/rules.ts'
import type { JsonObject } from '@holdfast/protocol/wire/json.ts'
import { isKnownBySchema } from '../cedar/schema.ts'
import { decide, denied, type Entities } from '../decide.ts'
import type { Decision } from '../decision.ts'
import type { PolicySet } from '../policy-set.ts'
import { type AccessAnswer, answerOf, errorAnswer, type TokenObligation } from './answer.ts'
import { type Knowledge, questionOf } from './question-of.ts'

/** What decides, at this moment: one version of the policies with the entities prepared for its schema. */
export interface Deciding {
  readonly set: PolicySet
  readonly entities: Entities
  /**
   * Entity types of which whoever asks knows everything, such as the API's own objects: their properties come with
   * the question. Nothing can stand above such a type.
   */
  readonly givenTypes?: readonly string[]
}

export interface PdpOptions {
  /** Asked for each call, so that a new version decides at once, and one call is decided by one version. */
  readonly deciding: () => Deciding
  /** Told of every decision, for the log. It is called before the answer is given; when it throws, nothing is permitted. */
  readonly onDecision?: (record: DecisionRecord) => void
  /** Told of every one of several evaluations that is none, and was answered with an error. */
  readonly onRefused?: (refusal: Refusal) => void
  /** Obligations about a token that whoever asks meets; a permit that carries any other is answered as a deny. */
  readonly meets?: readonly TokenObligation[]
  /** `() => performance.now()`, to end a page of a search by the clock too, and not by what it looked at alone. */
  readonly monotonicMs?: () => number
}

/** One decision as the log keeps it: names and the outcome, and no properties. */
export interface DecisionRecord {
  readonly subject: { readonly type: string; readonly id: string }
  readonly action: string
  readonly resource: { readonly type: string; readonly id: string }
  readonly decision: boolean
  readonly policyVersion: string
  readonly determining: readonly string[]
  readonly errors: Decision['errors']
}

export interface SearchAnswer {
  readonly results: readonly ({ readonly type: string; readonly id: string } | { readonly name: string })[]
  readonly page: { readonly next_token: string; readonly count: number }
  readonly context: { readonly policy_version: string }
}

/** A policy decision point of AuthZEN 1.0, without a wire: `http.ts` puts one before it. */
export interface Pdp {
  readonly evaluate: (evaluation: Evaluation) => AccessAnswer
  /** In the order of the questions; fewer than there are when the semantic stops early (section 7.2). */
  readonly evaluateAll: (
    items: NonNullable<Evaluations['items']>,
    semantic: EvaluationsSemantic,
  ) => readonly AccessAnswer[]
  /** @returns `authzen.page-token` when the token is of another search */
  readonly search: (search: Search) => Outcome<SearchAnswer>
}

/** Candidates one page looks at: a search that permits few still answers in bounded time, with a token to go on. */
export const candidatesPerPageMax = 5000
/** Every candidate costs a reading of the question: a long one gets shorter pages. */
export const charactersPerPageMax = 1_048_576
/** Where there is a clock. Nothing else is answered meanwhile. */
export const millisecondsPerPageMax = 20
/** Candidates between two looks at the clock. */
export const candidatesPerLook = 64

/**
 * A decision point over compiled policies.
 * @throws TypeError, at the first question, when a given type can have something above it
 */
export function createPdp({
  deciding,
  onDecision,
  onRefused,
  meets = [],
  monotonicMs = () => 0,
}: PdpOptions): Pdp {
  const evaluateBy = (now: Moment, evaluation: Evaluation): AccessAnswer => {
    const asked = questionOf(evaluation, now.knowledge)
    const decision = asked.ok
      ? decide(now.set, asked.value.question, asked.value.entities)
      : undecided(now.set, asked.problems)
    const answer = answerOf(decision, evaluation.context, meets)
    onDecision?.(recordOf(evaluation, decision, answer))
    return answer
  }
  return {
    evaluate: evaluation => evaluateBy(momentOf(deciding()), evaluation),
    evaluateAll: (items, semantic) => {
      const now = momentOf(deciding())
      const answers: AccessAnswer[] = []
      for (const item of items) {
        if (!item.ok) onRefused?.(item)
        const answer = item.ok ? evaluateBy(now, item.value) : errorAnswer(400, item.reason, now.set.version)
        answers.push(answer)
        if (semantic === 'deny_on_first_deny' && !answer.decision) break
        if (semantic === 'permit_on_first_permit' && answer.decision) break
      }
      return answers
    },
    search: search => searchBy(momentOf(deciding()), search, meets, monotonicMs),
  }
}

interface Moment {
  readonly set: PolicySet
  readonly entities: Entities
  readonly knowledge: Knowledge
}

const moments = new WeakMap<Deciding, Moment>()

function momentOf(deciding: Deciding): Moment {
  const known = moments.get(deciding)
  if (known !== undefined) return known
  const { set, entities, givenTypes = [] } = deciding
  for (const type of givenTypes) {
    const shape = set.schema.entityTypes.get(type)
    if (shape === undefined) throw new TypeError(`given type \`${type}\` is not in the schema`)
    if (shape.above.size > 0)
      throw new TypeError(`given type \`${type}\` can have something above it, which nobody would tell`)
  }
  const knowledge = { schema: set.schema, stored: entities, givenTypes: new Set(givenTypes) }
  const moment = { set, entities, knowledge }
  moments.set(deciding, moment)
  return moment
}

function undecided(
  set: PolicySet,
  problems: readonly { readonly place: string; readonly message: string }[],
): Decision {
  return denied(
    set,
    problems.map(({ place, message }) => ({ place: 'question', message: `${place}: ${message}` })),
  )
}

function recordOf(
  { subject, action, resource }: Evaluation,
  { determining, errors, version }: Decision,
  { decision }: AccessAnswer,
): DecisionRecord {
  return {
    subject: { type: subject.type, id: subject.id },
    action: action.name,
    resource: { type: resource.type, id: resource.id },
    decision,
    policyVersion: version,
    determining,
    errors,
  }
}

/** Every candidate is evaluated as an evaluation would be, so that a result is one that would be permitted. */
function searchBy(
  now: Moment,
  search: Search,
  meets: readonly TokenObligation[],
  monotonicMs: () => number,
): Outcome<SearchAnswer> {
  const { question, page } = search
  const digest = digestOf(search, now.set.version)
  const after = page.token === '' ? '' : lastOf(page.token, digest)
  if (after === undefined)
    return refuse(
      'authzen.page-token',
      ['AUTHZEN-8.2'],
      'invalid_request',
      '`page.token` is of another search, or of other policies',
    )
  const results: string[] = []
  const candidatesMax = candidatesPerPage(question)
  const endsAtMs = monotonicMs() + millisecondsPerPageMax
  let looked = 0
  let last = ''
  let isPartial = false
  for (const name of candidatesOf(now, search)) {
    if (name <= after) continue
    const isLate = looked > 0 && looked % candidatesPerLook === 0 && monotonicMs() >= endsAtMs
    if (isLate || results.length === page.limit || looked === candidatesMax) {
      isPartial = true
      break
    }
    looked++
    last = name
    const asked = questionOf(candidateOf(search, name), now.knowledge)
    const decision = asked.ok ? decide(now.set, asked.value.question, asked.value.entities) : undefined
    if (decision !== undefined && answerOf(decision, question.context, meets).decision) results.push(name)
  }
  return accept({
    results: results.map(name =>
      search.for === 'action' ? { name } : { type: question[search.for].type, id: name },
    ),
    page: { next_token: isPartial ? tokenOf(last, digest) : '', count: results.length },
    context: { policy_version: now.set.version },
  })
}

function candidatesPerPage(question: Evaluation): number {
  const affordable = Math.floor(charactersPerPageMax / JSON.stringify(question).length)
  return Math.max(1, Math.min(candidatesPerPageMax, affordable))
}

function candidateOf({ for: searchFor, question }: Search, name: string): Evaluation {
  return searchFor === 'action'
    ? { ...question, action: { ...question.action, name } }
    : { ...question, [searchFor]: { ...question[searchFor], id: name } }
}

const sortedIds = new WeakMap<Entities, Map<string, readonly string[]>>()

/** Ids of a type, or names of actions, in one order; made once for a set of entities. */
function candidatesOf({ set, entities }: Moment, { for: searchFor, question }: Search): readonly string[] {
  const lists = sortedIds.get(entities) ?? new Map<string, readonly string[]>()
  sortedIds.set(entities, lists)
  const type = searchFor === 'action' ? '' : question[searchFor].type
  const known = lists.get(type)
  if (known !== undefined) return known
  const list = (searchFor === 'action' ? actionNames(set) : idsOf(set, entities, type))
    // What no evaluation can name is no result.
    .filter(name => name !== '' && name.length <= nameLengthMax)
    .toSorted(byCodeUnit)
  // Types of the schema only: nobody fills the memory with names.
  if (searchFor === 'action' || set.schema.entityTypes.has(type)) lists.set(type, list)
  return list
}

const byCodeUnit = (left: string, right: string): number => (left < right ? -1 : 1)

function idsOf({ schema }: PolicySet, { store }: Entities, type: string): readonly string[] {
  const enumerated = schema.entityTypes.get(type)?.ids
  if (enumerated !== undefined && isKnownBySchema(schema, { kind: 'entity', type, id: '', key: '' }))
    return [...enumerated]
  return [...store.values()].filter(({ uid }) => uid.type === type).map(({ uid }) => uid.id)
}

/** As an evaluation names them: an id that stands in several namespaces is written out. */
function actionNames({ schema }: PolicySet): readonly string[] {
  const all = [...schema.actionEntities.values()]
    .map(({ uid }) => uid)
    .filter(({ key }) => schema.actions.has(key))
  return all.map(({ id, type }) =>
    type === 'Action' || all.filter(other => other.id === id).length === 1 ? id : `${type}::${id}`,
  )
}

/** Of everything but the page: a token is good for the very same search by the very same policies. */
function digestOf({ for: searchFor, question }: Search, version: string): string {
  return createHash('sha256')
    .update(JSON.stringify([searchFor, version, ordered(question)]))
    .digest('base64url')
    .slice(0, 22)
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value as JsonObject)
    .toSorted(([left], [right]) => byCodeUnit(left, right))
    .map(([name, member]) => [name, ordered(member)])
}

const tokenOf = (last: string, digest: string): string =>
  Buffer.from(JSON.stringify([digest, last])).toString('base64url')

function lastOf(token: string, digest: string): string | undefined {
  try {
    const [of, last] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[]
    return of === digest && typeof last === 'string' ? last : undefined
  } catch {
    return undefined
  }
}
