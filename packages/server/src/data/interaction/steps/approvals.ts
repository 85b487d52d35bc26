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
import { type AuditContext, auditAccepted, auditRefused } from '../../audit-of.ts'
import { isLasting } from '../../authorize/lasting.ts'
import { approvalWrites, cibaGrantLifetime, cibaGrantOf, denialWrites } from '../../ciba/answer.ts'
import { requestToAllow } from '../../ciba/demand.ts'
import { outstandingCibaKey } from '../../ciba/prompts.ts'
import { type CibaAccess, judgeCibaAccess } from '../../ciba/request.ts'
import { participantOf } from '../../logout/participant.ts'
import { type ApprovalContent, approvalsView, type Said } from '../../pages/approvals.ts'
import { wordsFor } from '../../pages/locale.ts'
import { seeOther } from '../../pages/page.ts'
import { scopeWords } from '../../pages/scope-words.ts'
import { outstandingRequests } from '../../par/outstanding.ts'
import { type Authorized, judgeAuthorize } from '../../policy/authorize.ts'
import { recordRefusal } from '../../refused.ts'
import { type AuthenticationState, authenticationState } from '../authentication.ts'
import { csrfToken } from '../csrf.ts'
import { stepUrl } from '../record.ts'
import { type LiveSession, sessionLimits } from '../session.ts'
import type { InteractionStep } from '../step.ts'
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
  readonly access: CibaAccess
  readonly content: ApprovalContent
}

async function answer(visit: Visit, form: Form, ports: Ports): Promise<Reply> {
  const decision = form.get('decision')
  if (decision !== 'allow' && decision !== 'deny') return await render(visit, ports)
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
  const { request, client, access, content } = waiting
  const state = authenticationFor(visit, waiting)
  if (state.next !== 'done') return await askForMore(visit, waiting, state, ports)
  const permitted = await judgeApproval(visit, waiting, state.stated)
  if (!permitted.ok) return await notPermitted(visit, waiting, permitted, ports)
  const { sid } = session.record
  const lifetimeSeconds = cibaGrantLifetime(client, access)
  const grant = cibaGrantOf(request, { sid, ...state.stated }, lifetimeSeconds, ports, now)
  const committed = await ports.store.commit([
    ...approvalWrites(request, grant, exchange.requestId, ports),
    { kind: 'join-session', record: participantOf(session.record.sid, grant.clientId, now) },
    {
      kind: 'touch-session',
      hash: session.record.hash,
      idleExpiresAt: secondsAfter(now, sessionLimits.idleSeconds),
    },
    ...permitted.writes,
    auditAccepted(exchange, now, 'ciba.approved', contextOf(waiting), {
      scopes: request.scopes,
      resources: request.resources,
      auth_req_ref: request.hash,
      consent: 'allowed',
      grant: grant.id,
      sid: session.record.sid,
      acr: session.record.acr,
      profile: access.profile.name,
    }),
  ])
  if (committed.committed) {
    noLongerOutstanding(visit, client, ports)
    return await render(visit, ports, { kind: 'allowed', clientName: content.clientName })
  }
  // A logout was faster: there is no session to consent in. The room asks for a new login.
  if (committed.guard === 'touch-session') return seeOther(stepUrl(exchange.issuer.url, id, 'login'))
  return await unanswered(visit, ports, decided, 'late', contextOf(waiting))
}

/** Moment 1 of policy, now that it is known how the user authenticated. */
function judgeApproval(
  visit: Visit,
  { request, client, access }: Waiting,
  { acr, amr, authTime }: StatedAuthentication,
): Promise<Authorized> {
  const { scopes, resources, subject, txn } = request
  const { sid } = sessionOf(visit).record
  const wanted = { scopes, resources, details: [], profile: access.profile }
  const user = { subject, sid, acr, amr, authTime }
  return judgeAuthorize(
    { client, grantType: cibaGrantType, txn, wanted, user, now: visit.now },
    visit.exchange,
  )
}

/** A stronger authentication first, where that helps; otherwise it is answered, with no. */
async function notPermitted(
  visit: Visit,
  waiting: Waiting,
  { refusal, stepUp, writes }: Extract<Authorized, { ok: false }>,
  ports: Ports,
): Promise<Reply> {
  const { interaction } = visit
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
  { request, access }: Waiting,
): AuthenticationState {
  const asked = requestToAllow(request, access, exchange.issuer)
  return authenticationState(asked, exchange.issuer, session, interaction, now)
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
  const { request, access, content } = waiting
  if (next === 'unmet') {
    const { clientName } = content
    const context = contextOf(waiting)
    await recordRefusal(exchange, ports, refused, unreachable, { context, writes: records })
    return await render(visit, ports, { kind: 'unreachable', clientName })
  }
  const demanding = { ...interaction, request: requestToAllow(request, access, exchange.issuer) }
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
  return found.flatMap(request => {
    const client = issuer.clients.get(request.clientId)
    if (client?.status !== 'active') return []
    const access = judgeCibaAccess(request, client, issuer)
    if (!access.ok) return []
    const content = contentOf(visit, request, client, access.value)
    return [{ request, client, access: access.value, content }]
  })
}

function contentOf(
  visit: Visit,
  request: FoundBackchannelRequest,
  client: Client,
  access: CibaAccess,
): ApprovalContent {
  const { issuer } = visit.exchange
  const words = wordsFor(visit.exchange)
  return {
    clientName: client.clientName,
    clientId: client.clientId,
    username: sessionOf(visit).user.username,
    bindingMessage: request.bindingMessage,
    scopes: request.scopes.map(name => ({ name, ...scopeWords(issuer.scopes.get(name), name, words) })),
    resources: request.resources.map(audience => ({
      audience,
      displayName: issuer.resourceServers.get(audience)?.displayName ?? audience,
    })),
    lifetimeSeconds: cibaGrantLifetime(client, access),
    isLasting: isLasting(client, request.scopes),
    endsAtSignOut: endsWithSession(request),
  }
}

function digestOf(content: ApprovalContent): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url')
}

async function render(visit: Visit, ports: Ports, said?: Said): Promise<Reply> {
  const { exchange, interaction, id, now } = visit
  const waiting = await listWaiting(visit, ports)
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
