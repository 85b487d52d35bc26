import { refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { GrantRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { forgettingWith } from '../consents/remembered.ts'
import { sessionsMax } from '../logout/end-of-user.ts'
import { type InsertNotice, noticesTo, tellable } from '../logout/ending.ts'
import { paths } from '../paths.ts'
import type { Room } from '../room.ts'
import { doneAt, gone } from './home.ts'
import { idOfRow } from './row-handle.ts'
import { type AccountVisit, onAccountPost, signedOutMeanwhile, stillSignedIn } from './visit.ts'

/** POST `/account/grants/withdraw`: a grant ends, and every token of it. */
export const withdrawPost: Room = (exchange, ports) => onAccountPost(exchange, ports, paths.account, withdraw)

async function withdraw(visit: AccountVisit, form: Form, ports: Ports): Promise<Reply> {
  const { exchange, now } = visit
  const grant = await findOwn(visit, form, ports)
  if (grant === undefined) return await gone(visit, ports, notOwn)
  const { id, clientId, subject, txn } = grant
  const notices = await noticesOf(visit, grant, ports)
  const committed = await ports.store.commit([
    stillSignedIn(visit),
    { kind: 'end-grant', id, at: now },
    // What was withdrawn is asked again.
    ...forgettingWith(grant),
    ...notices,
    auditAccepted(
      exchange,
      now,
      'grant.revoked',
      { txn, clientId, subject },
      { grant: id, by: 'user', notified: notices.map(({ record }) => record.clientId) },
    ),
  ])
  if (committed.committed) return doneAt(visit, 'withdrawn')
  // Another tab, the client or an operator was faster; or a logout was.
  return committed.guard === 'touch-session' ? signedOutMeanwhile(visit) : await gone(visit, ports, notOwn)
}

const notOwn = refuse('account.grant', [], 'access_denied', 'the user has no live grant by this name')

/** A live grant of this user; whatever else it is, nobody tells it apart from none. */
async function findOwn(visit: AccountVisit, form: Form, ports: Ports): Promise<GrantRecord | undefined> {
  const { session, now } = visit
  const id = idOfRow(visit, 'grant', form.get('id') ?? '', ports)
  const grant = id === undefined ? undefined : await ports.store.findGrant(id)
  if (grant?.issuer !== session.record.issuer || grant.subject !== session.record.subject) return undefined
  return grant.revokedAt === undefined && now < grant.expiresAt ? grant : undefined
}

/**
 * What was withdrawn was also a sign-in: its client is told that it is over, where the session still lives and the
 * client takes notices. At the end of a session it was told before.
 */
async function noticesOf(
  { exchange, now }: AccountVisit,
  { sid, scopes, clientId, subject }: GrantRecord,
  ports: Ports,
): Promise<readonly InsertNotice[]> {
  const { issuer, requestId } = exchange
  const told = tellable([clientId], issuer)
  if (sid === undefined || told.length === 0 || !scopes.includes('openid')) return []
  const sessions = await ports.store.listSessions(issuer.url, subject, now, sessionsMax)
  const session = sessions.find(one => one.sid === sid)
  return session === undefined ? [] : noticesTo(told, ports, session, requestId, now)
}
