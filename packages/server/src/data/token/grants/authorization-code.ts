import { accept, firstRefusal, refuse } from '@holdfast/protocol'
import { codeInstanceRules } from '@holdfast/protocol/specs/client-attestation/instance-rules.ts'
import { redemptionRules } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import { pkceVerifierRules } from '@holdfast/protocol/specs/rfc7636-pkce/rules.ts'
import type { Client } from '../../../snapshot/snapshot.ts'
import type { CodeRecord, GrantRecord } from '../../../store/records.ts'
import type { Found } from '../../../store/store.ts'
import { isLasting } from '../../authorize/lasting.ts'
import { idTokenClaimsOf } from '../../claims/release.ts'
import { hashOfHandle } from '../../handle.ts'
import { grantedDetails } from '../../mint/details.ts'
import type { Entitlement, RefreshTokenOrder } from '../../mint/order.ts'
import {
  contextOf,
  type Decided,
  endOfFamily,
  type GrantFacts,
  type GrantRefusal,
  grantOf,
  loadGrant,
  standingOf,
  type TokenRequest,
} from '../grant.ts'

interface Redemption {
  readonly code: string
  readonly redirectUri: string | undefined
  readonly codeVerifier: string | undefined
}

interface Facts extends GrantFacts {
  readonly code: Found<CodeRecord> | undefined
}

export const authorizationCode = grantOf<Redemption, Facts>({
  grantType: 'authorization_code',
  parse: ({ form }) => {
    const code = form.get('code')
    if (code === undefined)
      return refuse('code.missing', ['RFC6749-4.1.3'], 'invalid_request', '`code` is missing')
    return accept({ code, redirectUri: form.get('redirect_uri'), codeVerifier: form.get('code_verifier') })
  },
  load: async ({ code: value }, { exchange }, ports) => {
    const code = await ports.store.findCode(hashOfHandle('code', exchange.issuer.url, value))
    return { code, ...(await loadGrant(code?.grantId, ports)) }
  },
  judge: judgeRedemption,
})

function judgeRedemption(redemption: Redemption, facts: Facts, request: TokenRequest): Decided {
  const { now, client, sender } = request
  const { code, grant } = facts
  const { redirectUri, codeVerifier } = redemption
  const refusal =
    firstRefusal(redemptionRules, {
      now,
      clientId: client.clientId,
      redirectUri,
      sender,
      code: code && {
        ...code,
        isSpent: code.spentAt !== undefined,
        isRevoked: code.revokedAt !== undefined,
      },
      grant: standingOf(facts, now),
    }) ??
    firstRefusal(codeInstanceRules, { bound: code?.instanceJkt, proven: sender.instanceJkt }) ??
    firstRefusal(pkceVerifierRules, { codeChallenge: code?.codeChallenge, codeVerifier })
  if (refusal?.ruleId === 'code.spent' && code !== undefined)
    return { ok: false, ...replayed(refusal, code, grant, request) }
  if (refusal !== undefined) return { ok: false, refusal, context: contextOf(grant) }
  if (code === undefined || grant === undefined) throw new TypeError('rule table')

  const { hash, grantId } = code
  return {
    ok: true,
    value: {
      entitlement: entitlementOf(code, { ...facts, grant }, request),
      writes: [
        { kind: 'spend-code', hash, at: now },
        { kind: 'require-live-grant', id: grantId, at: now },
      ],
      conflict: guard => (guard === 'spend-code' ? lostRace(code, grant, request) : endedMeanwhile(grant)),
    },
  }
}

function entitlementOf(
  code: CodeRecord,
  { grant, user }: GrantFacts & { readonly grant: GrantRecord },
  { client, form, exchange }: TokenRequest,
): Entitlement {
  const { subject, scopes, resources, authTime, acr, amr, sid, txn, expiresAt } = grant
  return {
    grantType: 'authorization_code',
    subject,
    grantId: grant.id,
    scopes,
    allowedScopes: scopes,
    requestedResources: form.all('resource'),
    allowedResources: resources,
    authorizationDetails: grantedDetails(grant),
    authTime,
    acr,
    amr,
    sid,
    nonce: code.nonce,
    userClaims: idTokenClaimsOf(grant, user, client, exchange.issuer),
    txn,
    grantExpiresAt: expiresAt,
    inputBinding: {
      ...(code.dpopJkt !== undefined && { jkt: code.dpopJkt }),
      ...(code.instanceJkt !== undefined && { instanceJkt: code.instanceJkt }),
    },
    refreshToken: firstRefreshToken(grant, client),
    ...(grant.risk && { risk: grant.risk }),
    ...(grant.managed && { managedGrantId: grant.managed.id }),
  }
}

/** By the same judgement that told the user on the consent page how long the application keeps its access (I13). */
function firstRefreshToken(grant: GrantRecord, client: Client): RefreshTokenOrder | undefined {
  const { scopes, resources } = grant
  if (!isLasting(client, scopes)) return undefined
  return { scopes, resources, expiresAt: undefined }
}

/** The second presentation of a code kills its grant and all it bought (RFC 6749 section 4.1.2). */
function replayed(
  refusal: GrantRefusal['refusal'],
  code: CodeRecord,
  grant: GrantRecord | undefined,
  request: TokenRequest,
): GrantRefusal {
  return endOfFamily('code.replayed', refusal, code, grant, request)
}

/** Two redemptions at once: the winner has its answer already, so its grant must die here. Never two live outcomes. */
function lostRace(code: CodeRecord, grant: GrantRecord, request: TokenRequest): GrantRefusal {
  const refusal = refuse(
    'code.replayed',
    ['RFC6749-4.1.2', 'FAPI2-SP-FINAL-5.3.2.2-9'],
    'invalid_grant',
    'the code was redeemed by another request at the same moment: its grant is revoked',
  )
  return replayed(refusal, code, grant, request)
}

function endedMeanwhile(grant: GrantRecord): GrantRefusal {
  const refusal = refuse(
    'code.grant-ended',
    ['RFC6749-5.2'],
    'invalid_grant',
    'the grant ended while the code was redeemed',
  )
  return { refusal, context: contextOf(grant) }
}
