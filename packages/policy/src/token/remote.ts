import { type Evaluation, plainContextMembers } from '@holdfast/protocol/specs/authzen/rules.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '@holdfast/protocol/wire/json.ts'
import type { Decision, DecisionError } from '../decision.ts'
import { isPolicyClaim, lifetimeSecondsMax, noObligations, type Obligations } from '../obligations.ts'
import { riskRecord, type TokenMoment, type TokenQuestion } from './question.ts'

/** What a remote engine said to one question. Only `permit` lets anything go on, and only with its obligations. */
export type RemoteVerdict =
  | { readonly verdict: 'permit'; readonly obligations: Obligations }
  /** With what would turn it: an authentication, an approval. */
  | { readonly verdict: 'deny'; readonly obligations: Obligations }
  /** No answer, or none that can be read: a deny. */
  | { readonly verdict: 'failed'; readonly message: string }

export interface Disclosed {
  /** Of the issuer that asks. */
  readonly issuer: string
  /** Whether the subject of the user is told; otherwise only that there is one. */
  readonly withSubject: boolean
}

/**
 * The question as an AuthZEN evaluation, in the names of the schema. Nothing more than the policies here know, and less:
 * no session, and the user only where that was asked for.
 */
export function evaluationOf(
  question: TokenQuestion,
  { issuer, withSubject }: Disclosed,
): Pick<Evaluation, 'subject' | 'action' | 'resource' | 'context'> {
  const { moment, client, asked } = question
  const { clientId, ...properties } = client
  const { scopes, resources, detailsTypes, environment, time, tier } = asked
  return {
    subject: { type: 'Client', id: clientId, properties },
    action: { name: moment, properties: {} },
    resource: { type: 'Access', id: 'asked', properties: { scopes, resources, detailsTypes } },
    context: { issuer, environment, time, tier, ...contextOf(question, withSubject) },
  }
}

function contextOf(question: TokenQuestion, withSubject: boolean): JsonObject {
  if (question.moment === 'register') {
    const { grantTypes, redirectHosts, hasSoftwareStatement, initialToken, isUpdate } = question
    return { grantTypes, redirectHosts, hasSoftwareStatement, initialToken, isUpdate }
  }
  const { subject, acr, amr, authAgeSeconds } = question.user
  const user = {
    hasUser: subject !== undefined,
    ...(withSubject && subject !== undefined && { user: subject }),
    ...(acr !== undefined && { acr }),
    amr,
    ...(authAgeSeconds !== undefined && { authAgeSeconds }),
  }
  if (question.moment === 'access') {
    const { binding, operation, object } = question
    return { ...user, binding, operation, objectType: object.type, objectId: object.id }
  }
  const { grantType, risk, approvedBy = [] } = question
  return {
    grantType,
    ...user,
    ...(approvedBy.length > 0 && { approvedBy }),
    ...(risk !== undefined && { risk: riskRecord(risk) }),
    ...(question.moment === 'mint' && {
      binding: question.binding,
      lifetimeSeconds: question.lifetimeSeconds,
    }),
  }
}

/** Entries of one list in an answer. */
const entriesMax = 50

/**
 * Reads an AuthZEN answer. A permit holds only when everything in its context is understood here and can be met at this
 * moment: what may oblige, and is not understood, is a failure.
 * @param ignored members of a context that whoever runs the engine says oblige nobody
 */
export function readVerdict(
  answer: JsonValue | undefined,
  moment: TokenMoment,
  ignored: readonly string[],
): RemoteVerdict {
  if (!isJsonObject(answer) || typeof answer.decision !== 'boolean')
    return failed('did not answer with a decision')
  const { decision, context = {} } = answer
  if (context !== null && !isJsonObject(context)) return failed('the context is not an object')
  const members = context ?? {}
  if (!decision) return { verdict: 'deny', obligations: wayOutOf(members) }
  const { obligations, ...others } = members
  const isPlain = (name: string): boolean => plainContextMembers.includes(name) || ignored.includes(name)
  const unknown = Object.keys(others).find(name => !isPlain(name))
  if (unknown !== undefined)
    return failed(`${isName(unknown) ? `\`${unknown}\`` : 'a member'} may oblige to something unknown here`)
  if (obligations === undefined || obligations === null)
    return { verdict: 'permit', obligations: noObligations }
  const read = isJsonObject(obligations) ? readObligations(obligations) : undefined
  if (read === undefined) return failed('the obligations cannot be read')
  return moment === 'mint' || Object.keys(obligations).length === 0
    ? { verdict: 'permit', obligations: read }
    : failed(`obliges to what only a token can meet, at \`${moment}\``)
}

const failed = (message: string): RemoteVerdict => ({ verdict: 'failed', message })

/** On a permit: what our own decision points write there. Undefined when a single one is not understood. */
function readObligations(given: JsonObject): Obligations | undefined {
  const { max_lifetime: lifetime, drop_scope: scopes, drop_details: details, add_claim: claims } = given
  const known = ['max_lifetime', 'drop_scope', 'drop_details', 'add_claim']
  if (!Object.keys(given).every(name => known.includes(name))) return undefined
  const isLifetime = lifetime === undefined || isSeconds(lifetime)
  const dropScopes = namesOf(scopes)
  const dropDetails = namesOf(details)
  const addClaims = claimsOf(claims)
  if (!isLifetime || dropScopes === undefined || dropDetails === undefined || addClaims === undefined)
    return undefined
  return {
    ...noObligations,
    maxLifetimeSeconds: lifetime === undefined ? undefined : Number(lifetime),
    ...{ dropScopes, dropDetails, addClaims },
  }
}

const isSeconds = (value: JsonValue): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= lifetimeSecondsMax

function namesOf(value: JsonValue | undefined): readonly string[] | undefined {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > entriesMax) return undefined
  const names = value.filter(isName)
  return names.length === value.length ? [...new Set(names)] : undefined
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/.test(value)

function claimsOf(value: JsonValue | undefined): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return {}
  if (!isJsonObject(value)) return undefined
  const claims = Object.entries(value)
  const isFit = claims.length <= entriesMax && claims.every(([name, text]) => isPolicyClaim(name, text))
  return isFit ? (Object.fromEntries(claims) as Record<string, string>) : undefined
}

/** On a deny: what would turn it. What cannot be read is no way out, and the deny stays one. */
function wayOutOf({ acr_values: acrs, approval_required: groups }: JsonObject): Obligations {
  const stepUp = namesOf(acrs) ?? []
  return {
    ...noObligations,
    stepUp: stepUp.length === 0 ? [] : [stepUp],
    requireApproval: namesOf(groups) ?? [],
  }
}

/** Place of a remote engine in what a decision names. */
export const remotePlace = (engine: string): string => `remote:${engine}`

/**
 * The decision after the engines it asked: both must permit, so they only take away.
 * @param local a permit
 */
export function withVerdicts(local: Decision, verdicts: ReadonlyMap<string, RemoteVerdict>): Decision {
  const said = [...verdicts]
  const errors: readonly DecisionError[] = said.flatMap(([engine, one]) =>
    one.verdict === 'failed' ? [{ place: remotePlace(engine), message: one.message }] : [],
  )
  if (errors.length > 0) return denied(local, [], errors)
  const denials = said.filter(([, { verdict }]) => verdict === 'deny')
  if (denials.length > 0) return deniedWithWayOut(local, denials)
  const merged = strictest(
    said.flatMap(([, one]) => (one.verdict === 'permit' ? [one.obligations] : [])),
    local.obligations,
  )
  if (merged !== undefined) return { ...local, obligations: merged }
  const message = 'the policies and the remote engines contradict each other'
  return denied(local, [], [{ place: 'obligations', message }])
}

function denied({ version }: Decision, determining: readonly string[], errors: readonly DecisionError[]) {
  return { decision: 'deny', determining, errors, obligations: noObligations, version } as const
}

/** A way out leads somewhere only when every engine that denies has one. */
function deniedWithWayOut(local: Decision, denials: readonly (readonly [string, RemoteVerdict])[]): Decision {
  const answer = denied(
    local,
    denials.map(([engine]) => remotePlace(engine)),
    [],
  )
  const ways = denials.flatMap(([, one]) => (one.verdict === 'deny' ? [one.obligations] : []))
  const hasWay = ({ stepUp, requireApproval }: Obligations): boolean =>
    stepUp.length + requireApproval.length > 0
  if (!ways.every(hasWay)) return answer
  const stepUp = [...local.obligations.stepUp, ...ways.flatMap(way => way.stepUp)]
  const requireApproval = [...local.obligations.requireApproval, ...ways.flatMap(way => way.requireApproval)]
  // An approval that an engine wants is one for each time, whatever the policies say of theirs.
  const { approvalSeconds } = local.obligations
  return { ...answer, obligations: { ...noObligations, approvalSeconds, stepUp, requireApproval } }
}

/** All of them at once; undefined when two say different things about one claim. */
function strictest(given: readonly Obligations[], local: Obligations): Obligations | undefined {
  const all = [local, ...given]
  const claims = new Map<string, string>()
  for (const [name, value] of all.flatMap(({ addClaims }) => Object.entries(addClaims))) {
    if ((claims.get(name) ?? value) !== value) return undefined
    claims.set(name, value)
  }
  const lifetimes = all.flatMap(({ maxLifetimeSeconds }) => maxLifetimeSeconds ?? [])
  return {
    ...local,
    maxLifetimeSeconds: lifetimes.length === 0 ? undefined : Math.min(...lifetimes),
    dropScopes: [...new Set(all.flatMap(({ dropScopes }) => dropScopes))],
    dropDetails: [...new Set(all.flatMap(({ dropDetails }) => dropDetails))],
    addClaims: Object.fromEntries(claims),
  }
}
