import { hash } from 'node:crypto'
import {
  firstRefusal,
  type HandleHash,
  type Refusal,
  refuse,
  type StatedAuthentication,
  secondsAfter,
} from '@holdfast/protocol'
import { silentRules } from '@holdfast/protocol/specs/oidc-core-request/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../../http/exchange.ts'
import type { Ports } from '../../../ports.ts'
import { endsWithSession } from '../../../store/owners.ts'
import type { AuditRecord, CodeRecord, GrantRecord } from '../../../store/records.ts'
import type { GuardKind, Write } from '../../../store/writes.ts'
import { auditAccepted } from '../../audit-of.ts'
import { detailsFacts } from '../../authorize/details-facts.ts'
import { requestFacts } from '../../authorize/facts.ts'
import { grantLifetimeSeconds, isLasting } from '../../authorize/lasting.ts'
import { authorizationResponse } from '../../authorize/response.ts'
import { newGrantId, newManagedGrantId } from '../../authorize/transaction.ts'
import { forgettingWith } from '../../consents/remembered.ts'
import { vouchedBy } from '../../consents/vouched.ts'
import { fineTime, newHandle } from '../../handle.ts'
import { participantOf } from '../../logout/participant.ts'
import { mintDetachedSignature } from '../../mint/id-token.ts'
import { type ConsentContent, type ConsentView, consentView } from '../../pages/consent.ts'
import { shownDetails } from '../../pages/detail-item.ts'
import { deviceDone } from '../../pages/device.ts'
import { wordsFor } from '../../pages/locale.ts'
import { formTargetOf, seeOther } from '../../pages/page.ts'
import { scopeWords } from '../../pages/scope-words.ts'
import type { Words } from '../../pages/words/words.ts'
import { type Authorized, judgeAuthorize } from '../../policy/authorize.ts'
import { recordRefusal } from '../../refused.ts'
import { statedRisk } from '../../risk/client.ts'
import { type AssessedSignIn, assessSignIn } from '../../risk/sign-in.ts'
import { judgeAcr } from '../assurance.ts'
import {
  forgetting,
  type Memory,
  memoryFacts,
  memoryWrites,
  rememberedFor,
  rememberSecondsOf,
} from '../consent-memory.ts'
import { csrfToken } from '../csrf.ts'
import { finishing, finishRefused, noLongerOutstanding, tooLate } from '../finish.ts'
import { approvalShown, askOthers, showWaiting, waitsForApproval } from '../group-approval.ts'
import { type Asked, type Asking, loadAsked } from '../named-grant.ts'
import { putDown } from '../opening.ts'
import { turnedAway } from '../policy-step-up.ts'
import { stepUrl } from '../record.ts'
import { type LiveSession, sessionLimits } from '../session.ts'
import { shownClaims } from '../shown-claims.ts'
import type { InteractionStep } from '../step.ts'
import type { Visit } from '../visit.ts'

/** The user allows or denies exactly what the page showed; allowing issues the code. */
export const consent: InteractionStep = {
  name: 'consent',
  isNeeded: ({ interaction }) => interaction.account === undefined,
  show: async (visit, ports) => {
    const due = await dueOf(visit, ports)
    return due.kind === 'page'
      ? await showPage(await putDown(visit, ports), due, ports)
      : await endOf(visit, due, ports)
  },
  answer,
}

/**
 * For `prompt=none`, which may show nothing (OpenID Connect Core section 3.1.2.1): the code where the user allowed it
 * before and it is remembered, otherwise the error of what would have been shown.
 */
export async function consentSilently(visit: Visit, ports: Ports): Promise<Reply> {
  const due = await dueOf(visit, ports)
  if (due.kind !== 'page') return await endOf(visit, due, ports)
  const { permitted } = due
  const { prompt } = visit.interaction.request
  const needsLogin = !permitted.ok && permitted.stepUp !== undefined
  const needsInteraction = !permitted.ok && permitted.approval !== undefined
  const wanted = { prompt, needsLogin, needsInteraction, needsConsent: permitted.ok }
  const refusal = firstRefusal(silentRules, wanted) ?? (permitted.ok ? undefined : permitted.refusal)
  if (refusal === undefined) throw new TypeError('not a request without a page')
  const writes = permitted.ok ? [] : permitted.writes
  return await finishRefused(visit, ports, 'consent.refused', refusal, { writes })
}

/** What comes of a request before anybody is asked. */
type Due =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'remembered'; readonly session: LiveSession; readonly allowed: Allowed }
  | DuePage

interface DuePage {
  readonly kind: 'page'
  readonly session: LiveSession
  readonly asked: Asked
  readonly permitted: Authorized
  readonly rememberSeconds: number | undefined
}

async function showPage(visit: Visit, due: DuePage, ports: Ports): Promise<Reply> {
  const { session, asked, permitted, rememberSeconds } = due
  const approval = approvalShown(permitted)
  if (permitted.ok || approval !== undefined)
    return render(visit, session, asked, ports, { rememberSeconds, ...(approval && { approval }) })
  return waitsForApproval(permitted)
    ? showWaiting(visit, permitted.approval.record, ports)
    : await turnedAway(visit, permitted, 'consent.refused', ports)
}

async function dueOf(visit: Visit, ports: Ports): Promise<Due> {
  const session = sessionOf(visit)
  const asked = await loadAsked(askingOf(visit), session.record.subject, ports)
  if (!asked.ok) return { kind: 'refused', refusal: asked }
  const { permitted, signIn } = await judgeConsent(visit, session, asked.value, ports)
  const rememberSeconds = rememberSecondsOf(visit, asked.value, permitted)
  const record = await rememberedFor(visit, session, asked.value, rememberSeconds, ports)
  if (!permitted.ok || record === undefined)
    return { kind: 'page', session, asked: asked.value, permitted, rememberSeconds }
  const unmet = judgeAcr(visit.interaction.request, [statedBy(visit).acr])
  if (unmet !== undefined) return { kind: 'refused', refusal: unmet }
  const memory = { kind: 'remembered', record } as const
  return {
    kind: 'remembered',
    session,
    allowed: { ...asked.value, memory, signIn, records: permitted.writes },
  }
}

async function endOf(visit: Visit, due: Exclude<Due, { kind: 'page' }>, ports: Ports): Promise<Reply> {
  return due.kind === 'refused'
    ? await finishRefused(visit, ports, 'consent.refused', due.refusal)
    : await allowed(visit, due.session, due.allowed, ports)
}

async function answer(visit: Visit, form: Form, ports: Ports): Promise<Reply> {
  const session = sessionOf(visit)
  const decision = form.get('decision')
  if (decision === 'deny') {
    const writes = [forgetting(visit, session)]
    return await finishRefused(visit, ports, 'consent.denied', deniedByUser, { writes })
  }
  const asked = await loadAsked(askingOf(visit), session.record.subject, ports)
  if (!asked.ok) return await finishRefused(visit, ports, 'consent.refused', asked)
  // Asked again: since the page was shown, the policies or the session may be others.
  const { permitted, signIn } = await judgeConsent(visit, session, asked.value, ports)
  const rememberSeconds = rememberSecondsOf(visit, asked.value, permitted)
  if (decision !== 'allow') return render(visit, session, asked.value, ports, { rememberSeconds })

  // I13: what the user saw is what the token holds. A name or text edited meanwhile is asked again.
  const shown = digestOf(contentOf(visit, session, asked.value, rememberSeconds))
  if (form.get('shown') !== shown) {
    await recordRefusal(visit.exchange, ports, 'consent.refused', changed, {
      context: contextOf(visit, session),
    })
    return render(visit, session, asked.value, ports, { isChanged: true, rememberSeconds })
  }
  const unmet = judgeAcr(visit.interaction.request, [statedBy(visit).acr])
  if (unmet !== undefined) return await finishRefused(visit, ports, 'consent.refused', unmet)
  if (!permitted.ok && permitted.approval !== undefined && permitted.approval.standing !== 'denied')
    return await askOthers(visit, session, permitted, ports)
  if (!permitted.ok) return await turnedAway(visit, permitted, 'consent.refused', ports)
  return await allowed(
    visit,
    session,
    {
      ...{ ...asked.value, shown, signIn, memory: { kind: 'shown', rememberSeconds } },
      records: [...permitted.uses, ...permitted.writes],
    },
    ports,
  )
}

function askingOf({ interaction: { request }, client, profile, exchange: { issuer } }: Visit): Asking {
  return { request, client, profile, issuer }
}

const changed = refuse(
  'consent.changed',
  [],
  'invalid_request',
  'what is asked for changed after it was shown',
)

/** Moment 1 of policy, for what the page asks, with how risky it looks to have this user answer from here. */
async function judgeConsent(
  visit: Visit,
  { record, user }: LiveSession,
  asked: Asked,
  ports: Ports,
): Promise<{ readonly permitted: Authorized; readonly signIn: AssessedSignIn | undefined }> {
  const { exchange, interaction, client, profile, now } = visit
  const { subject, sid } = record
  const { authTime, acr, amr } = statedBy(visit)
  const grantType =
    interaction.device === undefined ? 'authorization_code' : 'urn:ietf:params:oauth:grant-type:device_code'
  const signIn = await assessSignIn(exchange, ports, user, interaction, now)
  const permitted = await judgeAuthorize(
    {
      ...{ client, grantType, txn: interaction.txn, now },
      wanted: { ...asked, profile },
      user: { subject, sid, acr, amr, authTime },
      risk: statedRisk({ client, profile, subject, signIn: signIn?.judged, now }, exchange, ports),
    },
    exchange,
    ports,
  )
  return { permitted, signIn }
}

/** What a user allowed: the page that is answered, by its digest, or before; and what policies recorded of it. */
interface Allowed extends Asked {
  readonly shown?: string
  readonly memory: Memory
  readonly records: readonly Write[]
  readonly signIn: AssessedSignIn | undefined
}

async function allowed(visit: Visit, session: LiveSession, asked: Allowed, ports: Ports): Promise<Reply> {
  const { exchange, interaction, now, opening } = visit
  const { device } = interaction
  const code = newHandle(ports.entropy, 'code', exchange.issuer.url, fineTime(ports.clock))
  const grant = grantOf(visit, session, asked, ports)
  const remembered = asked.signIn?.remember()
  const response = await responseOf(visit, grant, code.value, ports)
  const writes: readonly Write[] = [
    ...finishing(visit),
    // Its tokens end here, with the consent that takes its place.
    ...(asked.named === undefined ? [] : [{ kind: 'end-grant', id: asked.named.id, at: now } as const]),
    ...forgettingWith(asked.named),
    ...memoryWrites(visit, grant, asked, asked.memory),
    { kind: 'insert-grant', record: grant },
    device === undefined
      ? { kind: 'insert-code', record: codeOf(visit, grant, code.hash) }
      : { kind: 'approve-device-code', hash: device.hash, grantId: grant.id, at: now },
    { kind: 'join-session', record: participantOf(session.record.sid, grant.clientId, now) },
    {
      kind: 'touch-session',
      hash: session.record.hash,
      idleExpiresAt: secondsAfter(now, sessionLimits.idleSeconds),
    },
    ...asked.records,
    ...(remembered?.writes ?? []),
    auditAccepted(exchange, now, device ? 'device.approved' : 'code.issued', contextOf(visit, session), {
      ...(device ? deviceFacts(visit, device.hash) : requestFacts(interaction.request)),
      ...(opening !== undefined && { pushed: interaction.pushedHash !== undefined }),
      ...memoryFacts(visit, asked.memory, shownFacts(visit, asked)),
      grant: grant.id,
      granted_scopes: grant.scopes,
      ...(asked.named !== undefined && { replaced_grant: asked.named.id }),
      sid: session.record.sid,
      acr: statedBy(visit).acr,
      profile: visit.profile.name,
    }),
  ]
  // Made before the commit: an answer that cannot be encrypted for its client must not cost the user's consent.
  const reply =
    device === undefined
      ? await authorizationResponse(exchange, ports, interaction.request, response)
      : deviceDone(exchange, 'allowed')
  const committed = await ports.store.commit(writes)
  if (!committed.committed) return await overtaken(visit, session, committed.guard, ports)
  noLongerOutstanding(visit, ports)
  return remembered === undefined ? reply : { ...reply, headers: [...reply.headers, remembered.cookie] }
}

/** Something else was faster: the user is asked again, where that helps and anything may be shown. */
async function overtaken(visit: Visit, session: LiveSession, guard: GuardKind, ports: Ports): Promise<Reply> {
  const { exchange, interaction, id, opening } = visit
  const step = stepAfter[guard]
  if (step === undefined) return await tooLate(visit, contextOf(visit, session), ports)
  if (opening === undefined) return seeOther(stepUrl(exchange.issuer.url, id, step))
  const { prompt } = interaction.request
  const needs = { needsLogin: step === 'login', needsInteraction: false, needsConsent: step === 'consent' }
  const silent = firstRefusal(silentRules, { prompt, ...needs })
  if (silent !== undefined) return await finishRefused(visit, ports, 'consent.refused', silent)
  // Nothing was written: the browser sends its request once more, and all of it is judged as it is now.
  return seeOther(`${exchange.externalUrl}?${exchange.query}`)
}

/** After any other guard the request itself was answered before. */
const stepAfter: { readonly [Guard in GuardKind]?: 'consent' | 'login' } = {
  // Another request was faster with the grant that this one names: the user is asked about what it is now.
  'end-grant': 'consent',
  // An approval was used up or taken back, or what was remembered is not any more: the page says what is missing.
  'spend-approval': 'consent',
  'require-approval': 'consent',
  'require-consent': 'consent',
  // A logout was faster: there is no session to consent in. The room asks for a new login.
  'touch-session': 'login',
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

const deniedByUser = refuse(
  'consent.denied',
  ['RFC6749-4.1.2.1-3'],
  'access_denied',
  'the user denied the request',
)

function deviceFacts({ interaction }: Visit, hash: HandleHash): AuditRecord['facts'] {
  const { scopes, resources, authorizationDetails } = interaction.request
  return { scopes, resources, ...detailsFacts(authorizationDetails), device_code_ref: hash }
}

function grantOf(visit: Visit, session: LiveSession, asked: Allowed, ports: Ports): GrantRecord {
  const { interaction, client, now } = visit
  const { request, txn, issuer } = interaction
  const { subject, sid } = session.record
  const { authTime, acr, amr } = statedBy(visit)
  return {
    id: newGrantId(ports.entropy, fineTime(ports.clock)),
    issuer,
    clientId: client.clientId,
    subject,
    scopes: asked.scopes,
    resources: asked.resources,
    ...(asked.claims !== undefined && { claims: asked.claims }),
    ...(asked.details.length > 0 && { authorizationDetails: asked.details }),
    sid,
    authTime,
    acr,
    amr,
    txn,
    issuedAt: now,
    expiresAt: secondsAfter(now, grantLifetime(visit, asked)),
    ...(asked.signIn !== undefined && { risk: asked.signIn.judged }),
    ...(request.grantManagement && {
      managed: asked.named?.managed ?? { id: newManagedGrantId(ports.entropy), createdAt: now },
    }),
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

/** The room lets nobody reach this step before it is done. */
function statedBy({ authentication }: Visit): StatedAuthentication {
  if (authentication.next !== 'done') throw new TypeError('consent before authentication')
  return authentication.stated
}

function grantLifetime({ client, interaction, profile }: Visit, { scopes }: Asked): number {
  return grantLifetimeSeconds({ client, profile, isDevice: interaction.device !== undefined }, scopes)
}

function contentOf(
  visit: Visit,
  session: LiveSession,
  asked: Asked,
  rememberSeconds: number | undefined,
): ConsentContent {
  const { exchange, interaction, client } = visit
  const { scopes } = exchange.issuer
  const { request } = interaction
  const redirect = new URL(request.redirectUri)
  const words = wordsOf(visit)
  return {
    locale: words.locale,
    clientName: client.clientName,
    clientId: client.clientId,
    clientHost: redirect.host === '' ? redirect.protocol.replace(/:$/, '') : redirect.host,
    isDevice: interaction.device !== undefined,
    username: session.user.username,
    change: asked.named === undefined ? undefined : request.grantManagement?.action,
    scopes: asked.scopes.map(name => ({ name, ...scopeWords(scopes.get(name), name, words) })),
    claims: shownClaims(asked, client, exchange.issuer, words),
    details: shownDetails(asked.details, exchange.issuer),
    resources: asked.resources.map(audience => ({
      audience,
      displayName: exchange.issuer.resourceServers.get(audience)?.displayName ?? audience,
    })),
    lifetimeSeconds: grantLifetime(visit, asked),
    isLasting: isLasting(client, asked.scopes),
    endsAtSignOut: endsWithSession(asked),
    rememberSeconds,
    vouchedBy: vouchedBy(client, exchange.issuer),
  }
}

function wordsOf({ exchange, interaction }: Visit): Words {
  return wordsFor(exchange, interaction.request.uiLocales)
}

/** What the page said, for the record: the digest of all of it, its language, and the details it named. */
function shownFacts(visit: Visit, { claims, shown }: Allowed): AuditRecord['facts'] {
  return {
    ...(shown !== undefined && { shown }),
    locale: wordsOf(visit).locale,
    ...(claims !== undefined && {
      claims_id_token: claims.idToken.map(({ name }) => name),
      claims_userinfo: claims.userinfo.map(({ name }) => name),
    }),
  }
}

function digestOf(content: ConsentContent): string {
  return hash('sha256', JSON.stringify(content), 'base64url')
}

type Shown = Partial<Pick<ConsentView, 'isChanged' | 'approval'>> & Pick<ConsentContent, 'rememberSeconds'>

function render(
  visit: Visit,
  session: LiveSession,
  asked: Asked,
  ports: Ports,
  { isChanged = false, approval, rememberSeconds }: Shown,
): Reply {
  const { exchange, interaction, id } = visit
  const content = contentOf(visit, session, asked, rememberSeconds)
  return consentView(exchange, {
    words: wordsOf(visit),
    action: stepUrl(exchange.issuer.url, id, 'consent'),
    csrf: csrfToken(ports.keys, interaction, 'consent'),
    shown: digestOf(content),
    content,
    formTarget: formTargetOf(interaction.request.redirectUri),
    isChanged,
    ...(approval && { approval }),
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
