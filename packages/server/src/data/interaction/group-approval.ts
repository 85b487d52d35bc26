import { refuse, secondsAfter } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { ApprovalRecord } from '../../store/approval-records.ts'
import {
  type Answerable,
  answerWrites,
  judgeAnswered,
  listAnswerable,
  requestToApprove,
} from '../approvals/answer.ts'
import { groupsMissing, standingOf } from '../approvals/approval.ts'
import { auditAccepted } from '../audit-of.ts'
import type { Said } from '../pages/approvals.ts'
import type { ConsentView } from '../pages/consent.ts'
import { waitingForApproval } from '../pages/group-approvals.ts'
import { wordsFor } from '../pages/locale.ts'
import { formTargetOf, seeOther } from '../pages/page.ts'
import type { MissingApproval } from '../policy/approval.ts'
import type { Authorized } from '../policy/authorize.ts'
import { recordRefusal } from '../refused.ts'
import { authenticationState } from './authentication.ts'
import { csrfToken } from './csrf.ts'
import { finishRefused } from './finish.ts'
import { stepUrl } from './record.ts'
import { type LiveSession, sessionLimits } from './session.ts'
import type { Visit } from './visit.ts'

type NotPermitted = Extract<Authorized, { ok: false }>
type WithoutApproval = NotPermitted & { readonly approval: MissingApproval }

export const tooManyWaiting = refuse(
  'approval.too-many',
  [],
  'access_denied',
  'too many requests of this client for this user wait for approval',
)

/** What the consent page says of the approval of others; undefined when it says nothing. */
export function approvalShown(permitted: Authorized): ConsentView['approval'] {
  if (permitted.ok) return permitted.uses.length > 0 ? { kind: 'given' } : undefined
  const { approval } = permitted
  return approval?.standing === 'unasked'
    ? { kind: 'needed', groups: groupsMissing(approval.record) }
    : undefined
}

export function waitsForApproval(permitted: Authorized): permitted is WithoutApproval {
  return !permitted.ok && permitted.approval?.standing === 'waiting'
}

/** Where the user waits until others have answered. */
export function showWaiting(
  { exchange, interaction, client, id }: Visit,
  record: ApprovalRecord,
  ports: Ports,
): Reply {
  return waitingForApproval(exchange, {
    words: wordsFor(exchange, interaction.request.uiLocales),
    action: stepUrl(exchange.issuer.url, id, 'consent'),
    csrf: csrfToken(ports.keys, interaction, 'consent'),
    clientName: client.clientName,
    missing: groupsMissing(record),
    given: record.given.map(({ group }) => group),
    seconds: record.content.seconds,
    formTarget: formTargetOf(interaction.request.redirectUri),
    isLooking: exchange.query !== 'still=yes',
  })
}

/** The user allowed it, and others have to approve: they are asked, and the user waits. */
export async function askOthers(
  visit: Visit,
  session: LiveSession,
  permitted: NotPermitted,
  ports: Ports,
): Promise<Reply> {
  const isAsked = await commitAsking(visit, session, permitted, ports)
  if (!isAsked) return await finishRefused(visit, ports, 'consent.refused', tooManyWaiting)
  return seeOther(stepUrl(visit.exchange.issuer.url, visit.id, 'consent'))
}

/** @returns false when as many wait as there may be */
export async function commitAsking(
  { now }: Visit,
  { record }: LiveSession,
  { approval, writes }: NotPermitted,
  ports: Ports,
): Promise<boolean> {
  if (approval === undefined) throw new TypeError('nothing to approve')
  if (approval.asking.length === 0) return true
  const idleExpiresAt = secondsAfter(now, sessionLimits.idleSeconds)
  const committed = await ports.store.commit([
    ...approval.asking,
    { kind: 'touch-session', hash: record.hash, idleExpiresAt },
    ...writes,
  ])
  // A logout was faster: the room asks for a new login. Or somebody asked the same at the same moment.
  if (committed.committed || committed.guard === 'touch-session') return true
  const found = await ports.store.findApproval(approval.record.key)
  return standingOf(found, now) !== 'unasked'
}

/**
 * A person answers for a group. Who has to authenticate more strongly first does, and then answers again.
 * @param render the page, with what became of the answer
 */
export async function answerForGroup(
  visit: Visit,
  form: Form,
  ports: Ports,
  render: (said: Said) => Promise<Reply>,
): Promise<Reply> {
  const { exchange, session } = visit
  if (session === undefined) throw new TypeError('approvals without a session')
  const answered = judgeAnswered(await listAnswerable(visit, session, ports), form)
  if (!answered.ok) {
    const context = { subject: session.record.subject }
    await recordRefusal(exchange, ports, 'approval.refused', answered, { context })
    return await render({ kind: answered.ruleId === 'approval.changed' ? 'changed' : 'late' })
  }
  const one = answered.value
  const isApproved = form.get('decision') === 'allow'
  const elsewhere = isApproved ? await strongerFirst(visit, session, one, ports, render) : undefined
  if (elsewhere !== undefined) return elsewhere
  const committed = await ports.store.commit(answerWrites(visit, session, one, isApproved))
  if (!committed.committed) {
    // A logout was faster: there is no session to answer in. The room asks for a new login.
    if (committed.guard === 'touch-session') return seeOther(stepUrl(exchange.issuer.url, visit.id, 'login'))
    return await render({ kind: 'late' })
  }
  const { clientName, group } = one.content
  const missing = groupsMissing(one.found).filter(name => name !== group)
  return await render({ kind: isApproved ? 'approved' : 'refused', clientName, missing })
}

async function strongerFirst(
  visit: Visit,
  session: LiveSession,
  one: Answerable,
  ports: Ports,
  render: (said: Said) => Promise<Reply>,
): Promise<Reply | undefined> {
  const { exchange, interaction, id, now } = visit
  const request = requestToApprove(visit, one)
  const { next } = authenticationState(request, exchange.issuer, session, interaction, now)
  if (next === 'done') return undefined
  const { clientName } = one.content
  const context = { txn: one.found.txn, subject: session.record.subject }
  if (next === 'unmet') {
    const unreachable = refuse('approval.unreachable', [], 'access_denied', 'it asks for a stronger sign-in')
    await recordRefusal(exchange, ports, 'approval.refused', unreachable, { context })
    return await render({ kind: 'unreachable', clientName })
  }
  await ports.store.commit([
    { kind: 'advance-interaction', record: { ...interaction, request }, at: now },
    auditAccepted(exchange, now, 'approval.step-up', context, { approval: one.found.name, next }),
  ])
  return seeOther(stepUrl(exchange.issuer.url, id, 'approvals'))
}
