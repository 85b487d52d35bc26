import {
  accept,
  firstRefusal,
  headerAlgs,
  type Outcome,
  type Refusal,
  type SecurityProfile,
} from '@holdfast/protocol'
import { cnfOf, judgeBinding } from '@holdfast/protocol/sender/binding.ts'
import type { PresentedByClient } from '@holdfast/protocol/specs/rfc6750-bearer/own-token.ts'
import {
  judgePresentation,
  type PresentationInput,
  type Presented,
  schemeRules,
  scopeRules,
  splitValues,
  usedSchemes,
} from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import { replayRefusal } from '../client-auth/answer.ts'
import { isWithinDates, parsedCertificate } from '../client-auth/certificate.ts'
import { dpopNonceHeader, judgeServerProof } from '../dpop/proof-at-server.ts'
import { type ActiveToken, judgeActive, loadToken } from '../introspect/standing.ts'
import { recordRefusal } from '../refused.ts'
import { challengeReply, offeredSchemes } from './challenge.ts'

/** What an endpoint of ours asks of the access token that a request presents. */
export interface BearerDesk {
  readonly exchange: Exchange
  readonly ports: Ports
  /** Of the audit record of a refusal. */
  readonly refusedEvent: string
  /** Several stand with spaces between them; empty: the room judges what is needed. */
  readonly requiredScope: string
  /** What else the token must be, before its scope is looked at. */
  readonly judge?: (active: ActiveToken) => Refusal | undefined
}

export interface Bearer {
  readonly active: ActiveToken
  /** Go into the commit of what is done: they remember the proof (I9). */
  readonly writes: readonly Write[]
}

export type PresentedToken =
  | { readonly ok: true; readonly value: Bearer }
  | { readonly ok: false; readonly reply: Reply; readonly refusal: Refusal }

/** What the rules about a token for this server itself look at. */
export function presentedHere({ token }: ActiveToken, { issuer }: Exchange): PresentedByClient {
  return {
    tokenAudience: token.audience,
    issuer: issuer.url,
    isOwn: token.grantId === undefined && token.act === undefined,
  }
}

/** A live token with its key proven and the scope; anything else is answered with a challenge. */
export async function presentedToken(desk: BearerDesk): Promise<PresentedToken> {
  const { exchange, ports } = desk
  const presented = judgePresentation(presentationOf(exchange))
  if (!presented.ok) return await refused(desk, presented)

  const active = judgeActive(await loadToken(presented.value.token, exchange, ports), exchange, ports)
  if (!active.ok) return await refused(desk, active)
  const sender = judgePresenter(exchange, ports, presented.value, active.value)
  if (!sender.ok) return await refused(desk, sender, active.value)
  const refusal =
    desk.judge?.(active.value) ??
    firstRefusal(scopeRules, { required: scopesOf(desk), granted: active.value.token.scopes })
  if (refusal !== undefined) return await refused(desk, refusal, active.value)
  return { ok: true, value: { active: active.value, writes: sender.value } }
}

function scopesOf({ requiredScope }: BearerDesk): readonly string[] {
  return requiredScope === '' ? [] : requiredScope.split(' ')
}

async function refused(desk: BearerDesk, refusal: Refusal, active?: ActiveToken): Promise<PresentedToken> {
  return { ok: false, reply: await refuseToken(desk, refusal, active), refusal }
}

/**
 * Commits what the token was presented for, its proof with it.
 * @returns the answer when the proof was used before; undefined when all is done, or another guard failed
 */
export async function commitPresented(
  desk: BearerDesk,
  { active, writes }: Bearer,
  more: readonly Write[],
): Promise<{ readonly committed: boolean; readonly reply: Reply | undefined; readonly refusal?: Refusal }> {
  const { ports } = desk
  const all = [...writes, ...more]
  if (all.length === 0) return { committed: true, reply: undefined }
  const result = await ports.store.commit(all)
  if (result.committed) return { committed: true, reply: undefined }
  const replay = replayRefusal(all, result)
  if (replay === undefined) return { committed: false, reply: undefined }
  ports.metrics.count('replays_detected_total', { rule: replay.ruleId })
  const reply = await refuseToken(desk, replay, active, 'alert')
  return { committed: false, reply, refusal: replay }
}

function presentationOf(exchange: Exchange): PresentationInput {
  return {
    // The edge has no listener for this path without TLS but in development on loopback.
    isSecure: true,
    authorization: splitValues(exchange.headers('authorization')),
    query: exchange.query,
    isTokenInBody: hasTokenInBody(exchange),
    offered: offeredSchemes,
  }
}

function hasTokenInBody({ body }: Exchange): boolean {
  if (body.length === 0) return false
  const form = parseForm(body.toString('latin1'))
  return form.ok && form.value.names.includes('access_token')
}

/** Whether the request proves what the token is bound to; the writes remember the proof (I9). */
function judgePresenter(
  exchange: Exchange,
  ports: Ports,
  { scheme, token: accessToken }: Presented,
  { token, client }: ActiveToken,
): Outcome<readonly Write[]> {
  const { jkt: expectedJkt } = token.binding
  const misused = firstRefusal(schemeRules, { scheme, isKeyBound: expectedJkt !== undefined })
  if (misused !== undefined) return misused
  const profile = profileOf(exchange, token, client.profile)
  const proof = judgeServerProof(exchange, ports, profile, {
    accessToken,
    required: scheme === 'DPoP',
    ...(expectedJkt !== undefined && { expectedJkt }),
  })
  if (!proof.ok) return proof
  const { peerCertificate: peer } = exchange
  const certificate = peer && parsedCertificate(peer)
  const isCurrent = certificate !== undefined && isWithinDates(certificate, ports.clock.now())
  const binding = judgeBinding({
    cnf: cnfOf(token.binding),
    evidence: { jkt: proof.value?.jkt, x5tS256: isCurrent ? peer?.thumbprint : undefined },
    required: profile.senderConstraint === 'required',
  })
  return binding.ok ? accept(proof.value?.writes ?? []) : binding
}

/** What the token was minted under; the client's own profile when its resource is gone. */
export function profileOf(
  { issuer }: Exchange,
  { audience, scopes, authorizationDetails: details = [], clientId }: ActiveToken['token'],
  fallback: SecurityProfile,
): SecurityProfile {
  const client = issuer.clients.get(clientId)
  const audiences = audience.filter(one => issuer.resourceServers.has(one))
  const effective = client && issuer.effectiveProfile(client, { audiences, scopes, details })
  return effective?.ok === true ? effective.value : fallback
}

/** What is asked of the token beyond what the desk says, and is not there: written down, and answered with a challenge. */
export async function refuseToken(
  { exchange, ports, refusedEvent, requiredScope }: BearerDesk,
  refusal: Refusal,
  active?: ActiveToken,
  outcome: 'refused' | 'alert' = 'refused',
): Promise<Reply> {
  const context =
    active === undefined
      ? {}
      : { clientId: active.token.clientId, subject: active.token.subject, txn: active.token.txn }
  await recordRefusal(exchange, ports, refusedEvent, refusal, { context, outcome })
  const profile = active?.client.profile ?? exchange.issuer.floor
  const reply = challengeReply(exchange, refusal, {
    used: usedSchemes(presentationOf(exchange)),
    algs: headerAlgs(profile.signingAlgs),
    requiredScope,
    nonce:
      refusal.error === 'use_dpop_nonce' ? [dpopNonceHeader(exchange, ports)] : nextNonce(exchange, ports),
  })
  return active === undefined ? { ...reply, isUnbacked: true } : reply
}

/** Whoever uses DPoP learns the nonce for next time. */
export function nextNonce(exchange: Exchange, ports: Ports): Reply['headers'] {
  return exchange.headers('dpop').length === 0 ? [] : [dpopNonceHeader(exchange, ports)]
}
