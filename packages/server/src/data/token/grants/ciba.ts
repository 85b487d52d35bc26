import { accept, firstRefusal, refuse } from '@holdfast/protocol'
import { cibaPollRules } from '@holdfast/protocol/specs/openid-ciba/poll-rules.ts'
import { cibaGrantType, cibaSlowDownSeconds } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { GrantRecord } from '../../../store/records.ts'
import type { FoundBackchannelRequest } from '../../../store/store.ts'
import type { GuardKind } from '../../../store/writes.ts'
import { isLasting } from '../../authorize/lasting.ts'
import { judgeCibaAccess } from '../../ciba/request.ts'
import { hashOfHandle } from '../../handle.ts'
import type { Entitlement } from '../../mint/order.ts'
import {
  type Decided,
  type GrantFacts,
  type GrantRefusal,
  grantOf,
  loadGrant,
  standingOf,
  type TokenRequest,
} from '../grant.ts'
import { bindingOfPoll, pollBindingOf } from '../poll-binding.ts'

interface Facts extends GrantFacts {
  readonly asked: FoundBackchannelRequest | undefined
}

/** A client asks whether its user has answered elsewhere (OpenID Connect CIBA section 10.1). */
export const ciba = grantOf<string, Facts>({
  grantType: cibaGrantType,
  parse: ({ form }) => {
    const value = form.get('auth_req_id')
    return value === undefined
      ? refuse('ciba.missing', ['CIBA-10.1'], 'invalid_request', '`auth_req_id` is missing')
      : accept(value)
  },
  load: async (value, { exchange }, ports) => {
    const hash = hashOfHandle('auth_req_id', exchange.issuer.url, value)
    const asked = await ports.store.findBackchannelRequest(hash)
    return { asked, ...(await loadGrant(asked?.grantId, ports)) }
  },
  judge: judgePoll,
})

function judgePoll(authReqId: string, facts: Facts, request: TokenRequest): Decided {
  const { now, client, sender, exchange } = request
  const { asked, grant } = facts
  const binding = pollBindingOf(sender, client, asked?.binding)
  const context = asked?.clientId === client.clientId ? { txn: asked.txn, subject: asked.subject } : {}
  const refusal = firstRefusal(cibaPollRules, {
    now,
    clientId: client.clientId,
    binding,
    asked: asked && {
      ...asked,
      isSpent: asked.spentAt !== undefined,
      isApproved: asked.grantId !== undefined,
      isDenied: asked.deniedAt !== undefined,
    },
    grant: standingOf(facts, now),
  })
  if (asked !== undefined && (refusal?.error === 'authorization_pending' || refusal?.error === 'slow_down')) {
    const more = refusal.error === 'slow_down' ? cibaSlowDownSeconds : 0
    const intervalSeconds = asked.intervalSeconds + more
    const { hash } = asked
    const writes = [{ kind: 'poll-backchannel-request', hash, at: now, intervalSeconds, binding } as const]
    return { ok: false, refusal, context, writes }
  }
  if (refusal !== undefined) return { ok: false, refusal, context }
  if (asked === undefined || grant === undefined) throw new TypeError('rule table')
  const still = judgeCibaAccess(asked, client, exchange.issuer)
  if (!still.ok) return { ok: false, refusal: still, context }
  return {
    ok: true,
    value: {
      entitlement: { ...entitlementOf(asked, grant, request), authReqId },
      writes: [
        { kind: 'spend-backchannel-request', hash: asked.hash, at: now, binding },
        { kind: 'require-live-grant', id: grant.id, at: now },
      ],
      conflict: guard => lostRace(guard, context),
    },
  }
}

function entitlementOf(
  asked: FoundBackchannelRequest,
  grant: GrantRecord,
  request: TokenRequest,
): Entitlement {
  const { scopes, resources } = grant
  return {
    grantType: cibaGrantType,
    subject: grant.subject,
    grantId: grant.id,
    scopes,
    allowedScopes: scopes,
    requestedResources: request.form.all('resource'),
    allowedResources: resources,
    authTime: grant.authTime,
    acr: grant.acr,
    amr: grant.amr,
    sid: grant.sid,
    nonce: undefined,
    txn: grant.txn,
    grantExpiresAt: grant.expiresAt,
    inputBinding: bindingOfPoll(asked.binding),
    refreshToken: isLasting(request.client, scopes) ? { scopes, resources, expiresAt: undefined } : undefined,
  }
}

function lostRace(guard: GuardKind, context: GrantRefusal['context']): GrantRefusal {
  const refusal =
    guard === 'spend-backchannel-request'
      ? refuse(
          'ciba.replayed',
          ['CIBA-7.3-once'],
          'invalid_grant',
          'the `auth_req_id` was used by another request at the same moment',
        )
      : refuse(
          'ciba.grant-ended',
          ['CIBA-10.1'],
          'invalid_grant',
          'the grant ended while the `auth_req_id` was used',
        )
  return { refusal, context }
}
