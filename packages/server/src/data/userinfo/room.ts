import {
  accept,
  firstRefusal,
  headerAlgs,
  type Outcome,
  type Refusal,
  type SecurityProfile,
} from '@holdfast/protocol'
import { cnfOf, judgeBinding } from '@holdfast/protocol/sender/binding.ts'
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
import type { Client } from '../../snapshot/snapshot.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { claimsByName, claimsOfScopes, type UserClaims } from '../claims/release.ts'
import { replayRefusal } from '../client-auth/answer.ts'
import { isWithinDates, parsedCertificate } from '../client-auth/certificate.ts'
import { dpopNonceHeader, judgeServerProof } from '../dpop/proof-at-server.ts'
import { type ActiveToken, judgeActive, loadToken } from '../introspect/standing.ts'
import { recordRefusal } from '../refused.ts'
import { jsonReply, noStore } from '../render/json.ts'
import type { Room } from '../room.ts'
import { signForClient } from '../sign-for-client.ts'
import { challengeReply, offeredSchemes } from './challenge.ts'

const refused = 'userinfo.refused'

/** Userinfo (OpenID Connect Core section 5.3): a resource server like any other, with the binding rules of all. */
export const userinfoRoom: Room = async (exchange, ports) => {
  const input = presentationOf(exchange)
  const presented = judgePresentation(input)
  if (!presented.ok) return refuseToken(exchange, ports, input, presented)

  const facts = await loadToken(presented.value.token, exchange, ports)
  const active = judgeActive(facts, ports)
  if (!active.ok) return refuseToken(exchange, ports, input, active)
  const sender = judgePresenter(exchange, ports, presented.value, active.value)
  if (!sender.ok) return refuseToken(exchange, ports, input, sender, active.value)
  const granted = active.value.token.scopes
  const scope = firstRefusal(scopeRules, { required: ['openid'], granted })
  if (scope !== undefined) return refuseToken(exchange, ports, input, scope, active.value)

  const { token } = active.value
  const { clientId, subject, txn } = token
  const claims = claimsOf(active.value, exchange)
  // Before the record: an answer that cannot be encrypted was not given.
  const answer = await answerOf(claims, active.value.client, exchange, ports)
  const audit = auditAccepted(
    exchange,
    ports.clock.now(),
    'userinfo.read',
    { clientId, subject, txn },
    { token_ref: token.hash, scopes: granted, claims: Object.keys(claims) },
  )
  const writes = [...sender.value, audit]
  const committed = await ports.store.commit(writes)
  if (!committed.committed) {
    const replay = replayRefusal(writes, committed)
    if (replay === undefined) throw new TypeError(`no guard \`${committed.guard}\` stands in this list`)
    ports.metrics.count('replays_detected_total', { rule: replay.ruleId })
    return refuseToken(exchange, ports, input, replay, active.value, 'alert')
  }
  return answer
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
function profileOf(
  { issuer }: Exchange,
  { audience: audiences, scopes, authorizationDetails: details = [], clientId }: ActiveToken['token'],
  fallback: SecurityProfile,
): SecurityProfile {
  const client = issuer.clients.get(clientId)
  const effective = client && issuer.effectiveProfile(client, { audiences, scopes, details })
  return effective?.ok === true ? effective.value : fallback
}

/**
 * `sub`, and of the user's claims those that a scope of the token releases or that the user allowed by name. The latter
 * are for the client that asked: a token that another one got in exchange does not carry them.
 */
function claimsOf({ token, client, grant, user }: ActiveToken, { issuer }: Exchange): UserClaims {
  const named = grant !== undefined && grant.clientId === token.clientId ? (grant.claims?.userinfo ?? []) : []
  return {
    ...claimsOfScopes(token.scopes, user, issuer),
    ...(named.length > 0 && claimsByName(named, user, client, issuer)),
    sub: token.subject,
  }
}

/** JSON, or the JWT that the client registered for (OpenID Connect Core section 5.3.2). */
async function answerOf(
  claims: UserClaims,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Reply> {
  const alg = client.userinfoSignedResponseAlg
  const nonce = nextNonce(exchange, ports)
  if (alg === undefined) return jsonReply(200, claims, nonce)
  const named = { ...claims, iss: exchange.issuer.url, aud: client.clientId }
  const jwt = { response: 'userinfo', alg, typ: 'JWT', claims: named } as const
  const body = await signForClient(jwt, client, exchange.issuer.url, ports)
  return { status: 200, headers: [['content-type', 'application/jwt'], ...noStore, ...nonce], body }
}

async function refuseToken(
  exchange: Exchange,
  ports: Ports,
  input: PresentationInput,
  refusal: Refusal,
  active?: ActiveToken,
  outcome: 'refused' | 'alert' = 'refused',
): Promise<Reply> {
  const context =
    active === undefined
      ? {}
      : { clientId: active.token.clientId, subject: active.token.subject, txn: active.token.txn }
  await recordRefusal(exchange, ports, refused, refusal, { context, outcome })
  const profile = active?.client.profile ?? exchange.issuer.floor
  return challengeReply(exchange, refusal, {
    used: usedSchemes(input),
    algs: headerAlgs(profile.signingAlgs),
    nonce:
      refusal.error === 'use_dpop_nonce' ? [dpopNonceHeader(exchange, ports)] : nextNonce(exchange, ports),
  })
}

function nextNonce(exchange: Exchange, ports: Ports): Reply['headers'] {
  return exchange.headers('dpop').length === 0 ? [] : [dpopNonceHeader(exchange, ports)]
}
