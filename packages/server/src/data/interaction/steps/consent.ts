import { createHash } from 'node:crypto'
import { type HandleHash, refuse, secondsAfter } from '@holdfast/protocol'
import { deviceCodeLifetimeSeconds } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../../http/exchange.ts'
import type { Ports } from '../../../ports.ts'
import type { AuditRecord, CodeRecord, GrantRecord } from '../../../store/records.ts'
import { endsWithSession } from '../../../store/statements.ts'
import type { Write } from '../../../store/writes.ts'
import { auditAccepted, auditRefused } from '../../audit-of.ts'
import { requestFacts } from '../../authorize/facts.ts'
import { isLasting } from '../../authorize/lasting.ts'
import { authorizationError, authorizationResponse } from '../../authorize/response.ts'
import { newGrantId } from '../../authorize/transaction.ts'
import { newHandle } from '../../handle.ts'
import { participantOf } from '../../logout/participant.ts'
import { mintDetachedSignature } from '../../mint/id-token.ts'
import { type ConsentContent, consentView } from '../../pages/consent.ts'
import { deviceDone } from '../../pages/device.ts'
import { alreadyAnswered, errorPage } from '../../pages/error.ts'
import { formTargetOf, seeOther } from '../../pages/page.ts'
import { outstandingKey, outstandingRequests } from '../../par/outstanding.ts'
import { recordRefusal } from '../../refused.ts'
import { csrfToken } from '../csrf.ts'
import { stepUrl } from '../record.ts'
import { type LiveSession, sessionLimits } from '../session.ts'
import type { InteractionStep } from '../step.ts'
import type { Visit } from '../visit.ts'

/** The user allows or denies exactly what the page showed; allowing issues the code. */
export const consent: InteractionStep = {
  name: 'consent',
  isNeeded: () => true,
  show: (visit, ports) => render(visit, sessionOf(visit), ports, false),
  answer,
}

async function answer(visit: Visit, form: Form, ports: Ports): Promise<Reply> {
  const session = sessionOf(visit)
  const decision = form.get('decision')
  if (decision === 'deny') return await denied(visit, session, ports)
  if (decision !== 'allow') return render(visit, session, ports, false)

  // I13: what the user saw is what the token holds. A name or text edited meanwhile is asked again.
  if (form.get('shown') !== digestOf(contentOf(visit, session))) {
    await recordRefusal(visit.exchange, ports, 'consent.refused', changed, {
      context: contextOf(visit, session),
    })
    return render(visit, session, ports, true)
  }
  return await allowed(visit, session, ports)
}

const changed = refuse(
  'consent.changed',
  [],
  'invalid_request',
  'what is asked for changed after it was shown',
)

async function allowed(visit: Visit, session: LiveSession, ports: Ports): Promise<Reply> {
  const { exchange, interaction, now } = visit
  const { device } = interaction
  const code = newHandle(ports.entropy, 'code', exchange.issuer.url, now)
  const grant = grantOf(visit, session, ports)
  const response = await responseOf(visit, grant, code.value, ports)
  const writes: readonly Write[] = [
    ...finishing(visit),
    { kind: 'insert-grant', record: grant },
    device === undefined
      ? { kind: 'insert-code', record: codeOf(visit, grant, code.hash) }
      : { kind: 'approve-device-code', hash: device.hash, grantId: grant.id, at: now },
    { kind: 'join-session', record: participantOf(grant, now) },
    {
      kind: 'touch-session',
      hash: session.record.hash,
      idleExpiresAt: secondsAfter(now, sessionLimits.idleSeconds),
    },
    auditAccepted(exchange, now, device ? 'device.approved' : 'code.issued', contextOf(visit, session), {
      ...(device ? deviceFacts(visit, device.hash) : requestFacts(interaction.request)),
      consent: 'allowed',
      grant: grant.id,
      sid: grant.sid,
      acr: grant.acr,
      profile: visit.profile.name,
    }),
  ]
  const committed = await ports.store.commit(writes)
  if (!committed.committed) {
    // A logout was faster: there is no session to consent in. The room asks for a new login.
    if (committed.guard === 'touch-session') return seeOther(stepUrl(exchange.issuer.url, visit.id, 'login'))
    return await tooLate(visit, session, ports)
  }
  noLongerOutstanding(visit, ports)
  if (device !== undefined) return deviceDone(exchange, 'allowed')
  return await authorizationResponse(exchange, ports, interaction.request, response)
}

/** What goes back to the client, signed before anything is spent: without a key, the user can allow it again. */
async function responseOf(
  { exchange, interaction, client, profile }: Visit,
  grant: GrantRecord,
  code: string,
  ports: Ports,
): Promise<Readonly<Record<string, string>>> {
  const { responseType, state, nonce } = interaction.request
  if (responseType === 'code') return { code }
  const signed = { client, profile, grant, code, state, nonce }
  return { code, id_token: await mintDetachedSignature(signed, exchange, ports) }
}

async function denied(visit: Visit, session: LiveSession, ports: Ports): Promise<Reply> {
  const { exchange, interaction, now } = visit
  const refusal = refuse(
    'consent.denied',
    ['RFC6749-4.1.2.1-3'],
    'access_denied',
    'the user denied the request',
  )
  const committed = await ports.store.commit([
    ...finishing(visit),
    ...(interaction.device === undefined
      ? []
      : [{ kind: 'deny-device-code', hash: interaction.device.hash, at: now } as const]),
    auditRefused(exchange, now, 'consent.denied', refusal, contextOf(visit, session)),
  ])
  if (!committed.committed) return await tooLate(visit, session, ports)
  noLongerOutstanding(visit, ports)
  if (interaction.device !== undefined) return deviceDone(exchange, 'denied')
  return await authorizationError(exchange, ports, interaction.request, refusal)
}

/** Guards of every end: once per interaction, pushed request and signed request object, however many pages were opened. */
function finishing({ interaction, now }: Visit): readonly Write[] {
  const { hash, version, pushedHash } = interaction
  const { requestObjectJti: jti } = interaction.request
  return [
    { kind: 'finish-interaction', hash, version, at: now },
    ...(pushedHash === undefined
      ? []
      : [{ kind: 'spend-pushed-request', hash: pushedHash, at: now } as const]),
    ...(jti === undefined ? [] : [{ kind: 'remember-jti', what: 'request-object', ...jti } as const]),
  ]
}

/** A completed request makes room for another one of its client. */
function noLongerOutstanding({ exchange, interaction, client }: Visit, ports: Ports): void {
  if (interaction.pushedHash !== undefined)
    outstandingRequests(ports).release(outstandingKey(exchange, client))
}

async function tooLate(visit: Visit, session: LiveSession, ports: Ports): Promise<Reply> {
  const refusal = refuse(
    'interaction.once',
    ['RFC9126-4-3'],
    'invalid_request_uri',
    'the request was answered before, on this page or another one',
  )
  await recordRefusal(visit.exchange, ports, 'consent.refused', refusal, {
    context: contextOf(visit, session),
  })
  return errorPage(visit.exchange, refusal, alreadyAnswered)
}

function deviceFacts({ interaction }: Visit, hash: HandleHash): AuditRecord['facts'] {
  const { scopes, resources } = interaction.request
  return { scopes, resources, device_code_ref: hash }
}

function grantOf(visit: Visit, session: LiveSession, ports: Ports): GrantRecord {
  const { interaction, client, now } = visit
  const { request, txn, issuer } = interaction
  const { subject, sid, authTime, acr, amr } = session.record
  return {
    id: newGrantId(ports.entropy, now),
    issuer,
    clientId: client.clientId,
    subject,
    scopes: request.scopes,
    resources: request.resources,
    sid,
    authTime,
    acr,
    amr,
    txn,
    issuedAt: now,
    expiresAt: secondsAfter(now, grantLifetime(visit)),
  }
}

function codeOf(
  { interaction, profile, now }: Visit,
  grant: GrantRecord,
  hash: CodeRecord['hash'],
): CodeRecord {
  const { redirectUri, redirectUriSent, codeChallenge, dpopJkt, instanceJkt, nonce } = interaction.request
  const { issuer, clientId } = grant
  return {
    hash,
    issuer,
    clientId,
    grantId: grant.id,
    redirectUri,
    redirectUriSent,
    codeChallenge,
    dpopJkt,
    ...(instanceJkt !== undefined && { instanceJkt }),
    nonce,
    issuedAt: now,
    expiresAt: secondsAfter(now, profile.codeLifetimeSeconds),
  }
}

/** A grant lives as long as anything it can buy. */
function grantLifetime({ client, interaction, profile }: Visit): number {
  const untilRedeemed =
    interaction.device === undefined ? profile.codeLifetimeSeconds : deviceCodeLifetimeSeconds
  return isLasting(client, interaction.request.scopes)
    ? untilRedeemed + profile.refreshTokenLifetimeSeconds
    : untilRedeemed + profile.accessTokenLifetimeSeconds
}

function contentOf(visit: Visit, session: LiveSession): ConsentContent {
  const { exchange, interaction, client } = visit
  const { scopes } = exchange.issuer
  const { request } = interaction
  const redirect = new URL(request.redirectUri)
  return {
    clientName: client.clientName,
    clientId: client.clientId,
    clientHost: redirect.host === '' ? redirect.protocol.replace(/:$/, '') : redirect.host,
    isDevice: interaction.device !== undefined,
    username: session.user.username,
    scopes: request.scopes.map(name => {
      const { title = name, description = '' } = scopes.get(name) ?? {}
      return { name, title, description }
    }),
    resources: request.resources.map(audience => ({
      audience,
      displayName: exchange.issuer.resourceServers.get(audience)?.displayName ?? audience,
    })),
    lifetimeSeconds: grantLifetime(visit),
    isLasting: isLasting(client, request.scopes),
    endsAtSignOut: endsWithSession(request),
  }
}

function digestOf(content: ConsentContent): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url')
}

function render(visit: Visit, session: LiveSession, ports: Ports, isChanged: boolean): Reply {
  const { exchange, interaction, id } = visit
  const content = contentOf(visit, session)
  return consentView(exchange, {
    action: stepUrl(exchange.issuer.url, id, 'consent'),
    csrf: csrfToken(ports.keys, interaction, 'consent'),
    shown: digestOf(content),
    content,
    formTarget: formTargetOf(interaction.request.redirectUri),
    isChanged,
  })
}

/** The room lets nobody reach this step without one. */
function sessionOf({ session }: Visit): LiveSession {
  if (session === undefined) throw new TypeError('consent without a session')
  return session
}

function contextOf(
  { interaction, client }: Visit,
  session: LiveSession,
): { readonly txn: string; readonly clientId: string; readonly subject: string } {
  return { txn: interaction.txn, clientId: client.clientId, subject: session.record.subject }
}
