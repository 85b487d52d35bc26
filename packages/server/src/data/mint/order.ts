import type { Attributes } from '@holdfast/policy'
import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type JwsAlg,
  type Outcome,
  type Refusal,
  reachesLevel,
  refuse,
  type SecurityProfile,
} from '@holdfast/protocol'
import { accessEvaluationScope } from '@holdfast/protocol/specs/authzen/rules.ts'
import { grantManagementScopes } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import { globalRevocationScope } from '@holdfast/protocol/specs/global-token-revocation/rules.ts'
import type { ProvenSender } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { Actor } from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import {
  defaultResourceRules,
  defaultResources,
  resourceRules,
} from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import { stepUpOrderRules } from '@holdfast/protocol/specs/rfc9470-step-up/rules.ts'
import type {
  AskedFor,
  Client,
  GrantTypeName,
  IssuerSnapshot,
  ResourceServer,
} from '../../snapshot/snapshot.ts'
import type { AuditRecord, Binding, GrantRecord } from '../../store/records.ts'
import { audiencesOfDetails } from '../authorize/details.ts'
import type { AuthenticatedClient } from '../client-auth/authenticate.ts'
import { documentedDemand } from '../interaction/demand.ts'
import { type AskedDetails, type GrantedDetails, judgeAskedDetails, judgeDetailsAt } from './details.ts'
import { lifetimeOf } from './lifetime.ts'
import { lint } from './lint.ts'

/** What a grant found its client entitled to; the order may only be narrower (I14). */
export interface Entitlement {
  readonly grantType: GrantTypeName
  readonly subject: string
  /** Undefined for client credentials. */
  readonly grantId: string | undefined
  /** Asked for now. */
  readonly scopes: readonly string[]
  /** What the subject, or for client credentials the registration, allowed. */
  readonly allowedScopes: readonly string[]
  readonly requestedResources: readonly string[]
  readonly allowedResources: readonly string[]
  /** Absent: the grant type knows none, and a request that names some is refused. */
  readonly authorizationDetails?: GrantedDetails
  readonly authTime: EpochSeconds | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly sid: string | undefined
  /** How the sign-in behind the grant looked, where somebody wanted to know. */
  readonly risk?: GrantRecord['risk']
  readonly nonce: string | undefined
  /** Details about the user for the ID token, allowed by name. */
  readonly userClaims?: Readonly<Record<string, unknown>>
  /** The request of a client that waited (CIBA), told to it in its ID token. */
  readonly authReqId?: string
  readonly txn: string
  /** No token outlives it. */
  readonly grantExpiresAt: EpochSeconds | undefined
  /** Binding of the code or refresh token that is spent. */
  readonly inputBinding: Binding
  readonly refreshToken: RefreshTokenOrder | undefined
  /** Present when the token is issued for another one. */
  readonly delegation?: Delegation
  /** The id the client knows its grant by, when it manages it. */
  readonly managedGrantId?: string
  /** What it was issued for, for the audit, where that is no record of ours. */
  readonly source?: AuditRecord['facts']
}

/** What an exchanged token takes over from its subject token (RFC 8693). */
export interface Delegation {
  readonly issuedTokenType: string
  readonly act: Actor | undefined
  readonly mayAct: string | undefined
  readonly sector: string | undefined
  /** Which tokens it came from, for the audit. */
  readonly facts: AuditRecord['facts']
}

/** A new refresh token to be handed out: the first, or the successor of a rotated one. */
export interface RefreshTokenOrder {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Undefined: a full new lifetime. A successor never outlives the first. */
  readonly expiresAt: EpochSeconds | undefined
}

export interface MintOrder
  extends Omit<Entitlement, 'requestedResources' | 'allowedResources' | 'authorizationDetails'> {
  readonly client: Client
  /** Whose pairwise subject the token tells; undefined: the subject itself. */
  readonly sector: string | undefined
  /** `meet` of floor, client and everything the token is for. */
  readonly profile: SecurityProfile
  /** `meet` of floor, client and everything the new refresh token can buy; undefined without one. */
  readonly refreshProfile: SecurityProfile | undefined
  /** Those of the audience. */
  readonly authorizationDetails: readonly AuthorizationDetail[]
  readonly audience: string
  readonly format: ResourceServer['accessTokenFormat']
  /** Of the access token, when it is a JWT. */
  readonly accessTokenAlg: JwsAlg | undefined
  /** Whether the token names a place in a status list; only a JWT can. */
  readonly hasStatus: boolean
  readonly binding: Binding
  readonly issuedAt: EpochSeconds
  readonly lifetimeSeconds: number
  readonly idToken: { readonly alg: JwsAlg; readonly lifetimeSeconds: number } | undefined
  /** What policies had the access token say; never a claim that binds or addresses it. */
  readonly policyClaims?: Readonly<Record<string, string>>
  /** What attribute sources told and its API lists. */
  readonly attributeClaims?: Attributes
  /** What they told for policies; it reaches no token. */
  readonly policyAttributes?: Attributes
  /** Sources that failed and are left out. */
  readonly omittedSources?: readonly string[]
}

/** Who sends the request: its client and what it proved. */
export interface Sender {
  readonly authenticated: AuthenticatedClient
  readonly proven: ProvenSender
  readonly hasNonce: boolean
}

/**
 * Write the order: audience, scope, details, profile, binding, lifetimes; then `lint` has the last word.
 * @param askedDetails `authorization_details` of the token request, as sent
 */
export function judgeOrder(
  entitlement: Entitlement,
  { authenticated, proven, hasNonce }: Sender,
  issuer: IssuerSnapshot,
  now: EpochSeconds,
  askedDetails?: string,
): Outcome<MintOrder> {
  const { client, method } = authenticated
  const asked = judgeAskedDetails(askedDetails, entitlement.authorizationDetails, client, issuer)
  if (!asked.ok) return asked
  const audience = judgeAudience(entitlement, asked.value, client, issuer)
  if (!audience.ok) return audience
  const server = issuer.resourceServers.get(audience.value)
  const details = judgeDetailsAt(asked.value, audience.value, issuer)
  if (!details.ok) return details
  const { grantExpiresAt, allowedScopes } = entitlement
  const policyScopes = allowedScopes.filter(scope => client.scopes.includes(scope))
  const scopes = scopesAt(issuer, server, entitlement.scopes).filter(scope => policyScopes.includes(scope))
  if (scopes.length === 0 && entitlement.scopes.length > 0)
    return refuse(
      'order.scope-empty',
      ['RFC8707-2.2-2'],
      'invalid_scope',
      'no scope that was asked for exists at the resource',
    )
  const audiences = server === undefined ? [] : [server.audience]
  const profile = judgeProfile(issuer, client, { audiences, scopes, details: details.value })
  if (!profile.ok) return profile
  const refreshProfile = judgeRefreshProfile(entitlement, asked.value, client, issuer)
  if (!refreshProfile.ok) return refreshProfile
  const { accessTokenLifetimeSeconds, idTokenLifetimeSeconds } = profile.value
  const isSigned = server !== undefined && server.accessTokenFormat !== 'opaque'
  const order: MintOrder = {
    ...entitlement,
    client,
    sector: sectorOf(entitlement, client),
    profile: profile.value,
    refreshProfile: refreshProfile.value,
    authorizationDetails: details.value,
    allowedScopes: policyScopes,
    scopes,
    audience: audience.value,
    format: server?.accessTokenFormat ?? 'opaque',
    accessTokenAlg: isSigned ? server.accessTokenSigningAlg : undefined,
    hasStatus: isSigned && server.hasStatusList,
    binding: bindingOf(client, profile.value, proven, entitlement.inputBinding),
    issuedAt: now,
    lifetimeSeconds: lifetimeOf(
      { client, scopes, authorizationDetails: details.value, grantExpiresAt },
      accessTokenLifetimeSeconds,
      now,
    ),
    idToken:
      entitlement.grantId !== undefined && scopes.includes('openid')
        ? { alg: client.idTokenSignedResponseAlg, lifetimeSeconds: idTokenLifetimeSeconds }
        : undefined,
  }
  return judgeAuthentication(order, issuer) ?? lint(order, { method, proven, hasNonce })
}

/** What scopes and API ask of the user's authentication holds for every token of them, refreshed or exchanged too. */
function judgeAuthentication(order: MintOrder, issuer: IssuerSnapshot): Refusal | undefined {
  const { scopes, audience, acr, authTime, grantId, issuedAt: now } = order
  const { leastAcr, maxAgeSeconds } = documentedDemand({ scopes, resources: [audience] }, issuer)
  return firstRefusal(stepUpOrderRules, {
    hasUser: grantId !== undefined,
    leastAcr,
    isReached: leastAcr !== undefined && reachesLevel(issuer.authenticationLevels, acr ?? '', leastAcr),
    maxAgeSeconds,
    authTime,
    now,
  })
}

function judgeProfile(issuer: IssuerSnapshot, client: Client, askedFor: AskedFor): Outcome<SecurityProfile> {
  const profile = issuer.effectiveProfile(client, askedFor)
  return profile.ok
    ? profile
    : refuse(
        'order.profile',
        ['RFC8707-2-2'],
        'invalid_target',
        'the profiles of client, resource, scopes and details contradict each other',
      )
}

/** A refresh token lives by all it can buy, also by what this access token leaves out. */
function judgeRefreshProfile(
  { refreshToken }: Entitlement,
  { allowed }: AskedDetails,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<SecurityProfile | undefined> {
  if (refreshToken === undefined) return accept(undefined)
  const { resources: audiences, scopes } = refreshToken
  return judgeProfile(issuer, client, { audiences, scopes, details: allowed })
}

/** One resource per access token (RFC 8707). A request for identity alone is for the issuer: its userinfo. */
function judgeAudience(
  entitlement: Entitlement,
  { details }: AskedDetails,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<string> {
  const { requestedResources: resources, scopes } = entitlement
  // To manage grants or end access is to speak to the issuer, whatever else the client may reach.
  if (resources.length === 0 && scopes.length > 0 && scopes.every(isForIssuer)) return accept(issuer.url)
  const isKnown = (resource: string): boolean => issuer.resourceServers.has(resource)
  const allowedResources = entitlement.allowedResources.filter(one => client.resources.includes(one))
  // A resource that is named chooses; details of another one stay behind, or are refused when they were named too.
  const isNamed = resources.length > 0
  const allowed = isNamed ? [] : allowedResources.flatMap(one => issuer.resourceServers.get(one) ?? [])
  const detailAudiences = isNamed ? [] : audiencesOfDetails(details, issuer.detailTypes)
  const input = { resources, scopes, allowed, detailAudiences }
  const refusal =
    firstRefusal(resourceRules, { resources, isKnown, allowedResources }) ??
    firstRefusal(defaultResourceRules, input)
  if (refusal !== undefined) return refusal
  const audiences = defaultResources(input)
  return audiences.length <= 1
    ? accept(audiences[0] ?? issuer.url)
    : refuse(
        'order.one-audience',
        ['RFC8707-2.2-1', 'RFC9068-3'],
        'invalid_target',
        'ask for one resource per access token',
      )
}

/** A token carries no scope that only other resource servers know; those of no resource server, like `openid`, stay. */
export function scopesAt(
  issuer: IssuerSnapshot,
  server: ResourceServer | undefined,
  scopes: readonly string[],
): readonly string[] {
  const owned = ownedScopes(issuer)
  return scopes.filter(
    scope =>
      (server?.scopes.includes(scope) === true || !owned.has(scope)) &&
      (server === undefined || !isForIssuer(scope)),
  )
}

const scopesForIssuer = new Set([...grantManagementScopes, globalRevocationScope, accessEvaluationScope])
const isForIssuer = (scope: string): boolean => scopesForIssuer.has(scope)

const ownedBySnapshot = new WeakMap<IssuerSnapshot, ReadonlySet<string>>()

/** Scopes that belong to a resource server. */
function ownedScopes(issuer: IssuerSnapshot): ReadonlySet<string> {
  const known = ownedBySnapshot.get(issuer)
  if (known !== undefined) return known
  const owned = new Set([...issuer.resourceServers.values()].flatMap(server => server.scopes))
  ownedBySnapshot.set(issuer, owned)
  return owned
}

/** A client is no user: its own name is no secret. An exchanged token tells who the first client knew. */
function sectorOf({ grantId, delegation }: Entitlement, client: Client): string | undefined {
  if (grantId === undefined) return undefined
  return delegation === undefined ? client.sector : delegation.sector
}

/** A proof always binds; a certificate binds when the client, the profile or what is spent asks for it. */
function bindingOf(
  client: Client,
  profile: SecurityProfile,
  proven: ProvenSender,
  inputBinding: Binding,
): Binding {
  const { jkt, x5tS256, instanceJkt } = proven
  const usesCertificate =
    client.tlsClientCertificateBoundAccessTokens ||
    inputBinding.x5tS256 !== undefined ||
    (jkt === undefined && profile.senderConstraint === 'required')
  return {
    ...(jkt !== undefined && { jkt }),
    ...(usesCertificate && x5tS256 !== undefined && { x5tS256 }),
    ...(instanceJkt !== undefined && { instanceJkt }),
  }
}

/** Who acts with the token, and who alone may: nothing for a token that says neither. */
export function actingOf({ delegation, client }: Pick<MintOrder, 'delegation' | 'client'>): {
  readonly act?: Actor
  readonly mayAct?: string
} {
  const act = delegation?.act
  const mayAct = delegation === undefined ? client.mayAct : delegation.mayAct
  return { ...(act !== undefined && { act }), ...(mayAct !== undefined && { mayAct }) }
}
