import { accept, firstRefusal, refuse } from '@holdfast/protocol'
import {
  deviceGrantType,
  devicePollRules,
  slowDownSeconds,
} from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { GrantRecord } from '../../../store/records.ts'
import type { FoundDeviceCode } from '../../../store/store.ts'
import type { GuardKind } from '../../../store/writes.ts'
import { isLasting } from '../../authorize/lasting.ts'
import { askedAgain, judgeDeviceRequest } from '../../device/request.ts'
import { hashOfHandle } from '../../handle.ts'
import { grantedDetails } from '../../mint/details.ts'
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
  readonly code: FoundDeviceCode | undefined
}

/** A device asks whether its user has answered (RFC 8628 section 3.4). */
export const deviceCode = grantOf<string, Facts>({
  grantType: deviceGrantType,
  parse: ({ form }) => {
    const value = form.get('device_code')
    return value === undefined
      ? refuse('device.missing', ['RFC8628-3.4'], 'invalid_request', '`device_code` is missing')
      : accept(value)
  },
  load: async (value, { exchange }, ports) => {
    const code = await ports.store.findDeviceCode(hashOfHandle('device_code', exchange.issuer.url, value))
    return { code, ...(await loadGrant(code?.grantId, ports)) }
  },
  judge: judgePoll,
})

function judgePoll(_value: string, facts: Facts, request: TokenRequest): Decided {
  const { now, client, sender, exchange } = request
  const { code, grant } = facts
  const binding = pollBindingOf(sender, client, code?.binding)
  const context = code === undefined ? {} : { txn: code.txn, ...(grant && { subject: grant.subject }) }
  const refusal = firstRefusal(devicePollRules, {
    now,
    clientId: client.clientId,
    binding,
    code: code && {
      ...code,
      isSpent: code.spentAt !== undefined,
      isApproved: code.grantId !== undefined,
      isDenied: code.deniedAt !== undefined,
    },
    grant: standingOf(facts, now),
  })
  if (code !== undefined && (refusal?.error === 'authorization_pending' || refusal?.error === 'slow_down')) {
    const more = refusal.error === 'slow_down' ? slowDownSeconds : 0
    const intervalSeconds = code.intervalSeconds + more
    const { hash } = code
    const writes = [{ kind: 'poll-device-code', hash, at: now, intervalSeconds, binding } as const]
    return { ok: false, refusal, context, writes }
  }
  if (refusal !== undefined) return { ok: false, refusal, context }
  if (code === undefined || grant === undefined) throw new TypeError('rule table')
  const still = judgeDeviceRequest(askedAgain(code), client, exchange.issuer)
  if (!still.ok) return { ok: false, refusal: still, context }
  return {
    ok: true,
    value: {
      entitlement: entitlementOf(code, grant, request),
      writes: [
        { kind: 'spend-device-code', hash: code.hash, at: now, binding },
        { kind: 'require-live-grant', id: grant.id, at: now },
      ],
      conflict: guard => lostRace(guard, context),
    },
  }
}

function entitlementOf(code: FoundDeviceCode, grant: GrantRecord, request: TokenRequest): Entitlement {
  const { scopes, resources } = grant
  return {
    grantType: deviceGrantType,
    subject: grant.subject,
    grantId: grant.id,
    scopes,
    allowedScopes: scopes,
    requestedResources: request.form.all('resource'),
    allowedResources: resources,
    authorizationDetails: grantedDetails(grant),
    authTime: grant.authTime,
    acr: grant.acr,
    amr: grant.amr,
    sid: grant.sid,
    nonce: undefined,
    txn: grant.txn,
    grantExpiresAt: grant.expiresAt,
    inputBinding: bindingOfPoll(code.binding),
    refreshToken: isLasting(request.client, scopes) ? { scopes, resources, expiresAt: undefined } : undefined,
  }
}

function lostRace(guard: GuardKind, context: GrantRefusal['context']): GrantRefusal {
  const refusal =
    guard === 'spend-device-code'
      ? refuse(
          'device.replayed',
          ['RFC8628-5.2'],
          'invalid_grant',
          'the device code was used by another request at the same moment',
        )
      : refuse(
          'device.grant-ended',
          ['RFC8628-3.4'],
          'invalid_grant',
          'the grant ended while the device code was used',
        )
  return { refusal, context }
}
