import { type Refusal, refuse, secondsAfter } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../../http/exchange.ts'
import type { Ports } from '../../../ports.ts'
import type { SessionRecord, UserRecord } from '../../../store/records.ts'
import { auditAccepted, auditRefused } from '../../audit-of.ts'
import { authorizationError } from '../../authorize/response.ts'
import { type LoginProblem, loginView } from '../../pages/login.ts'
import { formTargetOf, seeOther } from '../../pages/page.ts'
import { recordRefusal } from '../../refused.ts'
import { judgeSubject } from '../assurance.ts'
import { type AttemptKeys, attemptKeys, countFailure, openAccountTurns, secondsToWait } from '../attempts.ts'
import { newCookie } from '../cookies.ts'
import { csrfToken } from '../csrf.ts'
import { finishing, noLongerOutstanding, tooLate } from '../finish.ts'
import { needsLogin, stepUrl } from '../record.ts'
import { passwordAcr, sessionLimits } from '../session.ts'
import type { InteractionStep } from '../step.ts'
import type { Visit } from '../visit.ts'

const turns = openAccountTurns()

/** User name and password from the embedded directory. */
export const login: InteractionStep = {
  name: 'login',
  isNeeded: ({ interaction, session, now }) =>
    needsLogin(interaction.request, session, interaction.authenticatedAt, now),
  show: (visit, ports) => render(visit, ports, hintOf(visit)),
  answer,
}

async function answer(visit: Visit, form: Form, ports: Ports): Promise<Reply> {
  const username = (form.get('username') ?? '').trim()
  const password = form.get('password')
  if (username === '' || password === undefined) return render(visit, ports, username, { kind: 'missing' })

  const { issuer, remoteAddress } = visit.exchange
  const keys = attemptKeys(ports, issuer.url, username, remoteAddress)
  const reply = await turns.take(keys.account, () => attempt(visit, ports, username, password, keys))
  return reply ?? (await delayed(visit, ports, username, 1))
}

async function attempt(
  visit: Visit,
  ports: Ports,
  username: string,
  password: string,
  keys: AttemptKeys,
): Promise<Reply> {
  const seconds = await secondsToWait(ports, keys, visit.now)
  if (seconds > 0) return await delayed(visit, ports, username, seconds)

  const user = await ports.store.findUserByUsername(visit.exchange.issuer.url, username)
  const refusal = await judgeUser(user, password, ports)
  if (refusal !== undefined || user === undefined) {
    const writes = countFailure(keys, visit.now)
    const context = { ...contextOf(visit), ...(user && { subject: user.subject }) }
    await recordRefusal(visit.exchange, ports, 'login.refused', refusal ?? unknownUser, { context, writes })
    return render(visit, ports, username, { kind: 'wrong' })
  }
  const unwanted = judgeSubject(visit.interaction.request, user.subject)
  return unwanted === undefined
    ? await loggedIn(visit, ports, user, keys)
    : await notWanted(visit, ports, user, keys, unwanted)
}

/** Somebody else than the request names: the client is told, and nobody is signed in (OIDC-11, OIDC-12). */
async function notWanted(
  visit: Visit,
  ports: Ports,
  user: UserRecord,
  keys: AttemptKeys,
  refusal: Refusal,
): Promise<Reply> {
  const { exchange, interaction, now } = visit
  const context = { ...contextOf(visit), subject: user.subject }
  const committed = await ports.store.commit([
    ...finishing(visit),
    { kind: 'clear-failures', key: keys.account },
    auditRefused(exchange, now, 'login.refused', refusal, context),
  ])
  if (!committed.committed) return await tooLate(visit, context, ports)
  noLongerOutstanding(visit, ports)
  return await authorizationError(exchange, ports, interaction.request, refusal)
}

const unknownUser = refuse('login.user', ['OIDC-3.1.2.3'], 'access_denied', 'no such user')

/** One password computation whatever is wrong: the answer and its time are the same (OIDC-14). */
async function judgeUser(
  user: UserRecord | undefined,
  password: string,
  ports: Ports,
): Promise<Refusal | undefined> {
  if (user === undefined) {
    await ports.passwords.verifyNothing(password)
    return unknownUser
  }
  if (!(await ports.passwords.verify(password, user.passwordHash)))
    return refuse('login.password', ['OIDC-3.1.2.3'], 'access_denied', 'wrong password')
  return user.status === 'active'
    ? undefined
    : refuse('login.disabled', ['OIDC-3.1.2.3'], 'access_denied', 'the user is disabled')
}

async function loggedIn(visit: Visit, ports: Ports, user: UserRecord, keys: AttemptKeys): Promise<Reply> {
  const { exchange, interaction, browserSession, now, id } = visit
  const cookie = newCookie(exchange, ports, 'session')
  const previous = browserSession?.record
  const session: SessionRecord = {
    hash: cookie.hash,
    issuer: exchange.issuer.url,
    sid: previous?.subject === user.subject ? previous.sid : ports.entropy.bytes(16).toString('base64url'),
    subject: user.subject,
    authTime: now,
    acr: passwordAcr,
    amr: ['pwd'],
    issuedAt: now,
    idleExpiresAt: secondsAfter(now, sessionLimits.idleSeconds),
    expiresAt: secondsAfter(now, sessionLimits.lifetimeSeconds),
  }
  const context = { ...contextOf(visit), subject: user.subject }
  const committed = await ports.store.commit([
    {
      kind: 'advance-interaction',
      record: { ...interaction, sessionHash: cookie.hash, authenticatedAt: now },
      at: now,
    },
    { kind: 'insert-session', record: session },
    ...(previous === undefined ? [] : [{ kind: 'revoke-session', hash: previous.hash, at: now } as const]),
    { kind: 'clear-failures', key: keys.account },
    auditAccepted(exchange, now, 'login.accepted', context, {
      acr: session.acr,
      amr: session.amr,
      sid: session.sid,
    }),
  ])
  // Another answer was faster: its session, if any, is the one that counts.
  const cookies = committed.committed ? [cookie.header] : []
  return seeOther(stepUrl(exchange.issuer.url, id, 'consent'), cookies)
}

async function delayed(visit: Visit, ports: Ports, username: string, seconds: number): Promise<Reply> {
  const refusal = refuse(
    'login.delay',
    ['OIDC-3.1.2.3'],
    'temporarily_unavailable',
    'too many failed logins of this account or from this network',
    { wait_seconds: seconds },
  )
  await recordRefusal(visit.exchange, ports, 'login.refused', refusal, { context: contextOf(visit) })
  return render(visit, ports, username, { kind: 'wait', seconds })
}

function render(visit: Visit, ports: Ports, username: string, problem?: LoginProblem): Reply {
  const { exchange, interaction, client, id } = visit
  return loginView(exchange, {
    action: stepUrl(exchange.issuer.url, id, 'login'),
    csrf: csrfToken(ports.keys, interaction, 'login'),
    clientName: client.clientName,
    username,
    formTarget: formTargetOf(interaction.request.redirectUri),
    uiLocales: interaction.request.uiLocales,
    ...(problem && { problem }),
  })
}

/** Only fills in the field; says nothing about accounts. Who is to choose an account finds none chosen. */
function hintOf({ interaction, browserSession }: Visit): string {
  const { loginHint, prompt } = interaction.request
  const current = prompt.includes('select_account') ? undefined : browserSession?.user.username
  return loginHint ?? current ?? ''
}

function contextOf({ interaction, client }: Visit): { readonly txn: string; readonly clientId: string } {
  return { txn: interaction.txn, clientId: client.clientId }
}
