import { type Evaluation, plainContextMembers } from '@holdfast/protocol/specs/authzen/rules.ts'
import { isJsonObject, type JsonObject } from '@holdfast/protocol/wire/json.ts'
import type { Decide, Decision, Question } from './decide.ts'

/**
 * Whoever answers AuthZEN evaluations: `issuerDecisionPoint`, `remoteDecisionPoint` and `remoteOpa` here, `createPdp` of
 * `@holdfast/policy`, or your own. A decision point that cannot answer throws `DecisionUnavailable`.
 */
export interface DecisionPoint {
  readonly evaluate: (evaluation: Evaluation) => unknown
}

/** The decision could not be made: the request is refused with 503, and may be sent again. */
export class DecisionUnavailable extends Error {}

/** What is asked about one request; parties without properties leave them out. */
export interface Asked {
  readonly subject?: { readonly type: string; readonly id: string; readonly properties?: object }
  readonly action: { readonly name: string; readonly properties?: object }
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: object }
  /** What the token says is not the API's to say: a question with a member of `tokenContext` here is denied. */
  readonly context?: object
}

/**
 * Object-level decisions by a decision point (AuthZEN 1.0 section 6).
 * @param ask names the action and the very object of this request, with what only this API knows about it. Undefined
 *   when there is no such object: denied. Without `subject` the user of the token is asked about, type `user`.
 *   `tokenContext` is laid beside `context`.
 */
export function decideBy<Native>(
  point: DecisionPoint,
  ask: (question: Question<Native>) => Asked | undefined | Promise<Asked | undefined>,
): Decide<Native> {
  const about = (asked: Asked | undefined, question: Question<Native>): Decision | Promise<Decision> => {
    if (asked === undefined) return { allow: false, reason: 'there is no such object' }
    // An API that passes on what a request sent must not pass on a stronger sign-in.
    const forged = tokenNames.find(name => Object.hasOwn(asked.context ?? nothing, name))
    if (forged !== undefined)
      return { allow: false, reason: `\`context.${forged}\` is what the token says, not the API` }
    const answer = point.evaluate(evaluationOf(asked, question))
    return answer instanceof Promise ? answer.then(readAnswer) : readAnswer(answer)
  }
  return question => {
    const asked = ask(question)
    return asked instanceof Promise ? asked.then(one => about(one, question)) : about(asked, question)
  }
}

/** What the token says about the circumstances, in names a schema can rely on. */
const tokenMembers = Object.entries<(question: Question) => JsonObject[string] | undefined>({
  client_id: ({ token }) => token.clientId,
  audience: ({ token }) => token.audience,
  scopes: ({ token }) => token.scopes,
  acr: ({ token }) => token.acr,
  amr: ({ token: { amr } }) => (amr.length > 0 ? amr : undefined),
  auth_time: ({ token }) => token.authTime,
  tenant: ({ token }) => token.tenant,
  txn: ({ token: { claims } }) => (typeof claims.txn === 'string' ? claims.txn : undefined),
  binding: ({ token }) => bindingOf(token.binding),
  authorization_details: ({ token }) => token.authorizationDetails as unknown as JsonObject[],
  method: ({ method }) => method,
  path: ({ path }) => path,
})
const tokenNames = tokenMembers.map(([name]) => name)

/** All of `tokenMembers`; what the token does not say is left out. */
export function tokenContext(question: Question): JsonObject {
  const context: Record<string, JsonObject[string]> = {}
  for (const [name, read] of tokenMembers) {
    const value = read(question)
    if (value !== undefined) context[name] = value
  }
  return context
}

function bindingOf({ jkt, x5tS256 }: Question['token']['binding']): 'key' | 'certificate' | 'none' {
  if (jkt !== undefined) return 'key'
  return x5tS256 === undefined ? 'none' : 'certificate'
}

const nothing: JsonObject = Object.freeze({})

function evaluationOf(asked: Asked, question: Question): Evaluation {
  const { subject = { type: 'user', id: question.token.subject }, action, resource, context } = asked
  const party = ({ type, id, properties }: NonNullable<Asked['subject']>): Evaluation['subject'] => ({
    type,
    id,
    properties: (properties as JsonObject | undefined) ?? nothing,
  })
  return {
    subject: party(subject),
    action: { name: action.name, properties: (action.properties as JsonObject | undefined) ?? nothing },
    resource: party(resource),
    context: { ...tokenContext(question), ...context } as JsonObject,
  }
}

/**
 * Only `decision: true` permits, and only when its context holds nothing that obliges: an obligation that is not
 * understood here is a deny (section 5.5).
 * @throws DecisionUnavailable when it is no answer
 */
export function readAnswer(answer: unknown): Decision {
  if (!isJsonObject(answer) || typeof answer.decision !== 'boolean')
    throw new DecisionUnavailable('the decision point did not answer with a decision')
  const context = isJsonObject(answer.context) ? answer.context : nothing
  const { policy_version: version, error } = context
  const policyVersion = typeof version === 'string' ? { policyVersion: version } : {}
  if (!answer.decision) {
    const reason = isJsonObject(error) ? 'the decision point found an error' : 'the policy denied'
    return { allow: false, reason, ...policyVersion, ...stepUpOf(context) }
  }
  const obliging = Object.keys(context).find(name => !plainContextMembers.includes(name))
  return obliging === undefined
    ? { allow: true, ...policyVersion }
    : {
        allow: false,
        reason: `\`${obliging.slice(0, 64)}\` obliges to something unknown here`,
        ...policyVersion,
      }
}

/** A deny that better authentication would turn (section 5.5.2), with our `max_age` beside `acr_values`. */
function stepUpOf({ acr_values: acrValues, max_age: maxAge }: JsonObject): Pick<Decision, 'stepUp'> {
  const values = (Array.isArray(acrValues) ? acrValues : []).filter(value => typeof value === 'string')
  const isAge = Number.isSafeInteger(maxAge) && Number(maxAge) >= 0
  if (values.length === 0 && !isAge) return {}
  return {
    stepUp: {
      ...(values.length > 0 && { acrValues: values }),
      ...(isAge && { maxAgeSeconds: Number(maxAge) }),
    },
  }
}
