import { createHash } from 'node:crypto'
import { type Refusal, refuse, type StatedAuthentication, secondsAfter } from '@holdfast/protocol'
import { cibaGrantType, promptsMax } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../../http/exchange.ts'
import type { Ports } from '../../../ports.ts'
import type { Client } from '../../../snapshot/snapshot.ts'
import { endsWithSession } from '../../../store/owners.ts'
import type { FoundBackchannelRequest } from '../../../store/store.ts'
import type { Write } from '../../../store/writes.ts'
import { listAnswerable, shownApproval } from '../../approvals/answer.ts'
import { groupsMissing } from '../../approvals/approval.ts'
import { type AuditContext, auditAccepted, auditRefused } from '../../audit-of.ts'
import { type AccessElsewhere, askedAgain } from '../../authorize/asked-elsewhere.ts'
import { detailsFacts } from '../../authorize/details-facts.ts'
import { managementFacts } from '../../authorize/facts.ts'
import { isLasting } from '../../authorize/lasting.ts'
import {
  approvalWrites,
  cibaGrantLifetime,
  cibaGrantOf,
  denialWrites,
  loadAskedElsewhere,
} from '../../ciba/answer.ts'
import { requestToAllow } from '../../ciba/demand.ts'
import { outstandingCibaKey } from '../../ciba/prompts.ts'
import { judgeCibaAccess } from '../../ciba/request.ts'
import { vouchedBy } from '../../consents/vouched.ts'
import { participantOf } from '../../logout/participant.ts'
import { type ApprovalContent, approvalsView, type Said } from '../../pages/approvals.ts'
import { shownDetails } from '../../pages/detail-item.ts'
import { wordsFor } from '../../pages/locale.ts'
import { seeOther } from '../../pages/page.ts'
import { scopeWords } from '../../pages/scope-words.ts'
import { outstandingRequests } from '../../par/outstanding.ts'
import { type Authorized, judgeAuthorize } from '../../policy/authorize.ts'
import { recordRefusal } from '../../refused.ts'
import { statedRisk } from '../../risk/client.ts'
import { type AssessedSignIn, assessSignIn } from '../../risk/sign-in.ts'
import { type AuthenticationState, authenticationState } from '../authentication.ts'
import { csrfToken } from '../csrf.ts'
import { answerForGroup, commitAsking, tooManyWaiting } from '../group-approval.ts'
import type { Asked } from '../named-grant.ts'
import { stepUrl } from '../record.ts'
import { type LiveSession, sessionLimits } from '../session.ts'
import { shownClaims } from '../shown-claims.ts'
import type { InteractionStep } from '../step.ts'
import { tryAgain } from '../try-again.ts'
import type { Visit } from '../visit.ts'
import { unreachable } from './second-factor.ts'

const refused = 'ciba.refused'

/** For a user whom no client sent: what clients that wait elsewhere ask of them (OpenID Connect CIBA). */
export const approvals: InteractionStep = {
  name: 'approvals',
  isNeeded: ({ interaction }) => interaction.approvals === true,
  show: (visit, ports) => render(visit, ports),
  answer,
}

/** A request that its user may answer now. */
interface Waiting {
  readonly request: FoundBackchannelRequest
  readonly client: Client
  readonly access: AccessElsewhere
  /** What allowing it grants: for a merge more than the request asks for. */
  readonly asked: Asked
  readonly content: ApprovalContent
}

async function answer(visit: Visit, form: Form, ports: Ports): Promise<Reply> {
  const decision = form.get('decision')
  if (decision !== 'allow' && decision !== 'deny') return await render(visit, ports)
  if (form.get('approval') !== undefined)
    return await answerForGroup(visit, form, ports, said => render(visit, ports, said))
  const waiting = (await listWaiting(visit, ports)).find(
    ({ request }) => request.hash === form.get('request'),
  )
  if (waiting === undefined) return await unanswered(visit, ports, decided, 'late')
  if (decision === 'deny') return await deny(visit, waiting, ports)
  // I13: what the user saw is what the token holds. A name or text edited meanwhile is asked again.
  return form.get('shown') === digestOf(waiting.content)
    ? await allow(visit, waiting, ports)
    : await unanswered(visit, ports, changed, 'changed', contextOf(waiting))
}

/** Somebody else's, answered, expired, never there: which of them is nobody's business. */
const decided = refuse(
  'ciba.decided',
  ['CIBA-7.3-once'],
  'invalid_request',
  'no request of this user waits by this name: it was answered, has expired, or is not theirs',
)

const changed = refuse('ciba.changed', [], 'invalid_request', 'what is asked for changed after it was shown')

async function allow(visit: Visit, waiting: Waiting, ports: Ports): Promise<Reply> {
  const { exchange, now, id } = visit
  const session = sessionOf(visit)
  const { request, client, access, asked, content } = waiting
  const state = authenticationFor(visit, waiting)
  if (state.next !== 'done') return await askForMore(visit, waiting, state, ports)
  const signIn = await assessSignIn(exchange, ports, session.user, visit.interaction, now)
  const permitted = await judgeApproval(visit, waiting, state.stated, signIn, ports)
  if (!permitted.ok) return await notPermitted(visit, waiting, permitted, ports)
  const { sid } = session.record
  const lifetimeSeconds = cibaGrantLifetime(client, asked, access.profile)
  const made = cibaGrantOf(request, asked, { sid, ...state.stated }, lifetimeSeconds, ports, now)
  const grant = signIn === undefined ? made : { ...made, risk: signIn.judged }
  const remembered = signIn?.remember()
  const committed = await ports.store.commit([
    ...approvalWrites(request, grant, asked.named, exchange.requestId, ports),
    { kind: 'join-session', record: participantOf(session.record.sid, grant.clientId, now) },
    {
      kind: 'touch-session',
      hash: session.record.hash,
      idleExpiresAt: secondsAfter(now, sessionLimits.idleSeconds),
    },
    ...permitted.uses,
    ...permitted.writes,
    ...(remembered?.writes ?? []),
    auditAccepted(exchange, now, 'ciba.approved', contextOf(waiting), {
      scopes: request.scopes,
      resources: request.resources,
      ...detailsFacts(request.authorizationDetails),
      auth_req_ref: request.hash,
      consent: 'allowed',
      shown: digestOf(content),
      locale: content.locale,
      grant: grant.id,
      granted_scopes: grant.scopes,
      ...managementFacts(request.grantManagement),
      ...(asked.named !== undefined && { replaced_grant: asked.named.id }),
      sid: session.record.sid,
      acr: state.stated.acr,
      profile: access.profile.name,
    }),
  ])
  if (committed.committed) {
    noLongerOutstanding(visit, client, ports)
    const page = await render(visit, ports, { kind: 'allowed', clientName: content.clientName })
    return remembered === undefined ? page : { ...page, headers: [...page.headers, remembered.cookie] }
  }
  // Another request was faster with the grant that this one names: the user is asked about what it is now.
  if (committed.guard === 'end-grant')
    return await unanswered(visit, ports, changed, 'changed', contextOf(waiting))
  // Another request used up the approval of others, or it was taken back: what is missing now, the answer says.
  if (committed.guard === 'spend-approval' || committed.guard === 'require-approval')
    return await unanswered(visit, ports, changed, 'changed', contextOf(waiting))
  // A logout was faster: there is no session to consent in. The room asks for a new login.
  if (committed.guard === 'touch-session') return seeOther(stepUrl(exchange.issuer.url, id, 'login'))
  return await unanswered(visit, ports, decided, 'late', contextOf(waiting))
}

/** Moment 1 of policy, now that it is known how the user authenticated. */
function judgeApproval(
  visit: Visit,
  { request, client, access, asked }: Waiting,
  { acr, amr, authTime }: StatedAuthentication,
  signIn: AssessedSignIn | undefined,
  ports: Ports,
): Promise<Authorized> {
  const { subject, txn } = request
  const { sid } = sessionOf(visit).record
  const { profile } = access
  const { exchange, now } = visit
  const wanted = { ...asked, profile }
  const user = { subject, sid, acr, amr, authTime }
  const risk = statedRisk({ client, profile, subject, signIn: signIn?.judged, now }, exchange, ports)
  return judgeAuthorize({ client, grantType: cibaGrantType, txn, wanted, user, now, risk }, exchange, ports)
}

/** A stronger authentication first, where that helps; otherwise it is answered, with no. */
async function notPermitted(
  visit: Visit,
  waiting: Waiting,
  permitted: Extract<Authorized, { ok: false }>,
  ports: Ports,
): Promise<Reply> {
  const { interaction } = visit
  const { refusal, stepUp, approval, writes } = permitted
  if (refusal.error === 'temporarily_unavailable')
    return await tryAgain(visit, refused, refusal, contextOf(waiting), ports)
  if (approval !== undefined && approval.standing !== 'denied') {
    const isAsked = await commitAsking(visit, sessionOf(visit), permitted, ports)
    if (!isAsked) return await deny(visit, waiting, ports, tooManyWaiting, writes)
    const groups = groupsMissing(approval.record)
    return await render(visit, ports, { kind: 'asked', clientName: waiting.content.clientName, groups })
  }
  if (stepUp !== undefined) {
    const demanding: Visit = { ...visit, interaction: { ...interaction, policyAcrs: stepUp } }
    const state = authenticationFor(demanding, waiting)
    if (state.next !== 'done') return await askForMore(demanding, waiting, state, ports, writes)
  }
  return await deny(visit, waiting, ports, refusal, writes)
}

/** Whether the user did all that this request asks for; another one on the page may ask for less. */
function authenticationFor(
  { exchange, session, interaction, now }: Visit,
  { request, access, asked }: Waiting,
): AuthenticationState {
  const needed = requestToAllow(request, asked, access.profile, exchange.issuer)
  return authenticationState(needed, exchange.issuer, session, interaction, now)
}

/** The interaction takes over what the request asks for: the room has the user do it, and then they answer again. */
async function askForMore(
  visit: Visit,
  waiting: Waiting,
  { next }: AuthenticationState,
  ports: Ports,
  records: readonly Write[] = [],
): Promise<Reply> {
  const { exchange, interaction, id, now } = visit
  const { request, access, asked, content } = waiting
  if (next === 'unmet') {
    const { clientName } = content
    const context = contextOf(waiting)
    await recordRefusal(exchange, ports, refused, unreachable, { context, writes: records })
    return await render(visit, ports, { kind: 'unreachable', clientName })
  }
  const demanding = {
    ...interaction,
    request: requestToAllow(request, asked, access.profile, exchange.issuer),
  }
  await ports.store.commit([
    { kind: 'advance-interaction', record: demanding, at: now },
    ...records,
    auditAccepted(exchange, now, 'ciba.step-up', contextOf(waiting), { auth_req_ref: request.hash, next }),
  ])
  return seeOther(stepUrl(exchange.issuer.url, id, 'approvals'))
}

const userDenied = refuse(
  'ciba.user-denied',
  ['CIBA-11-denied'],
  'access_denied',
  'the user denied the request',
)

async function deny(
  visit: Visit,
  waiting: Waiting,
  ports: Ports,
  refusal: Refusal = userDenied,
  records: readonly Write[] = [],
): Promise<Reply> {
  const { exchange, now } = visit
  const committed = await ports.store.commit([
    ...denialWrites(waiting.request, exchange.requestId, ports, now),
    ...records,
    auditRefused(exchange, now, 'ciba.denied', refusal, contextOf(waiting)),
  ])
  if (!committed.committed) return await unanswered(visit, ports, decided, 'late', contextOf(waiting))
  noLongerOutstanding(visit, waiting.client, ports)
  return await render(visit, ports, { kind: 'denied', clientName: waiting.content.clientName })
}

/** An answered request makes room for another one of its client. */
function noLongerOutstanding({ exchange }: Visit, client: Client, ports: Ports): void {
  outstandingRequests(ports).release(outstandingCibaKey(exchange, client))
}

async function unanswered(
  visit: Visit,
  ports: Ports,
  refusal: Refusal,
  kind: 'changed' | 'late',
  context: AuditContext = { subject: sessionOf(visit).record.subject },
): Promise<Reply> {
  await recordRefusal(visit.exchange, ports, refused, refusal, { context })
  return await render(visit, ports, { kind })
}

/** What the signed-in user may answer; what its client may not have any more is not shown (I23). */
async function listWaiting(visit: Visit, ports: Ports): Promise<readonly Waiting[]> {
  const { exchange, now } = visit
  const { user } = sessionOf(visit)
  const { issuer } = exchange
  // Each waiting request holds one of the places there are.
  const found = await ports.store.listWaitingBackchannelRequests(issuer.url, user.subject, now, promptsMax)
  const waiting = await Promise.all(found.map(request => waitingOf(visit, request, ports)))
  return waiting.filter(one => one !== undefined)
}

async function waitingOf(
  visit: Visit,
  request: FoundBackchannelRequest,
  ports: Ports,
): Promise<Waiting | undefined> {
  const { issuer } = visit.exchange
  const client = issuer.clients.get(request.clientId)
  if (client?.status !== 'active') return undefined
  const access = judgeCibaAccess(askedAgain(request), client, issuer)
  if (!access.ok) return undefined
  const asked = await loadAskedElsewhere(request, client, access.value, issuer, ports)
  if (!asked.ok) return undefined
  const shown = { request, client, access: access.value, asked: asked.value }
  return { ...shown, content: contentOf(visit, shown) }
}

function contentOf(
  visit: Visit,
  { request, client, access, asked }: Omit<Waiting, 'content'>,
): ApprovalContent {
  const { issuer } = visit.exchange
  const words = wordsFor(visit.exchange)
  return {
    locale: words.locale,
    clientName: client.clientName,
    clientId: client.clientId,
    username: sessionOf(visit).user.username,
    bindingMessage: request.bindingMessage,
    change: asked.named === undefined ? undefined : request.grantManagement?.action,
    scopes: asked.scopes.map(name => ({ name, ...scopeWords(issuer.scopes.get(name), name, words) })),
    claims: shownClaims(asked, client, issuer, words),
    details: shownDetails(asked.details, issuer),
    resources: asked.resources.map(audience => ({
      audience,
      displayName: issuer.resourceServers.get(audience)?.displayName ?? audience,
    })),
    lifetimeSeconds: cibaGrantLifetime(client, asked, access.profile),
    isLasting: isLasting(client, asked.scopes),
    endsAtSignOut: endsWithSession(asked),
    vouchedBy: vouchedBy(client, issuer),
  }
}

function digestOf(content: ApprovalContent): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url')
}

async function render(visit: Visit, ports: Ports, said?: Said): Promise<Reply> {
  const { exchange, interaction, id, now } = visit
  const waiting = await listWaiting(visit, ports)
  const forGroups = await listAnswerable(visit, sessionOf(visit), ports)
  return approvalsView(exchange, {
    action: stepUrl(exchange.issuer.url, id, 'approvals'),
    csrf: csrfToken(ports.keys, interaction, 'approvals'),
    username: sessionOf(visit).user.username,
    approvals: waiting.map(({ request, content }) => ({
      request: request.hash,
      shown: digestOf(content),
      minutesAgo: Math.floor((now - request.issuedAt) / 60),
      content,
    })),
    groupApprovals: forGroups.map(one => shownApproval(one, now)),
    ...(said && { said }),
  })
}

/** The room lets nobody reach this step without one. */
function sessionOf({ session }: Visit): LiveSession {
  if (session === undefined) throw new TypeError('approvals without a session')
  return session
}

function contextOf({ request }: Waiting): Required<AuditContext> {
  const { txn, clientId, subject } = request
  return { txn, clientId, subject }
}
