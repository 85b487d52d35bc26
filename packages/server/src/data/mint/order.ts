import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type JwsAlg,
  type Outcome,
  refuse,
  type SecurityProfile,
} from '@holdfast/protocol'
import type { ProvenSender } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { Actor } from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import {
  defaultResourceRules,
  defaultResources,
  resourceRules,
} from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import type { Client, GrantTypeName, IssuerSnapshot, ResourceServer } from '../../snapshot/snapshot.ts'
import type { AuditRecord, Binding } from '../../store/records.ts'
import type { AuthenticatedClient } from '../client-auth/authenticate.ts'
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
  readonly authTime: EpochSeconds | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly sid: string | undefined
  readonly nonce: string | undefined
  readonly txn: string
  /** No token outlives it. */
  readonly grantExpiresAt: EpochSeconds | undefined
  /** Binding of the code or refresh token that is spent. */
  readonly inputBinding: Binding
  readonly refreshToken: RefreshTokenOrder | undefined
  /** Present when the token is issued for another one. */
  readonly delegation?: Delegation
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

export interface MintOrder extends Omit<Entitlement, 'requestedResources' | 'allowedResources'> {
  readonly client: Client
  /** Whose pairwise subject the token tells; undefined: the subject itself. */
  readonly sector: string | undefined
  /** `meet` of floor, client and the requested resource. */
  readonly profile: SecurityProfile
  readonly audience: string
  readonly format: ResourceServer['accessTokenFormat']
  /** Of the access token, when it is a JWT. */
  readonly accessTokenAlg: JwsAlg | undefined
  readonly binding: Binding
  readonly issuedAt: EpochSeconds
  readonly lifetimeSeconds: number
  readonly idToken: { readonly alg: JwsAlg; readonly lifetimeSeconds: number } | undefined
}

/** Who sends the request: its client and what it proved. */
export interface Sender {
  readonly authenticated: AuthenticatedClient
  readonly proven: ProvenSender
  readonly hasNonce: boolean
}

/** Write the order: audience, profile, scope, binding, lifetimes; then `lint` has the last word. */
export function judgeOrder(
  entitlement: Entitlement,
  { authenticated, proven, hasNonce }: Sender,
  issuer: IssuerSnapshot,
  now: EpochSeconds,
): Outcome<MintOrder> {
  const { client, method } = authenticated
  const audience = judgeAudience(entitlement, client, issuer)
  if (!audience.ok) return audience
  const server = issuer.resourceServers.get(audience.value)
  const profile = issuer.effectiveProfile(client, server === undefined ? [] : [server.audience])
  if (!profile.ok)
    return refuse(
      'order.profile',
      ['RFC8707-2-2'],
      'invalid_target',
      'the profiles of client and resource contradict each other',
    )
  const { accessTokenLifetimeSeconds, idTokenLifetimeSeconds } = profile.value
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
  const order: MintOrder = {
    ...entitlement,
    client,
    sector: sectorOf(entitlement, client),
    profile: profile.value,
    allowedScopes: policyScopes,
    scopes,
    audience: audience.value,
    format: server?.accessTokenFormat ?? 'opaque',
    accessTokenAlg: server?.accessTokenFormat === 'jwt' ? server.accessTokenSigningAlg : undefined,
    binding: bindingOf(client, profile.value, proven, entitlement.inputBinding),
    issuedAt: now,
    lifetimeSeconds:
      grantExpiresAt === undefined
        ? accessTokenLifetimeSeconds
        : Math.min(accessTokenLifetimeSeconds, grantExpiresAt - now),
    idToken:
      entitlement.grantId !== undefined && scopes.includes('openid')
        ? { alg: client.idTokenSignedResponseAlg, lifetimeSeconds: idTokenLifetimeSeconds }
        : undefined,
  }
  return lint(order, { method, proven, hasNonce })
}

/** One resource per access token (RFC 8707). A request for identity alone is for the issuer: its userinfo. */
function judgeAudience(entitlement: Entitlement, client: Client, issuer: IssuerSnapshot): Outcome<string> {
  const { requestedResources: resources, scopes } = entitlement
  const isKnown = (resource: string): boolean => issuer.resourceServers.has(resource)
  const allowedResources = entitlement.allowedResources.filter(one => client.resources.includes(one))
  const allowed = allowedResources.flatMap(audience => issuer.resourceServers.get(audience) ?? [])
  const input = { resources, scopes, allowed }
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
function scopesAt(
  issuer: IssuerSnapshot,
  server: ResourceServer | undefined,
  scopes: readonly string[],
): readonly string[] {
  const owned = ownedScopes(issuer)
  return scopes.filter(scope => server?.scopes.includes(scope) === true || !owned.has(scope))
}

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
