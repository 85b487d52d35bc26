import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import { cnfOf } from '@holdfast/protocol/sender/binding.ts'
import { signingInputMember } from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import { addressedRules, introspectionRules } from '@holdfast/protocol/specs/rfc7662-introspection/rules.ts'
import { detailsAt } from '@holdfast/protocol/specs/rfc9396-rar/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AuditRecord } from '../../store/records.ts'
import { attributesAt } from '../attributes/order-with.ts'
import { auditAccepted } from '../audit-of.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { type AuthenticatedClient, authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { subjectFor } from '../mint/pairwise.ts'
import { refusedOauth } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'
import { signedReply, wantsSigned } from './signed.ts'
import { type ActiveToken, judgeActive, loadToken, type TokenFacts } from './standing.ts'

const refused = 'introspection.refused'

/**
 * Token introspection (RFC 7662) for resource servers. Access tokens only: `token_type_hint` changes nothing, and a
 * refresh token is nobody's at an API. What a caller may not know about looks like what does not exist (I20).
 */
export const introspectRoom: Room = async (exchange, ports) => {
  const form = parseBackChannelForm(exchange)
  if (!form.ok) return refusedOauth(exchange, ports, refused, form)

  const authenticated = await authenticateClient(exchange, form.value, ports)
  if (!authenticated.ok) return refusedOauth(exchange, ports, refused, authenticated)
  const { introspects } = authenticated.value.client
  const value = form.value.get('token')
  const refusal = firstRefusal(introspectionRules, { token: value, introspects })
  if (refusal !== undefined || value === undefined) {
    if (refusal === undefined) throw new TypeError('rule table')
    const reply = await refusedAuthenticated(exchange, ports, refused, refusal, authenticated.value)
    return reply.status === 400 && refusal.error === 'access_denied' ? { ...reply, status: 403 } : reply
  }

  const facts = await loadToken(value, exchange, ports)
  const active = judgeAddressed(facts, introspects, exchange, ports)
  return answer(exchange, ports, authenticated.value, facts, active)
}

function judgeAddressed(
  facts: TokenFacts,
  introspects: readonly string[],
  exchange: Exchange,
  ports: Ports,
): Outcome<ActiveToken> {
  const active = judgeActive(facts, exchange, ports)
  if (!active.ok) return active
  const { audience } = active.value.token
  return firstRefusal(addressedRules, { audience, introspects }) ?? accept(active.value)
}

async function answer(
  exchange: Exchange,
  ports: Ports,
  authenticated: AuthenticatedClient,
  { token }: TokenFacts,
  active: Outcome<ActiveToken>,
): Promise<Reply> {
  const context = {
    clientId: authenticated.client.clientId,
    ...(active.ok && { txn: active.value.token.txn, subject: active.value.token.subject }),
  }
  const audit: AuditRecord['facts'] = {
    ...authenticated.evidence,
    active: active.ok,
    ...(token !== undefined && { token_ref: token.hash }),
    ...(!active.ok && { inactive_by: active.ruleId }),
  }
  const writes = [
    ...authenticated.writes,
    auditAccepted(exchange, ports.clock.now(), 'token.introspected', context, audit),
  ]
  const committed = await ports.store.commit(writes)
  if (!committed.committed) {
    const replay = replayRefusal(writes, committed)
    if (replay === undefined) throw new TypeError(`no guard \`${committed.guard}\` stands in this list`)
    return refusedReplay(exchange, ports, refused, replay, { context, extraHeaders: undefined })
  }
  const description = active.ok ? describe(active.value, exchange, ports) : { active: false }
  return wantsSigned(exchange, authenticated.client, active.ok ? active.value.token : undefined)
    ? await signedReply(exchange, ports, authenticated.client, description)
    : jsonReply(200, description)
}

/** A member that is undefined is not written: JSON has none. */
function describe(
  { token }: ActiveToken,
  { issuer }: Exchange,
  { keys }: Ports,
): Readonly<Record<string, unknown>> {
  const { audience, authTime, acr, amr, binding, act, mayAct, authorizationDetails = [] } = token
  // A type that moved to another resource server since is no longer this one's to know (I20).
  const details = audience.flatMap(one => detailsAt(authorizationDetails, issuer.detailTypes, one))
  const cnf = cnfOf(binding)
  return {
    ...attributesAt(token.attributeClaims, audience, issuer),
    ...token.policyClaims,
    active: true,
    iss: issuer.url,
    sub: subjectFor(keys, issuer.url, token.sector, token.subject),
    aud: audience.length === 1 ? audience[0] : audience,
    client_id: token.clientId,
    scope: token.scopes.join(' '),
    authorization_details: details.length > 0 ? details : undefined,
    token_type: binding.jkt === undefined ? 'Bearer' : 'DPoP',
    exp: token.expiresAt,
    iat: token.issuedAt,
    nbf: token.issuedAt,
    jti: token.jti,
    tenant_id: issuer.tenantId,
    cnf,
    act,
    may_act: mayAct === undefined ? undefined : { sub: mayAct },
    auth_time: authTime,
    acr,
    amr: amr.length > 0 ? amr : undefined,
    txn: token.txn,
    // The caller has the signature, or it could not have asked: now it has the whole.
    ...(token.signingInput !== undefined && { [signingInputMember]: token.signingInput }),
  }
}
