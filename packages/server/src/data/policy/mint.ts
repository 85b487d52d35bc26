import assert from 'node:assert/strict'
import type { Decision, MintQuestion, StatedRisk } from '@holdfast/policy'
import { accept, type EpochSeconds, type Outcome, type Refusal, refuse } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Binding } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { constraintOf } from '../mint/constraint.ts'
import { lint } from '../mint/lint.ts'
import type { MintOrder, Sender } from '../mint/order.ts'
import { type AskedRisk, assessClient } from '../risk/client.ts'
import { type Approving, askWithApprovals } from './approval.ts'
import { type Answered, recordsOf } from './ask.ts'
import { judgeInformed } from './authorize.ts'
import { askedAccess, askingClient } from './parties.ts'
import { refusalOf, refusalOfApproval } from './refusals.ts'
import { refusedInDialect } from './token-errors.ts'

/** What policy made of an order, with the records of every moment it was asked at. */
export type Preminted =
  | { readonly ok: true; readonly order: MintOrder; readonly writes: readonly Write[] }
  | {
      readonly ok: false
      readonly refusal: Refusal
      readonly writes: readonly Write[]
      /** Asks others for their approval, where that is what is missing and nobody asked before. */
      readonly asking: readonly Write[]
    }

/**
 * The last word before anything is minted: refuse the order, or let it reach less far. Where nobody asked the user on
 * the way (an exchanged token, another issuer's word), the first moment comes here, too.
 */
export async function premint(
  order: MintOrder,
  { authenticated, proven, hasNonce }: Sender,
  exchange: Exchange,
  ports: Ports,
): Promise<Preminted> {
  const { txn, subject, grantType } = order
  const context = { txn, subject }
  const assessing = assessClient(riskAsked(order), authenticated, exchange, ports)
  const { risk, writes: seen } = assessing instanceof Promise ? await assessing : assessing
  const first = isFirstAsked(order)
    ? await judgeInformed(authorizeInput(order, risk), exchange, ports)
    : undefined
  if (first !== undefined && !first.ok)
    return {
      ...{ ok: false, refusal: refusedInDialect(first.refusal, grantType) },
      ...{ writes: [...first.writes, ...seen], asking: first.approval?.asking ?? [] },
    }
  const before = first?.writes ?? []

  const { answered, missing, uses } = await askWithApprovals(
    mintQuestion(order, risk, exchange),
    approvingOf(order),
    exchange,
    ports,
  )
  const narrowed = judgeAnswer(order, answered, exchange)
  // What policies left as it was has had its last look.
  const linted =
    narrowed.ok && narrowed.value !== order
      ? lint(narrowed.value, { method: authenticated.method, proven, hasNonce })
      : narrowed
  const writes = [...before, ...recordsOf(answered, linted.ok, context, exchange), ...seen]
  if (linted.ok)
    return { ok: true, order: linted.value, writes: [...(first?.uses ?? []), ...uses, ...writes] }
  const isApprovalMissing = linted.ruleId === 'policy.approval' && missing !== undefined
  const refusal = isApprovalMissing ? refusalOfApproval(linted, missing) : linted
  return {
    ...{ ok: false, refusal: refusedInDialect(refusal, grantType), writes },
    asking: isApprovalMissing ? missing.asking : [],
  }
}

/** What others would approve: the order as it is before policies take anything away. */
function approvingOf(order: MintOrder): Approving {
  const { grantId, subject, txn, acr, scopes, audience, authorizationDetails: details, issuedAt: now } = order
  const wanted = { scopes, resources: [audience], details }
  return { wanted, subject: grantId === undefined ? undefined : subject, txn, acr, now }
}

/** Grant types by which a client comes to act for a user without a page of ours in between. */
const unseen: ReadonlySet<MintOrder['grantType']> = new Set([
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
])

/** A client that exchanges its own token acts for nobody. */
function isFirstAsked({ grantType, grantId }: MintOrder): boolean {
  return unseen.has(grantType) && grantId !== undefined
}

function riskAsked({ client, profile, subject, grantId, risk, issuedAt }: MintOrder): AskedRisk {
  const hasUser = grantId !== undefined
  return { client, profile, subject: hasUser ? subject : undefined, signIn: risk, now: issuedAt }
}

function authorizeInput(order: MintOrder, risk: StatedRisk | undefined) {
  const { client, grantType, txn, scopes, audience, authorizationDetails: details, profile } = order
  const { subject, sid, acr, amr, authTime, issuedAt: now } = order
  return {
    ...{ client, grantType, txn, now, risk, attributes: order.policyAttributes },
    wanted: { scopes, resources: [audience], details, profile },
    user: { subject, sid, acr, amr, authTime },
  }
}

function mintQuestion(order: MintOrder, risk: StatedRisk | undefined, { issuer }: Exchange): MintQuestion {
  const { client, grantType, scopes, audience, authorizationDetails: details, profile, binding } = order
  const { subject, grantId, sid, acr, amr, authTime, issuedAt, lifetimeSeconds } = order
  return {
    moment: 'mint',
    client: askingClient(client, issuer),
    asked: askedAccess({ scopes, resources: [audience], details, profile }, issuer, issuedAt),
    grantType,
    user: {
      subject: grantId === undefined ? undefined : subject,
      ...{ sid, acr, amr, authAgeSeconds: ageOf(authTime, issuedAt) },
    },
    ...{ binding: constraintOf(binding), lifetimeSeconds, risk },
    ...(order.policyAttributes !== undefined && { attributes: order.policyAttributes }),
  }
}

function ageOf(authTime: EpochSeconds | undefined, now: EpochSeconds): number | undefined {
  return authTime === undefined ? undefined : Math.max(0, now - authTime)
}

function judgeAnswer(order: MintOrder, answered: Answered, { issuer }: Exchange): Outcome<MintOrder> {
  const { obligations } = answered.decision
  const refusal = refusalOf(answered, order.acr, issuer.authenticationLevels)
  if (refusal !== undefined) return refusal
  const narrowed = narrow(order, obligations)
  if (narrowed === order) return accept(order)
  assertNarrower(order, narrowed)
  const had = order.scopes.length + order.authorizationDetails.length
  if (had > 0 && narrowed.scopes.length + narrowed.authorizationDetails.length === 0)
    return refuse(
      'policy.nothing-left',
      [],
      'access_denied',
      'the policies leave nothing of what was asked for',
      { policies: answered.policies.name, policy_version: answered.policies.version },
    )
  return accept(narrowed)
}

/** The order as far as the obligations let it reach; the same object when they ask for nothing. */
export function narrow(
  order: MintOrder,
  { dropScopes, dropDetails, maxLifetimeSeconds, addClaims }: Decision['obligations'],
): MintOrder {
  const hasClaims = Object.keys(addClaims).length > 0
  if (dropScopes.length + dropDetails.length === 0 && maxLifetimeSeconds === undefined && !hasClaims)
    return order
  const most = maxLifetimeSeconds ?? Number.POSITIVE_INFINITY
  const scopes = order.scopes.filter(scope => !dropScopes.includes(scope))
  const { idToken, refreshToken } = order
  const isLastingDropped = order.scopes.includes(offlineAccess) && dropScopes.includes(offlineAccess)
  return {
    ...order,
    scopes,
    authorizationDetails: order.authorizationDetails.filter(({ type }) => !dropDetails.includes(type)),
    lifetimeSeconds: Math.min(order.lifetimeSeconds, most),
    idToken:
      idToken === undefined || dropScopes.includes('openid')
        ? undefined
        : { ...idToken, lifetimeSeconds: Math.min(idToken.lifetimeSeconds, most) },
    refreshToken: isLastingDropped ? undefined : refreshToken,
    ...(hasClaims && { policyClaims: addClaims }),
  }
}

const offlineAccess = 'offline_access'

/** INVARIANT (I14): a policy takes away, and never gives. */
function assertNarrower(before: MintOrder, after: MintOrder): void {
  assert(after.scopes.every(scope => before.scopes.includes(scope)))
  assert(after.authorizationDetails.every(detail => before.authorizationDetails.includes(detail)))
  assert(after.lifetimeSeconds <= before.lifetimeSeconds)
  assert(after.idToken === undefined || before.idToken !== undefined)
  assert(after.refreshToken === undefined || after.refreshToken === before.refreshToken)
  assert(after.attributeClaims === before.attributeClaims)
  assert(isSameBinding(after.binding, before.binding))
  assert(after.audience === before.audience)
  assert(after.subject === before.subject)
}

function isSameBinding(left: Binding, right: Binding): boolean {
  return left.jkt === right.jkt && left.x5tS256 === right.x5tS256 && left.instanceJkt === right.instanceJkt
}
