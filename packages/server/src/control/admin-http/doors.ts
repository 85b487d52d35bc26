import type { EpochSeconds, SecurityProfile } from '@holdfast/protocol'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import { scopesAt } from '../../data/mint/order.ts'
import { compileSnapshot, type IssuerBinding, type PlacedDocument } from '../../snapshot/compile.ts'
import { isAttestedMethod } from '../../snapshot/compile-attesters.ts'
import { isSecretMethod } from '../../snapshot/compile-secrets.ts'
import type { Client, IssuerSnapshot, Snapshot } from '../../snapshot/snapshot.ts'
import { snapshotAt } from '../../snapshot/snapshot-at.ts'
import { adminScopes } from '../admin-scopes.ts'
import { changeLifetimeSeconds } from './propose.ts'

/** What stands around a change of what lets administrators in. */
export interface DoorGround {
  readonly before: readonly PlacedDocument[]
  readonly after: readonly PlacedDocument[]
  /** Resource identifier of the admin API. */
  readonly audience: string
  /** The issuer whose tokens are good there; undefined: it is beyond the reach of who changes something. */
  readonly home: IssuerBinding | undefined
  /** Onboardings, grants of scopes and keys end by time. */
  readonly now: EpochSeconds
}

export const lastDoor = 'the last client by which administrators come in'

/**
 * Whether a change takes this client, and no client would be left that persons use for the admin API: they could not take
 * it back. One is left when it stands for as long as a change waits for its second person; of one that ends before, nobody
 * could rely on renewing it.
 */
export function isLastDoor(name: string, issuer: string, ground: DoorGround): boolean {
  const { home, before, after, audience, now } = ground
  if (home?.url !== issuer || !reachesAdminApi(name, home, before, audience)) return false
  const later = (now + changeLifetimeSeconds) as EpochSeconds
  // What does not compile lets in nobody whom we could count on, and takes nobody's word that it is no door.
  const isDoor = doorsAt(now, home, before, audience)?.includes(name) ?? true
  return isDoor && (doorsAt(later, home, after, audience) ?? []).length === 0
}

/** The documents as if this client were suspended, however it is going to be stopped. */
export function withSuspended(
  documents: readonly PlacedDocument[],
  issuer: string,
  client: string,
): readonly PlacedDocument[] {
  return documents.map(placed => {
    const { issuerUrl, document } = placed
    if (issuerUrl !== issuer || document.name !== client) return placed
    if (document.kind === 'Client')
      return { issuerUrl, document: { ...document, spec: { ...document.spec, status: 'suspended' } } }
    if (document.kind === 'RegisteredClient')
      return { issuerUrl, document: { ...document, spec: { ...document.spec, status: 'suspended' } } }
    return placed
  })
}

/** By its document alone: nothing is compiled for a client that has nothing to do with the admin API. */
function reachesAdminApi(
  client: string,
  { url }: IssuerBinding,
  documents: readonly PlacedDocument[],
  audience: string,
): boolean {
  const own = documents.flatMap(({ issuerUrl, document }) => (issuerUrl === url ? [document] : []))
  const resources = own.flatMap(({ name, kind, spec }) => {
    if (name !== client) return []
    return kind === 'Client' ? spec.resources : kind === 'RegisteredClient' ? spec.policy.resources : []
  })
  return own.some(
    ({ kind, name, spec }) =>
      kind === 'ResourceServer' && spec.audience === audience && resources.includes(name),
  )
}

/** Clients by which a person could get a token for the admin API at this second, as they would be served then. */
function doorsAt(
  time: EpochSeconds,
  home: IssuerBinding,
  documents: readonly PlacedDocument[],
  audience: string,
): readonly string[] | undefined {
  const compiled = compiledOnce(documents, home)
  if (compiled === undefined) return undefined
  const issuer = snapshotAt(compiled, time).issuers.get(home.url)
  return [...(issuer?.clients.values() ?? [])].flatMap(client =>
    issuer !== undefined && isDoor(client, issuer, audience, time) ? [client.clientId] : [],
  )
}

const compiledBefore = new WeakMap<readonly PlacedDocument[], Snapshot | undefined>()

/** Clients that are suspended together are judged by the same documents. */
function compiledOnce(documents: readonly PlacedDocument[], home: IssuerBinding): Snapshot | undefined {
  if (compiledBefore.has(documents)) return compiledBefore.get(documents)
  const compiled = compileSnapshot({ revision: 0, issuers: [home], documents })
  const snapshot = compiled.ok ? compiled.value : undefined
  compiledBefore.set(documents, snapshot)
  return snapshot
}

function isDoor(client: Client, issuer: IssuerSnapshot, audience: string, time: EpochSeconds): boolean {
  if (client.status !== 'active' || !client.resources.includes(audience)) return false
  const carried = scopesAt(issuer, issuer.resourceServers.get(audience), client.scopes)
  const scopes = adminScopes.filter(scope => carried.includes(scope))
  const profile = issuer.effectiveProfile(client, { audiences: [audience], scopes, details: [] })
  return (
    scopes.length > 0 &&
    signsUsersIn(client) &&
    authenticates(client, time) &&
    profile.ok &&
    isStrict(profile.value)
  )
}

/** Whether no token by this profile is unbound or of a public client (rule `admin.profile`). */
export function isStrict(profile: SecurityProfile): boolean {
  return (
    profile.senderConstraint === 'required' &&
    profile.publicClients === 'forbidden' &&
    profile.pushedAuthorizationRequests === 'required'
  )
}

/** A refresh, an exchange and an assertion only go on from where somebody signed in. */
function signsUsersIn({ grantTypes, redirectUris, responseTypes }: Client): boolean {
  const hasCodeFlow =
    grantTypes.includes('authorization_code') && redirectUris.length > 0 && responseTypes.length > 0
  return hasCodeFlow || grantTypes.includes(deviceGrantType) || grantTypes.includes(cibaGrantType)
}

/** Whether anything is left by which it proves who it is, as far as it is kept here. */
function authenticates(client: Client, time: EpochSeconds): boolean {
  const { tokenEndpointAuthMethod: method, jwks, jwksUri, secrets, attesters } = client
  if (isSecretMethod(method))
    return secrets.some(({ expiresAt }) => expiresAt === undefined || expiresAt > time)
  if (isAttestedMethod(method)) return attesters.length > 0
  if (method !== 'private_key_jwt' && method !== 'self_signed_tls_client_auth') return true
  return jwksUri !== undefined || (jwks?.keys.length ?? 0) > 0
}
