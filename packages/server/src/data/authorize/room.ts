import { type EpochSeconds, firstRefusal, type Outcome, type Refusal, refuse } from '@holdfast/protocol'
import { silentRules } from '@holdfast/protocol/specs/oidc-core-request/rules.ts'
import { type FormReading, readForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { InteractionRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { fineTime, newHandle } from '../handle.ts'
import { judgeAcr } from '../interaction/assurance.ts'
import { authenticationState } from '../interaction/authentication.ts'
import { browserOf } from '../interaction/cookies.ts'
import { possibleAcrs } from '../interaction/demand.ts'
import { withNamedGrant } from '../interaction/named-grant.ts'
import { type Opening, putDown } from '../interaction/opening.ts'
import { isFormPost } from '../interaction/post.ts'
import { interactionEndsAt, stepUrl } from '../interaction/record.ts'
import { showFirst } from '../interaction/room.ts'
import { type LiveSession, loadSession } from '../interaction/session.ts'
import { consentSilently } from '../interaction/steps/consent.ts'
import { unreachable } from '../interaction/steps/second-factor.ts'
import type { Visit } from '../interaction/visit.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { recordRefusal } from '../refused.ts'
import { requestFacts } from './facts.ts'
import { type FrontRefusal, type OpenedRequest, openRequest } from './open.ts'
import { authorizationError } from './response.ts'

/** The authorization endpoint (RFC 6749 3.1), GET and POST: it only opens an interaction; the steps do the rest. */
export async function authorizeRoom(exchange: Exchange, ports: Ports): Promise<Reply> {
  const now = ports.clock.now()
  const reading = parseAuthorize(exchange)
  if (!reading.ok)
    return await refusedInFront(exchange, ports, { ok: false, refusal: reading, target: undefined })

  const opened = await openRequest(reading.value, exchange, ports, now)
  if (!opened.ok) return await refusedInFront(exchange, ports, opened)

  const { request } = opened.value
  const refusedHere = (refusal: Refusal): Promise<Reply> =>
    refusedInFront(exchange, ports, { ok: false, refusal, target: request }, opened.value)
  const demanding = await withNamedGrant(request, opened.value.client, exchange.issuer, ports)
  // Told before anybody signs in for nothing.
  const beyondReach = judgeAcr(request, possibleAcrs(demanding, exchange.issuer))
  if (beyondReach !== undefined) return await refusedHere(beyondReach)
  const found = await loadSession(exchange, ports, now)
  const state = authenticationState(demanding, exchange.issuer, found, {}, now)
  if (state.next === 'unmet') return await refusedHere(unreachable)
  const login = state.next !== 'done'
  const { prompt } = request
  // Whether the user would be asked for consent is known once the policies were.
  const known = { prompt, needsLogin: login, needsInteraction: false, needsConsent: false }
  const silent = firstRefusal(silentRules, known)
  if (silent !== undefined) return await refusedHere(silent)

  const session = state.next === 'login' ? undefined : found
  const { id, record: interaction, cookies } = openInteraction(exchange, ports, opened.value, session, now)
  const { client, profile } = opened.value
  const opening: Opening = () =>
    auditAccepted(exchange, now, 'authorization.opened', contextOf(opened.value), {
      ...requestFacts(request),
      pushed: opened.value.pushedHash !== undefined,
      session: !login,
    })
  const visit: Visit = {
    ...{ exchange, id, interaction, client, profile, session },
    ...{ browserSession: found, authentication: state, now, opening },
  }
  const reply = await firstReply(visit, cookies, ports)
  return opened.value.pushedHash === undefined ? unbacked(reply) : reply
}

async function firstReply(visit: Visit, cookies: Reply['headers'], ports: Ports): Promise<Reply> {
  const { exchange, id, interaction, authentication } = visit
  if (interaction.request.prompt.includes('none')) return await consentSilently(visit, ports)
  // After a POST a page would be posted again when it is loaded again.
  const isHere = exchange.method === 'GET'
  // Only the consent step ends what it need not ask, in one commit with the opening.
  if (isHere && authentication.next === 'done') return await showFirst(visit, cookies, ports)
  const lasting = await putDown(visit, ports)
  if (isHere) return await showFirst(lasting, cookies, ports)
  const step = authentication.next === 'done' ? 'consent' : authentication.next
  return seeOther(stepUrl(exchange.issuer.url, id, step), cookies)
}

/** Anybody can send such a request, and it was written down: the edge counts it against its source. */
function unbacked(reply: Reply): Reply {
  return { ...reply, isUnbacked: true }
}

function parseAuthorize(exchange: Exchange): Outcome<FormReading> {
  if (exchange.method === 'GET') return readForm(exchange.query)
  return isFormPost(exchange)
    ? readForm(exchange.body.toString('latin1'))
    : refuse(
        'authorization.media-type',
        ['RFC6749-3.1'],
        'invalid_request',
        'the body is not `application/x-www-form-urlencoded`',
      )
}

interface OpenedInteraction {
  readonly id: string
  readonly record: InteractionRecord
  readonly cookies: Reply['headers']
}

function openInteraction(
  exchange: Exchange,
  ports: Ports,
  opened: OpenedRequest,
  session: LiveSession | undefined,
  now: EpochSeconds,
): OpenedInteraction {
  const issuer = exchange.issuer.url
  const handle = newHandle(ports.entropy, 'interaction', issuer, fineTime(ports.clock))
  const { hash: browserHash, headers: cookies } = browserOf(exchange, ports)
  const record: InteractionRecord = {
    hash: handle.hash,
    issuer,
    clientId: opened.client.clientId,
    browserHash,
    request: opened.request,
    pushedHash: opened.pushedHash,
    txn: opened.txn,
    sessionHash: session?.record.hash,
    version: 0,
    issuedAt: now,
    expiresAt: interactionEndsAt(now),
  }
  return { id: handle.value, record, cookies }
}

/** Recorded, then shown on a page or sent back to the client. */
async function refusedInFront(
  exchange: Exchange,
  ports: Ports,
  { refusal, target }: FrontRefusal,
  opened?: OpenedRequest,
): Promise<Reply> {
  await recordRefusal(exchange, ports, 'authorization.refused', refusal, {
    context: opened === undefined ? {} : contextOf(opened),
  })
  if (target === undefined) return errorPage(exchange, refusal)
  const reply = await authorizationError(exchange, ports, target, refusal)
  return opened?.pushedHash === undefined ? unbacked(reply) : reply
}

function contextOf({ txn, client }: OpenedRequest): { readonly txn: string; readonly clientId: string } {
  return { txn, clientId: client.clientId }
}
