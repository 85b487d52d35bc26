import { refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { SessionRecord } from '../../store/records.ts'
import type { GuardKind, Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { sessionsMax } from '../logout/end-of-user.ts'
import { type Ending, endingOf, tellJoined } from '../logout/ending.ts'
import { seeOther } from '../pages/page.ts'
import { paths } from '../paths.ts'
import type { Room } from '../room.ts'
import { doneAt, gone } from './home.ts'
import { changedMeanwhile } from './refused.ts'
import { idOfRow } from './row-handle.ts'
import { type AccountVisit, onAccountPost, signedOutMeanwhile, stillSignedIn } from './visit.ts'

/** Sessions that one commit ends: it must not hold up everybody else. */
const endedAtOnceMax = 50
/** Commits for one answer. What is left is on the page again. */
const roundsMax = 20

/** POST `/account/sessions/end`: one session, in another browser. */
export const endSessionPost: Room = (exchange, ports) => onAccountPost(exchange, ports, paths.account, endOne)

/** POST `/account/sessions/end-others`: every session but this one. */
export const endOtherSessionsPost: Room = (exchange, ports) =>
  onAccountPost(exchange, ports, paths.account, endOthers)

async function endOne(visit: AccountVisit, form: Form, ports: Ports): Promise<Reply> {
  const sid = idOfRow(visit, 'session', form.get('id') ?? '', ports)
  // This browser's own end takes its cookie and asks the frames of clients along: the logout page does both.
  if (sid === visit.session.record.sid) return seeOther(visit.exchange.issuer.url + paths.logout)
  const found = (await listOthers(visit, ports)).filter(session => session.sid === sid)
  if (found.length === 0) return await gone(visit, ports, notOwn)
  const guard = await end(visit, found, ports)
  if (guard === 'touch-session') return signedOutMeanwhile(visit)
  return guard === undefined ? doneAt(visit, 'session-ended') : await gone(visit, ports, notOwn)
}

async function endOthers(visit: AccountVisit, _form: Form, ports: Ports): Promise<Reply> {
  for (let round = 0; round < roundsMax; round++) {
    const found = (await listOthers(visit, ports)).slice(0, endedAtOnceMax)
    if (found.length === 0) return doneAt(visit, 'others-ended')
    // A session that somebody else ended meanwhile fails the list: what is left is listed again.
    if ((await end(visit, found, ports)) === 'touch-session') return signedOutMeanwhile(visit)
  }
  return await gone(visit, ports, changedMeanwhile)
}

const notOwn = refuse(
  'account.session',
  [],
  'access_denied',
  'the user has no other live session by this name',
)

/** All of the user but this one, also those nobody used for long: their grants may still live. */
async function listOthers(
  { session, exchange, now }: AccountVisit,
  ports: Ports,
): Promise<readonly SessionRecord[]> {
  const { subject, sid } = session.record
  const found = await ports.store.listSessions(exchange.issuer.url, subject, now, sessionsMax)
  return found.filter(one => one.sid !== sid)
}

/**
 * One commit: each session, once, with its grants, the notices to clients and its record. That this browser is still
 * signed in is a guard: of two browsers that end each other, one does.
 * @returns the guard that failed
 */
async function end(
  visit: AccountVisit,
  sessions: readonly SessionRecord[],
  ports: Ports,
): Promise<GuardKind | undefined> {
  const { exchange, now } = visit
  const { issuer, requestId } = exchange
  const endings = await Promise.all(sessions.map(session => endingOf(ports, issuer, session, requestId, now)))
  const committed = await ports.store.commit([
    stillSignedIn(visit),
    ...endings.flatMap(ending => writesOf(visit, ending)),
    // What was allowed there may have been somebody else's word: the user is asked again.
    { kind: 'forget-consents-of-subject', issuer: issuer.url, subject: visit.session.record.subject },
  ])
  if (!committed.committed) return committed.guard
  for (const ending of endings) await tellJoined(exchange, ports, ending, now)
  return undefined
}

function writesOf({ exchange, now }: AccountVisit, { session, writes, told }: Ending): readonly Write[] {
  const { hash, sid, subject } = session
  return [
    { kind: 'end-session', hash, at: now },
    ...writes,
    auditAccepted(exchange, now, 'session.ended', { subject }, { sid, proof: 'account', notified: told }),
  ]
}
