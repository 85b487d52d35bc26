import { accept, firstRefusal, refuse, type SecurityProfile, secondsAfter } from '@holdfast/protocol'
import { refreshInstanceRules } from '@holdfast/protocol/specs/client-attestation/instance-rules.ts'
import { refreshRules } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { GrantRecord, RefreshTokenRecord } from '../../../store/records.ts'
import type { Store } from '../../../store/store.ts'
import type { GuardKind, Write } from '../../../store/writes.ts'
import { idTokenClaimsOf } from '../../claims/release.ts'
import { hashOfHandle } from '../../handle.ts'
import { grantedDetails } from '../../mint/details.ts'
import type { RefreshTokenOrder } from '../../mint/order.ts'
import {
  contextOf,
  type Decided,
  endOfFamily,
  type GrantFacts,
  type GrantRefusal,
  grantOf,
  loadGrant,
  requestedScopes,
  standingOf,
  type TokenRequest,
} from '../grant.ts'

interface Facts extends GrantFacts {
  readonly token: Awaited<ReturnType<Store['findRefreshToken']>>
}

export const refreshToken = grantOf<string, Facts>({
  grantType: 'refresh_token',
  parse: ({ form }) => {
    const value = form.get('refresh_token')
    return value === undefined
      ? refuse('refresh.missing', ['RFC6749-6'], 'invalid_request', '`refresh_token` is missing')
      : accept(value)
  },
  load: async (value, { exchange }, ports) => {
    const hash = hashOfHandle('refresh_token', exchange.issuer.url, value)
    const token = await ports.store.findRefreshToken(hash)
    return { token, ...(await loadGrant(token?.grantId, ports)) }
  },
  judge: judgeRefresh,
})

function judgeRefresh(_value: string, facts: Facts, request: TokenRequest): Decided {
  const { now, client, sender, form } = request
  const { token, grant } = facts
  const scopes = requestedScopes(form)
  const profile = profileOfToken(facts, request)
  const refusal =
    firstRefusal(refreshRules, {
      now,
      clientId: client.clientId,
      isPublic: client.isPublic,
      sender,
      scopes,
      graceSeconds: profile.rotationGraceSeconds,
      token: token && {
        ...token,
        isSpent: token.spentAt !== undefined,
        isRevoked: token.revokedAt !== undefined,
      },
      grant: standingOf(facts, now),
    }) ??
    firstRefusal(refreshInstanceRules, { bound: token?.binding.instanceJkt, proven: sender.instanceJkt })
  if (refusal?.ruleId === 'refresh.reused' && token !== undefined)
    return { ok: false, ...reused(refusal, token, grant, request) }
  if (refusal !== undefined) return { ok: false, refusal, context: contextOf(grant) }
  if (token === undefined || grant === undefined) throw new TypeError('rule table')

  const rotation = rotationOf(token, client.isPublic, profile, request)
  const { subject, authTime, acr, amr, sid, txn, expiresAt } = grant
  return {
    ok: true,
    value: {
      entitlement: {
        grantType: 'refresh_token',
        subject,
        grantId: grant.id,
        scopes: scopes ?? token.scopes,
        allowedScopes: token.scopes,
        requestedResources: form.all('resource'),
        allowedResources: token.resources,
        authorizationDetails: grantedDetails(grant),
        authTime,
        acr,
        amr,
        sid,
        nonce: undefined,
        userClaims: idTokenClaimsOf(grant, facts.user, client, request.exchange.issuer),
        txn,
        grantExpiresAt: expiresAt,
        inputBinding: token.binding,
        refreshToken: rotation.successor,
        ...(grant.risk && { risk: grant.risk }),
        ...(grant.managed && { managedGrantId: grant.managed.id }),
      },
      writes: [rotation.write, { kind: 'require-live-grant', id: grant.id, at: now }],
      conflict: guard => conflictOf(guard, token, grant, request),
    },
  }
}

/** What applies to all the token can buy; when its parts contradict each other by now, minting will say so. */
function profileOfToken({ token, grant }: Facts, { client, exchange }: TokenRequest): SecurityProfile {
  const met = exchange.issuer.effectiveProfile(client, {
    audiences: token?.resources ?? [],
    scopes: token?.scopes ?? [],
    details: grant?.authorizationDetails ?? [],
  })
  return met.ok ? met.value : client.profile
}

interface Rotation {
  readonly write: Write
  /** Undefined: the client keeps the token it has. */
  readonly successor: RefreshTokenOrder | undefined
}

/** FAPI2-SP-FINAL-5.3.2.1-9 and RFC 9700 section 4.14.2 by client type and profile (design, section 8). */
function rotationOf(
  { hash, scopes, resources, expiresAt }: RefreshTokenRecord,
  isPublic: boolean,
  profile: SecurityProfile,
  { now }: TokenRequest,
): Rotation {
  const successor = { scopes, resources, expiresAt }
  if (isPublic) return { write: { kind: 'spend-refresh-token', hash, at: now }, successor }
  if (profile.refreshTokenRotation === 'migration') {
    const graceSeconds = profile.rotationGraceSeconds
    return { write: { kind: 'retire-refresh-token', hash, at: now, graceSeconds }, successor }
  }
  const idleExpiresAt = secondsAfter(now, profile.refreshTokenIdleSeconds)
  return { write: { kind: 'use-refresh-token', hash, at: now, idleExpiresAt }, successor: undefined }
}

/** Either the thief or the owner came second; nobody can tell, so the whole family ends. */
function reused(
  refusal: GrantRefusal['refusal'],
  token: RefreshTokenRecord,
  grant: GrantRecord | undefined,
  request: TokenRequest,
): GrantRefusal {
  return endOfFamily('refresh-token.reused', refusal, token, grant, request)
}

function conflictOf(
  guard: GuardKind,
  token: RefreshTokenRecord,
  grant: GrantRecord,
  request: TokenRequest,
): GrantRefusal {
  if (guard === 'spend-refresh-token') {
    const refusal = refuse(
      'refresh.replayed',
      ['RFC9700-4.14.2-5.2'],
      'invalid_grant',
      'the refresh token was rotated by another request at the same moment: its grant is revoked',
    )
    return reused(refusal, token, grant, request)
  }
  const refusal = refuse(
    'refresh.ended',
    ['RFC6749-5.2'],
    'invalid_grant',
    'the refresh token or its grant ended while it was used',
  )
  return { refusal, context: contextOf(grant) }
}
