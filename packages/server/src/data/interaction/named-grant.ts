import { accept, firstRefusal, type Outcome, profileFields, type SecurityProfile } from '@holdfast/protocol'
import { mergeRules, namedGrantRules } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import type { ClaimRequest, ClaimsRequest } from '@holdfast/protocol/specs/oidc-core-claims/claims-request.ts'
import { requestLimits } from '@holdfast/protocol/specs/rfc6749-authorization/rules.ts'
import { resourcesMax } from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import { type AuthorizationDetail, detailLimits } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Ports } from '../../ports.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, GrantRecord } from '../../store/records.ts'
import { grantableClaims } from '../claims/release.ts'

/** What the user is asked to allow, and the record that ends when it is allowed. */
export interface Asked {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Details about the user, asked for by name. */
  readonly claims: ClaimsRequest | undefined
  readonly details: readonly AuthorizationDetail[]
  readonly named: GrantRecord | undefined
}

/** A request whose client and profile were judged, at whatever endpoint it came. */
export interface Asking {
  readonly request: Pick<
    AuthorizationRequest,
    'clientId' | 'scopes' | 'resources' | 'claims' | 'authorizationDetails' | 'grantManagement'
  >
  readonly client: Client
  readonly profile: SecurityProfile
  readonly issuer: IssuerSnapshot
}

/**
 * What allowing this request would grant. A merge is shown, and consented to, whole: what a grant had before is on
 * the page too, and only as far as the client may still have it (I13, I14).
 */
export async function loadAsked(asking: Asking, subject: string, ports: Ports): Promise<Outcome<Asked>> {
  const { request, client, issuer } = asking
  const named = await findNamed(request, issuer.url, subject, ports)
  if (!named.ok) return named
  const { scopes, resources, authorizationDetails: details = [] } = request
  const claims = grantableClaims(request, client, issuer)
  const asked: Asked = { scopes, resources, claims, details, named: named.value }
  return named.value === undefined || request.grantManagement?.action !== 'merge'
    ? accept(asked)
    : merged(asking, asked, named.value)
}

/** @param subject undefined while nobody has signed in */
export async function findNamed(
  request: Pick<AuthorizationRequest, 'clientId' | 'grantManagement'>,
  issuer: string,
  subject: string | undefined,
  ports: Ports,
): Promise<Outcome<GrantRecord | undefined>> {
  const grantId = request.grantManagement?.grantId
  if (grantId === undefined) return accept(undefined)
  const grant = await ports.store.findManagedGrant(grantId)
  const refusal = firstRefusal(namedGrantRules, {
    clientId: request.clientId,
    subject,
    grant: grant && {
      ...grant,
      isLive: grant.issuer === issuer && grant.revokedAt === undefined && ports.clock.now() < grant.expiresAt,
    },
  })
  return refusal ?? accept(grant)
}

/**
 * The request with all that it would grant, for whoever asks how the user must authenticate: a merge brings along what
 * the grant had before, and its tokens are held to the demands of all of it.
 */
export async function withNamedGrant(
  request: AuthorizationRequest,
  client: Client,
  issuer: IssuerSnapshot,
  ports: Ports,
): Promise<AuthorizationRequest> {
  if (request.grantManagement?.action !== 'merge') return request
  const named = await findNamed(request, issuer.url, undefined, ports)
  // What is wrong with a grant is for the consent step to say, when it is known who asks.
  if (!named.ok || named.value === undefined) return request
  return { ...request, ...reachOf(request, named.value, client, issuer) }
}

/** Scopes and resources of both, those of before only as far as the client may still have them. */
function reachOf(
  asked: Pick<Asked, 'scopes' | 'resources'>,
  named: GrantRecord,
  client: Client,
  issuer: IssuerSnapshot,
): Pick<Asked, 'scopes' | 'resources'> {
  const kept = named.scopes.filter(scope => client.scopes.includes(scope) && issuer.scopes.has(scope))
  const reached = named.resources.filter(
    resource => client.resources.includes(resource) && issuer.resourceServers.has(resource),
  )
  return {
    scopes: [...new Set([...kept, ...asked.scopes])],
    resources: [...new Set([...reached, ...asked.resources])],
  }
}

function merged({ issuer, client, profile }: Asking, asked: Asked, named: GrantRecord): Outcome<Asked> {
  const { scopes, resources } = reachOf(asked, named, client, issuer)
  const detailed = (named.authorizationDetails ?? []).filter(
    ({ type }) => client.authorizationDetailsTypes.includes(type) && issuer.detailTypes.has(type),
  )
  const details = [
    ...detailed,
    ...asked.details.filter(detail => !detailed.some(old => isAlike(old, detail))),
  ]
  const claims = mergedClaims(grantableClaims({ claims: named.claims, scopes }, client, issuer), asked.claims)
  const wanted = issuer.effectiveProfile(client, { audiences: resources, scopes, details })
  const refusal = firstRefusal(mergeRules, {
    isAsStrict: wanted.ok && isSame(wanted.value, profile),
    ...{
      resources: resources.length,
      resourcesMax,
      details: details.length,
      detailsMax: detailLimits.entriesMax,
    },
    ...{ scopes: scopes.length, scopesMax: requestLimits.scopesMax },
  })
  return refusal ?? accept({ scopes, resources, claims, details, named })
}

function mergedClaims(
  before: ClaimsRequest | undefined,
  asked: ClaimsRequest | undefined,
): ClaimsRequest | undefined {
  if (before === undefined || asked === undefined) return asked ?? before
  // What is asked for now says how: an older wish for the same claim gives way.
  const both = (old: readonly ClaimRequest[], now: readonly ClaimRequest[]): readonly ClaimRequest[] => [
    ...old.filter(({ name }) => !now.some(one => one.name === name)),
    ...now,
  ]
  return { idToken: both(before.idToken, asked.idToken), userinfo: both(before.userinfo, asked.userinfo) }
}

function isAlike(left: AuthorizationDetail, right: AuthorizationDetail): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

/** The profile of more resources is never looser, so only what is the same is as strict. */
function isSame(left: SecurityProfile, right: SecurityProfile): boolean {
  return profileFields.every(field => JSON.stringify(left[field]) === JSON.stringify(right[field]))
}
