import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  accept,
  type EpochSeconds,
  type Outcome,
  type Refusal,
  refuse,
  secondsAfter,
} from '@holdfast/protocol'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AuthorizationRequest, InteractionRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { newTransactionId } from '../authorize/transaction.ts'
import { fineTime, newHandle } from '../handle.ts'
import { type AuthenticationState, authenticationState } from '../interaction/authentication.ts'
import { browserOf } from '../interaction/cookies.ts'
import { ourClientId, requestOfOurs } from '../interaction/ourselves.ts'
import { parsePost } from '../interaction/post.ts'
import { interactionEndsAt, stepUrl } from '../interaction/record.ts'
import { type LiveSession, loadSession, sessionLimits } from '../interaction/session.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { paths } from '../paths.ts'
import { recordRefusal } from '../refused.ts'

/** Adding a way to sign in, and ending anything, needs an authentication of this session no older than this. */
export const freshSeconds = 300

/** The signed-in user on a page of the account. */
export interface AccountVisit {
  readonly exchange: Exchange
  readonly session: LiveSession
  /** For every form of the page. */
  readonly csrf: string
  readonly now: EpochSeconds
}

/** Query or form as posted. */
export type AccountRoom = (visit: AccountVisit, sent: Form, ports: Ports) => Reply | Promise<Reply>

/**
 * A page of the account, for whoever is signed in by everything the user set up; anybody else signs in first and
 * comes back.
 * @param path where to come back to, below the issuer
 * @param isFresh whether the sign-in must be recent
 */
export async function onAccountPage(
  exchange: Exchange,
  ports: Ports,
  path: string,
  isFresh: boolean,
  go: AccountRoom,
): Promise<Reply> {
  const query = parseForm(exchange.query)
  if (!query.ok) return await refusedOnAccount(exchange, ports, query)
  const visited = await visitAccount(exchange, ports, path, isFresh)
  if (visited.visit !== undefined) return await go(visited.visit, query.value, ports)
  return await openSignIn(visited, exchange, ports, path)
}

interface Visited {
  /** Undefined: the user must sign in, or do more, first. */
  readonly visit: AccountVisit | undefined
  readonly next: AuthenticationState['next']
  readonly session: LiveSession | undefined
  readonly request: AuthorizationRequest
  readonly now: EpochSeconds
}

async function visitAccount(
  exchange: Exchange,
  ports: Ports,
  path: string,
  isFresh: boolean,
): Promise<Visited> {
  const now = ports.clock.now()
  const maxAgeSeconds = isFresh ? freshSeconds : undefined
  const request = requestOfOurs(exchange.issuer.url + path, { maxAgeSeconds })
  const session = await loadSession(exchange, ports, now)
  const { next } = authenticationState(request, exchange.issuer, session, {}, now)
  const visit =
    next === 'done' && session !== undefined
      ? { exchange, session, csrf: csrfOf(exchange, ports, session), now }
      : undefined
  return { visit, next, session, request, now }
}

async function openSignIn(
  { next, session, request, now }: Visited,
  exchange: Exchange,
  ports: Ports,
  path: string,
): Promise<Reply> {
  const handle = newHandle(ports.entropy, 'interaction', exchange.issuer.url, fineTime(ports.clock))
  const { hash: browserHash, headers } = browserOf(exchange, ports)
  const record: InteractionRecord = {
    hash: handle.hash,
    issuer: exchange.issuer.url,
    clientId: ourClientId,
    browserHash,
    request,
    pushedHash: undefined,
    txn: newTransactionId(ports.entropy, fineTime(ports.clock)),
    account: path,
    sessionHash: next === 'login' ? undefined : session?.record.hash,
    version: 0,
    issuedAt: now,
    expiresAt: interactionEndsAt(now),
  }
  await ports.store.commit([
    { kind: 'insert-interaction', record },
    auditAccepted(exchange, now, 'account.opened', { txn: record.txn, clientId: ourClientId }, { path }),
  ])
  const step = next === 'login' ? 'login' : 'second-factor'
  const url = stepUrl(exchange.issuer.url, handle.value, step)
  // Anybody can open this page, and it was written down: the edge counts it against its source.
  return { ...seeOther(url, headers), isUnbacked: true }
}

/** Who was sent here to sign in again, to end something. */
export const isAgain = ({ query }: Exchange): boolean => query === 'again=yes'

/** The answer to a form of such a page. */
export async function onAccountPost(
  exchange: Exchange,
  ports: Ports,
  path: string,
  go: AccountRoom,
): Promise<Reply> {
  const form = parsePost(exchange)
  if (!form.ok) return await refusedOnAccount(exchange, ports, form)
  const { visit } = await visitAccount(exchange, ports, path, true)
  // To the page, which has the user sign in; a form that anybody may send writes nothing.
  if (visit === undefined) return seeOther(`${exchange.issuer.url}${path}?again=yes`)
  const csrf = judgeCsrf(visit, form.value)
  if (!csrf.ok) return await refusedOnAccount(exchange, ports, csrf, visit.session.record.subject)
  return await go(visit, form.value, ports)
}

/** Guard of whatever the account page ends: nobody ends anything in a session that ended. It is a use of it, too. */
export function stillSignedIn({ session, now }: AccountVisit): Write {
  const idleExpiresAt = secondsAfter(now, sessionLimits.idleSeconds)
  return { kind: 'touch-session', hash: session.record.hash, idleExpiresAt }
}

/** That guard failed: the page asks who it is. */
export function signedOutMeanwhile({ exchange }: AccountVisit): Reply {
  return seeOther(exchange.issuer.url + paths.account)
}

function csrfOf(exchange: Exchange, ports: Ports, { record }: LiveSession): string {
  const secret = ports.keys.secret(exchange.issuer.url, 'csrf')
  return createHmac('sha256', secret).update(`account\n${record.hash}`).digest('base64url')
}

function judgeCsrf({ csrf }: AccountVisit, form: Form): Outcome<true> {
  const expected = Buffer.from(csrf)
  const sent = Buffer.from(form.get('csrf') ?? '')
  return sent.length === expected.length && timingSafeEqual(sent, expected)
    ? accept(true)
    : refuse(
        'account.csrf',
        ['RFC6749-10.12', 'OIDC-3.1.2.3'],
        'invalid_request',
        'the answer does not come from a page this browser was shown',
      )
}

async function refusedOnAccount(
  exchange: Exchange,
  ports: Ports,
  refusal: Refusal,
  subject?: string,
): Promise<Reply> {
  await recordRefusal(exchange, ports, 'account.refused', refusal, {
    context: subject === undefined ? {} : { subject },
  })
  return errorPage(exchange, refusal, { kind: 'unchanged' })
}
