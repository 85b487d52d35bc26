import { createHash } from 'node:crypto'
import { accept, type Outcome, type Refusal, refuse, secondsAfter } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Ports } from '../../ports.ts'
import type { AuthorizationRequest } from '../../store/records.ts'
import type { FoundApproval } from '../../store/store.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted, auditRefused } from '../audit-of.ts'
import { requestToAllow } from '../ciba/demand.ts'
import { type LiveSession, sessionLimits } from '../interaction/session.ts'
import type { Visit } from '../interaction/visit.ts'
import { isStillSound } from '../mint/details.ts'
import { shownDetails } from '../pages/detail-item.ts'
import type { GroupApproval, GroupApprovalContent } from '../pages/group-approvals.ts'
import { wordsFor } from '../pages/locale.ts'
import { scopeWords } from '../pages/scope-words.ts'
import {
  approvalFacts,
  approvalLimits,
  denyApproval,
  giveApproval,
  groupsMissing,
  judgeApprover,
} from './approval.ts'

/** A request that the signed-in person may answer now, for one of their groups. */
export interface Answerable {
  readonly found: FoundApproval
  readonly content: GroupApprovalContent
}

/** Nothing for who is in no group: the page costs them no question. */
export async function listAnswerable(
  visit: Visit,
  { user }: LiveSession,
  ports: Pick<Ports, 'store'>,
): Promise<readonly Answerable[]> {
  const { exchange, now } = visit
  const lists = await Promise.all(
    (user.groups ?? []).map(group =>
      ports.store.listWaitingApprovals(exchange.issuer.url, group, now, approvalLimits.shownMax),
    ),
  )
  const byName = new Map(lists.flat().map(found => [found.name, found]))
  const answerable = await Promise.all(
    [...byName.values()].map(found => answerableOf(visit, user, found, ports)),
  )
  return answerable.filter(one => one !== undefined)
}

async function answerableOf(
  visit: Visit,
  user: LiveSession['user'],
  found: FoundApproval,
  ports: Pick<Ports, 'store'>,
): Promise<Answerable | undefined> {
  const { exchange, now } = visit
  const { issuer } = exchange
  const { clientId, subject, scopes, resources, authorizationDetails, seconds, isReusable } = found.content
  const group = judgeApprover(found, user, now)
  const client = issuer.clients.get(clientId)
  // What its client could not get any more is not shown: nobody approves what is nothing (I23).
  if (!group.ok || client?.status !== 'active') return undefined
  if (!authorizationDetails.every(detail => isStillSound(detail, client, issuer))) return undefined
  const words = wordsFor(exchange)
  const whose = subject === undefined ? undefined : await ports.store.findUserBySubject(issuer.url, subject)
  return {
    found,
    content: {
      locale: words.locale,
      name: found.name,
      clientName: client.clientName,
      clientId,
      username: subject === undefined ? undefined : (whose?.username ?? subject),
      group: group.value,
      others: groupsMissing(found).filter(one => one !== group.value),
      scopes: scopes.map(name => ({ name, ...scopeWords(issuer.scopes.get(name), name, words) })),
      details: shownDetails(authorizationDetails, issuer),
      resources: resources.map(audience => ({
        audience,
        displayName: issuer.resourceServers.get(audience)?.displayName ?? audience,
      })),
      ...{ seconds, isReusable },
    },
  }
}

export function shownApproval({ found, content }: Answerable, now: number): GroupApproval {
  return { content, shown: digestOf(content), minutesAgo: Math.floor((now - found.issuedAt) / 60) }
}

function digestOf(content: GroupApprovalContent): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url')
}

/** Which of them is answered, as it was shown. */
export function judgeAnswered(answerable: readonly Answerable[], form: Form): Outcome<Answerable> {
  const one = answerable.find(({ found }) => found.name === form.get('approval'))
  if (one === undefined) return late
  return form.get('shown') === digestOf(one.content) ? accept(one) : changed
}

const late = refuse(
  'approval.decided',
  [],
  'invalid_request',
  'no request waits for this person by this name: it was answered, has ended, or is not theirs to answer',
)
const changed = refuse(
  'approval.changed',
  [],
  'invalid_request',
  'what is to be approved changed after it was shown',
)

/** What it takes to answer it: what its scopes and its API ask of the user, and a fresh sign-in. */
export function requestToApprove({ exchange }: Visit, { found }: Answerable): AuthorizationRequest {
  return requestToAllow({}, found.content, exchange.issuer.floor, exchange.issuer)
}

/** The answer, in the session it was given in. */
export function answerWrites(
  { exchange, now }: Visit,
  { record, user }: LiveSession,
  { found, content }: Answerable,
  isApproved: boolean,
): readonly Write[] {
  const { clientId, subject } = found.content
  const context = { txn: found.txn, clientId, ...(subject !== undefined && { subject }) }
  const facts = { ...approvalFacts(found), shown: digestOf(content), locale: content.locale, acr: record.acr }
  const person = { group: content.group, person: user.subject, by: 'page' }
  const touch: Write = {
    kind: 'touch-session',
    hash: record.hash,
    idleExpiresAt: secondsAfter(now, sessionLimits.idleSeconds),
  }
  const stillAllowed: Write = { kind: 'require-user', record: user }
  if (!isApproved)
    return [
      denyApproval(found, now),
      ...[touch, stillAllowed],
      auditRefused(exchange, now, 'approval.denied', { ...denied, facts: { ...facts, ...person } }, context),
    ]
  const given = giveApproval(found, content.group, user.subject, now)
  return [
    given.write,
    ...[touch, stillAllowed],
    auditAccepted(exchange, now, 'approval.given', context, { ...facts, ...person, missing: given.missing }),
  ]
}

const denied: Refusal = refuse(
  'approval.denied',
  [],
  'access_denied',
  'a member of a group that is asked refused it',
)
