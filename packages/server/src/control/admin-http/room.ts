import { isUtf8 } from 'node:buffer'
import { firstRefusal, type Refusal, refuse } from '@holdfast/protocol'
import { adminCallerRules } from '@holdfast/protocol/specs/holdfast-admin/rules.ts'
import { parseJson } from '@holdfast/protocol/wire/json.ts'
import type { z } from 'zod'
import { auditAccepted, auditRefused } from '../../data/audit-of.ts'
import {
  type BearerDesk,
  commitPresented,
  nextNonce,
  presentedToken,
  profileOf,
} from '../../data/bearer/presented.ts'
import type { ActiveToken } from '../../data/introspect/standing.ts'
import { recordRefusal } from '../../data/refused.ts'
import type { Room } from '../../data/room.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { Throttle } from '../../http/throttle.ts'
import { Fault } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import type { DocumentOf } from '../document.ts'
import { administratorOf, callerOf, judgeScopes, judgeStepUp } from './authority.ts'
import { HeldBack } from './bound-store.ts'
import { isStrict } from './doors.ts'
import { propose } from './propose.ts'
import { doneReply, refusalReply, strangersReply } from './reply.ts'
import { unfit } from './unfit.ts'
import {
  type AdminDesk,
  type AdminOperation,
  type AdminVisit,
  type Done,
  type Standing,
  visitOf,
} from './visit.ts'

/** Requests of one administrator in a minute, on each node; threat model section 6. */
export const adminRequestsPerMinuteMax = 600
/** Depth and members of a body: a set of a thousand documents, or policies and their tests. */
const bodyJsonLimits = { depthMax: 24, membersMax: 50_000 }

const refusedEvent = 'admin.refused'

/** What all rooms of one listener share. */
export interface AdminFloor {
  readonly desk: AdminDesk
  readonly standing: () => Promise<Standing>
  readonly pace: Throttle
}

export function openFloor(desk: AdminDesk, standing: () => Promise<Standing>): AdminFloor {
  const { clock } = desk.options.ports
  return { desk, standing, pace: new Throttle(adminRequestsPerMinuteMax, clock.monotonicMs) }
}

/**
 * One operation: its token and who is behind it, its query and body, its scopes; then the commit that spends the proof
 * and says in the audit what is about to be done, and by whom; then the operation.
 */
export function adminRoom(operation: AdminOperation, { desk, standing, pace }: AdminFloor): Room {
  return async (exchange, ports) => {
    const now = await standing()
    let administrator: DocumentOf<'Administrator'> | undefined
    const bearer: BearerDesk = {
      ...{ exchange, ports, refusedEvent, requiredScope: '' },
      judge: active => {
        administrator = administratorOf(active, now, desk)
        return judgeCaller(exchange, active, administrator, desk)
      },
    }
    const presented = await presentedToken(bearer)
    if (!presented.ok) return strangersReply(exchange, presented.refusal, presented.reply)
    if (administrator === undefined) throw new TypeError('rule table')
    const { active } = presented.value
    const caller = callerOf(active, administrator, exchange.issuer, desk, now)
    const visit = visitOf(desk, now, caller, {
      ...{ requestId: exchange.requestId, params: exchange.params },
      header: name => (exchange.headers(name).length === 0 ? undefined : exchange.headers(name).join(',')),
      ...{ query: queryOf(exchange), body: undefined },
    })
    const asked =
      pacedBy(pace, caller.name) ??
      judgeOutset(operation, active, administrator) ??
      parsed(operation, visit, exchange)
    const judged = asked.ok ? judgeAsked(operation, asked.value, active.token.scopes, administrator) : asked
    const { token } = active
    const context = { clientId: token.clientId, subject: token.subject, txn: token.txn }
    const at = ports.clock.now()
    const record: Write = judged.ok
      ? auditAccepted(exchange, at, 'admin.authorized', context, factsOf(operation, visit))
      : auditRefused(exchange, at, refusedEvent, judged, context)
    const committed = await commitPresented(bearer, presented.value, [record])
    if (committed.reply !== undefined && committed.refusal !== undefined)
      return strangersReply(exchange, committed.refusal, committed.reply)
    if (!committed.committed) throw new TypeError('no other guard stands in this list')
    const nonce = nextNonce(exchange, ports)
    const scheme = token.binding.jkt === undefined ? 'Bearer' : 'DPoP'
    const refuseHere = (refusal: Refusal): Reply => {
      const required = asked.ok ? operation.needs(asked.value) : operation.scopes
      return refusalReply(exchange, refusal, caller, { scheme, required }, nonce)
    }
    if (!judged.ok) {
      ports.metrics.count('refusals_total', { event: refusedEvent, rule: judged.ruleId })
      return refuseHere(judged)
    }
    const done = await worked(operation, judged.value)
    if (!('refusal' in done)) return doneReply(exchange, done, nonce)
    await recordRefusal(exchange, ports, refusedEvent, done.refusal, { context })
    return refuseHere(done.refusal)
  }
}

/** The operation itself, or what waits for a second person in its place. */
export async function worked(operation: AdminOperation, visit: AdminVisit): Promise<Done> {
  try {
    const { twoPersons } = operation
    const reasons = (await twoPersons?.reasons(visit)) ?? []
    if (twoPersons === undefined || reasons.length === 0) return await operation.work(visit)
    const misfit = twoPersons.misfit?.(visit)
    if (misfit !== undefined) return misfit
    const refusal = judgeStepUp(visit)
    if (refusal !== undefined) return { ok: false, refusal }
    return await propose(visit, {
      ...{ operation: operation.id, request: JSON.parse(JSON.stringify(visit.body)), changes: [] },
      ...{ reasons: [...reasons], base: await twoPersons.base(visit), approveScopes: [twoPersons.approve] },
    })
  } catch (thrown) {
    if (thrown instanceof HeldBack) return { ok: false, refusal: thrown.refusal }
    if (!(thrown instanceof Fault)) throw thrown
    const title = 'the server cannot do this now'
    return { ok: false, problem: { type: 'about:blank', title, status: 503, detail: thrown.code } }
  }
}

function judgeCaller(
  exchange: Exchange,
  active: ActiveToken,
  administrator: DocumentOf<'Administrator'> | undefined,
  { audience }: AdminDesk,
): Refusal | undefined {
  const { token, client } = active
  const profile = profileOf(exchange, token, client.profile)
  return firstRefusal(adminCallerRules, {
    ...{ tokenAudience: token.audience, audience },
    isBound: token.binding.jkt !== undefined || token.binding.x5tS256 !== undefined,
    isStrict: isStrict(profile),
    isExchanged: token.act !== undefined,
    administrator: administrator?.name,
  })
}

type Parsed = { readonly ok: true; readonly value: AdminVisit } | Refusal

function parsed(operation: AdminOperation, visit: AdminVisit, exchange: Exchange): Parsed {
  const query = fit(operation.query, visit.query, 'query')
  if (!query.ok) return query
  if (operation.body === undefined) return { ok: true, value: { ...visit, query: query.value } }
  const json = jsonOf(exchange)
  if (json === undefined)
    return refuse('admin.body', [], 'invalid_request', 'the body is not one strict JSON text')
  const body = fit(operation.body, json, 'body')
  return body.ok ? { ok: true, value: { ...visit, query: query.value, body: body.value } } : body
}

function jsonOf({ body }: Exchange): unknown {
  return isUtf8(body) ? parseJson(body.toString('utf8'), bodyJsonLimits) : undefined
}

function fit(
  schema: z.ZodType | undefined,
  value: unknown,
  what: 'query' | 'body',
): { readonly ok: true; readonly value: unknown } | Refusal {
  if (schema === undefined) {
    const isEmpty = Object.keys(value as object).length === 0
    if (isEmpty) return { ok: true, value }
    return unfit(what, 'there are no parameters here')
  }
  const result = schema.safeParse(value)
  if (result.success) return { ok: true, value: result.data }
  const [issue] = result.error.issues
  const place = issue?.path.map(String).join('.') ?? ''
  const unknown = issue?.code === 'unrecognized_keys' ? `: \`${issue.keys.join('`, `')}\` is unknown` : ''
  const where = place === '' ? `the ${what}` : `\`${place}\``
  return unfit(what, `${where} does not fit${unknown}`)
}

/** One value as text, several as a list, so that a schema sees what was repeated. */
function queryOf({ query }: Exchange): Readonly<Record<string, unknown>> {
  const params = new URLSearchParams(query)
  return Object.fromEntries(
    [...new Set(params.keys())].map(name => {
      const values = params.getAll(name)
      return [name, values.length === 1 ? values[0] : values]
    }),
  )
}

function pacedBy(pace: Throttle, name: string): Refusal | undefined {
  if (pace.waitSeconds(name) > 0)
    return refuse('admin.pace', [], 'temporarily_unavailable', 'too many requests of this administrator')
  pace.fail(name)
  return undefined
}

/** Who has none of the scopes that the operation may need is turned away before the body is read. */
function judgeOutset(
  { scopes }: AdminOperation,
  { token }: ActiveToken,
  administrator: DocumentOf<'Administrator'>,
): Refusal | undefined {
  const hasOne = (held: readonly string[]): boolean => scopes.some(scope => held.includes(scope))
  if (scopes.length === 0 || (hasOne(token.scopes) && hasOne(administrator.spec.scopes))) return undefined
  return judgeScopes(scopes, hasOne(token.scopes) ? scopes : token.scopes, administrator)
}

/**
 * Whether this caller may ask for this.
 * @param granted scopes of the token
 */
export function judgeAsked(
  operation: AdminOperation,
  visit: AdminVisit,
  granted: readonly string[],
  administrator: DocumentOf<'Administrator'>,
): Parsed {
  const refusal =
    judgeScopes(operation.needs(visit), granted, administrator) ??
    (operation.isWhole && visit.caller.reach !== undefined ? beyondReach : undefined) ??
    (operation.isPersonal && !visit.caller.isPerson ? clientConfirms : undefined) ??
    (operation.isHighRisk(visit) ? judgeStepUp(visit) : undefined)
  return refusal ?? { ok: true, value: visit }
}

const beyondReach = refuse(
  'admin.reach',
  ['HFA-8'],
  'access_denied',
  'this is about every issuer, and the rights of this administrator are for some',
)

const clientConfirms = refuse(
  'admin.approver-person',
  ['HFA-5'],
  'access_denied',
  'a client confirms nothing: a person does',
)

function factsOf({ id }: AdminOperation, { caller, params, header }: AdminVisit) {
  const ifMatch = header('if-match')
  return {
    ...(caller.reach !== undefined && { issuers: caller.reach }),
    ...{ operation: id, person: caller.name, identity: 'token', admin_scopes: caller.scopes },
    ...(params.name !== undefined && { name: params.name.slice(0, 200) }),
    ...(ifMatch !== undefined && { if_match: ifMatch.slice(0, 200) }),
  }
}
