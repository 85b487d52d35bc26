import { firstRefusal, type Refusal } from '@holdfast/protocol'
import { logoutProofRules } from '@holdfast/protocol/specs/oidc-rp-logout/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { auditAccepted } from '../audit-of.ts'
import { clearedCookie, cookieHash } from '../interaction/cookies.ts'
import { parsePost } from '../interaction/post.ts'
import { type LiveSession, loadSession } from '../interaction/session.ts'
import { sidFor, subjectFor } from '../mint/pairwise.ts'
import { errorPage } from '../pages/error.ts'
import { wordsFor } from '../pages/locale.ts'
import { logoutForm, logoutView, signedOutView, stillSignedInView } from '../pages/logout.ts'
import { formTargetOf, seeOther } from '../pages/page.ts'
import { paths } from '../paths.ts'
import { recordRefusal } from '../refused.ts'
import { judgeLogoutCsrf, logoutCsrf } from './csrf.ts'
import { endSession, type LogoutProof } from './end-session.ts'
import { framesFor } from './frames.ts'
import { emptyRequest, fieldsOf, judgeLogout, type LogoutRequest, parseLogout } from './request.ts'

/** The end-session endpoint (OpenID Connect RP-Initiated Logout 2), GET and POST. */
export async function logoutRoom(exchange: Exchange, ports: Ports): Promise<Reply> {
  const form = parseLogout(exchange)
  if (!form.ok) return await refused(exchange, ports, form, undefined)
  if (exchange.method === 'POST' && cookieHash(exchange, 'session') === undefined)
    return asNavigation(exchange, fieldsOf(form.value))

  const session = await loadSession(exchange, ports, ports.clock.now())
  const request = judgeLogout(form.value, exchange, ports)
  if (!request.ok) return await refused(exchange, ports, request, session)
  if (session === undefined) return signedOut(exchange, request.value)

  const unproven = firstRefusal(logoutProofRules, {
    hint: request.value.hint,
    session: asKnownTo(request.value.hint?.clientId, session, exchange, ports),
  })
  if (unproven !== undefined) return question(exchange, ports, request.value, session)
  return await logOut(exchange, ports, request.value, session, 'hint')
}

/** The session under the names that the client of the hint has for user and session. */
function asKnownTo(
  clientId: string | undefined,
  { record }: LiveSession,
  { issuer }: Exchange,
  { keys }: Ports,
): { readonly subject: string; readonly sid: string } {
  const sector = clientId === undefined ? undefined : issuer.clients.get(clientId)?.sector
  return {
    subject: subjectFor(keys, issuer.url, sector, record.subject),
    sid: sidFor(keys, issuer.url, sector, record.sid),
  }
}

/** POST `/logout/confirm`: the user's answer to the question. */
export async function confirmLogoutRoom(exchange: Exchange, ports: Ports): Promise<Reply> {
  const form = parsePost(exchange)
  if (!form.ok) return await refused(exchange, ports, form, undefined)
  const session = await loadSession(exchange, ports, ports.clock.now())
  const request = judgeLogout(form.value, exchange, ports)
  if (!request.ok) return await refused(exchange, ports, request, session)
  if (session === undefined) return signedOut(exchange, request.value)
  const csrf = judgeLogoutCsrf(ports.keys, session.record, form.value)
  if (!csrf.ok) return await refused(exchange, ports, csrf, session)

  const decision = form.value.get('decision')
  if (decision === 'sign-out') return await logOut(exchange, ports, request.value, session, 'answer')
  if (decision === 'stay') return await stay(exchange, ports, request.value, session)
  return question(exchange, ports, request.value, session)
}

async function logOut(
  exchange: Exchange,
  ports: Ports,
  request: LogoutRequest,
  session: LiveSession,
  proof: LogoutProof,
): Promise<Reply> {
  const how = { proof, clientId: request.client?.clientId }
  const participants = await endSession(exchange, ports, session.record, how)
  return signedOut(
    exchange,
    request,
    framesFor(participants, exchange.issuer, session.record.sid, ports.keys),
  )
}

async function stay(
  exchange: Exchange,
  ports: Ports,
  { client, uiLocales }: LogoutRequest,
  { record: { subject, sid } }: LiveSession,
): Promise<Reply> {
  const context = { subject, ...(client !== undefined && { clientId: client.clientId }) }
  await ports.store.commit([auditAccepted(exchange, ports.clock.now(), 'logout.declined', context, { sid })])
  return stillSignedInView(exchange, uiLocales)
}

/** Back to the client when its ID token says who asks; otherwise a page, from which the user may go on. */
function signedOut(
  exchange: Exchange,
  { hint, client, returnUrl, uiLocales }: LogoutRequest,
  frames: readonly string[] = [],
): Reply {
  const cookies = [clearedCookie(exchange, 'session')]
  const isProven = hint !== undefined && returnUrl !== undefined
  if (isProven && frames.length === 0) return seeOther(returnUrl, cookies)
  const link = returnUrl === undefined ? undefined : { url: returnUrl, clientName: client?.clientName ?? '' }
  return signedOutView(exchange, { link, frames, isForwarded: isProven, uiLocales }, cookies)
}

function question(exchange: Exchange, ports: Ports, request: LogoutRequest, session: LiveSession): Reply {
  const { fields, hint, client, returnUrl, uiLocales } = request
  const isSentBack = hint !== undefined && returnUrl !== undefined
  return logoutView(exchange, {
    ...formOf(exchange, ports, fields, session),
    username: session.user.username,
    clientName: client?.clientName,
    uiLocales,
    ...(isSentBack && { formTarget: formTargetOf(returnUrl) }),
  })
}

function formOf(
  exchange: Exchange,
  ports: Ports,
  fields: LogoutRequest['fields'],
  { record }: LiveSession,
): { readonly action: string; readonly csrf: string; readonly fields: LogoutRequest['fields'] } {
  const action = exchange.issuer.url + paths.logoutConfirm
  return { action, csrf: logoutCsrf(ports.keys, record), fields }
}

/** Recorded, then shown; whoever is signed in may still sign out from there (RPL-06). Nobody is sent anywhere. */
async function refused(
  exchange: Exchange,
  ports: Ports,
  refusal: Refusal,
  session: LiveSession | undefined,
): Promise<Reply> {
  await recordRefusal(exchange, ports, 'logout.refused', refusal, {
    context: session === undefined ? {} : { subject: session.record.subject },
  })
  if (session === undefined) return errorPage(exchange, refusal, { kind: 'logout' })
  const form = formOf(exchange, ports, emptyRequest.fields, session)
  return errorPage(exchange, refusal, {
    kind: 'logoutSignedIn',
    more: logoutForm(form, wordsFor(exchange)),
  })
}

/** Longest query we send a browser to ourselves with. */
const queryBytesMax = 6144

/**
 * A form that another site posts comes without our cookie, because that is `SameSite=Lax`; the same request as a
 * navigation has it. An ID token too long for a URL stays behind: then the user is asked.
 */
function asNavigation(exchange: Exchange, fields: LogoutRequest['fields']): Reply {
  const { id_token_hint: _hint, ...rest } = fields
  const whole = new URLSearchParams(fields).toString()
  const query = whole.length <= queryBytesMax ? whole : new URLSearchParams(rest).toString()
  return seeOther(`${exchange.issuer.url}${paths.logout}${query === '' ? '' : `?${query}`}`)
}
