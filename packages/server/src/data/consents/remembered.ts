import { hash } from 'node:crypto'
import {
  type EpochSeconds,
  type HandleHash,
  isAtLeastAsStrict,
  type SecurityProfile,
  secondsAfter,
} from '@holdfast/protocol'
import { tier3SensitiveWrite } from '@holdfast/protocol/profiles/tier-3-sensitive-write.ts'
import { canonicalDetail } from '@holdfast/protocol/specs/rfc9396-rar/within.ts'
import { askedProfiles } from '../../snapshot/effective-profile.ts'
import type { Client, IssuerSnapshot, ResourceServer, Scope } from '../../snapshot/snapshot.ts'
import type { RememberedConsentRecord, RememberedWords } from '../../store/approval-records.ts'
import type { AuthorizationRequest, GrantRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { grantLifetimeSeconds } from '../authorize/lasting.ts'
import { releasableClaims } from '../claims/release.ts'
import { hashOfHandle } from '../handle.ts'
import type { Asked } from '../interaction/named-grant.ts'
import { vouchedBy } from './vouched.ts'

/** From this tier on a user is asked every time (decision 0078). */
const askedTier = 3

/** What is asked, by whom, and how. */
export interface Asking {
  readonly issuer: IssuerSnapshot
  readonly client: Client
  /** That applies to all that is asked. */
  readonly profile: SecurityProfile
  readonly request: Pick<AuthorizationRequest, 'redirectUri' | 'prompt' | 'grantManagement'>
  readonly asked: Pick<Asked, 'scopes' | 'resources' | 'claims' | 'details'>
  readonly isDevice: boolean
}

/** One for a user and a client. */
export function consentKey(issuer: string, clientId: string, subject: string): HandleHash {
  return hashOfHandle('consent', issuer, digest([clientId, subject]))
}

/** With a grant that ends because somebody does not want it any more, or cannot be trusted any more. */
export function forgettingWith(
  grant: Pick<GrantRecord, 'issuer' | 'clientId' | 'subject'> | undefined,
): readonly Write[] {
  if (grant === undefined) return []
  return [{ kind: 'forget-consent', key: consentKey(grant.issuer, grant.clientId, grant.subject) }]
}

/**
 * Whether an answer to this may be remembered at all, whatever policies say. A device is told who it is every time, or
 * a stranger's code would be as good; a change of a grant is shown; and what a lot hangs on is asked each time. Of a type
 * of details whose operations no catalogue names nobody knows how much hangs on it. Who answers at an address that any
 * program can take, and proves nothing, may be another program than last time (RFC 6749 section 10.2, RFC 8252
 * section 8.6).
 */
export function mayRemember({ issuer, client, request, asked, isDevice }: Asking): boolean {
  const { scopes, resources, details } = asked
  const { operationTiers } = issuer
  if (isDevice || request.grantManagement !== undefined) return false
  if (client.isPublic && new URL(request.redirectUri).protocol !== 'https:') return false
  const profiles = askedProfiles(issuer, { scopes, audiences: resources, details })
  if (profiles.some(profile => isAtLeastAsStrict(profile, tier3SensitiveWrite))) return false
  return (
    scopes.every(name => (operationTiers.scopes.get(name) ?? 0) < askedTier) &&
    details.every(({ type }) => (operationTiers.detailTypes.get(type) ?? askedTier) < askedTier)
  )
}

/** What is remembered once the user allowed it on the page. */
export function rememberedOf(asking: Asking, grant: GrantRecord, seconds: number): RememberedConsentRecord {
  const { issuer, clientId, subject, issuedAt } = grant
  return {
    key: consentKey(issuer, clientId, subject),
    ...{ issuer, clientId, subject, grantId: grant.id },
    ...{ scopes: asking.asked.scopes, resources: asking.asked.resources },
    seen: wordsSeen(asking),
    issuedAt,
    expiresAt: secondsAfter(issuedAt, seconds),
  }
}

/**
 * Whether what is asked was allowed before and is still remembered: no more than then and for no longer, by the same
 * client in the same words. Any doubt asks.
 * @param seconds what the policies of now say
 */
export function isRemembered(
  remembered: RememberedConsentRecord | undefined,
  asking: Asking,
  seconds: number | undefined,
  now: EpochSeconds,
): remembered is RememberedConsentRecord {
  if (remembered === undefined || seconds === undefined || seconds === 0) return false
  if (asking.request.prompt.includes('consent') || !mayRemember(asking)) return false
  if (now >= remembered.expiresAt || now >= remembered.issuedAt + seconds) return false
  const { scopes, resources } = asking.asked
  const seen = wordsSeen(asking)
  return (
    scopes.every(
      name => remembered.scopes.includes(name) && seen.scopes[name] === remembered.seen.scopes[name],
    ) &&
    resources.every(
      audience =>
        remembered.resources.includes(audience) &&
        seen.resources[audience] === remembered.seen.resources?.[audience],
    ) &&
    seen.client === remembered.seen.client &&
    seen.details === remembered.seen.details &&
    seen.claims === remembered.seen.claims &&
    // To ask for less may be to have it for longer: without `openid`, a registration alone lets a client act later on.
    seen.lastsSeconds <= (remembered.seen.lastsSeconds ?? 0)
  )
}

/** Everything the page says that is not the user's own, words as digests. */
function wordsSeen(asking: Asking): Required<RememberedWords> {
  const { issuer, asked } = asking
  return {
    client: clientDigest(asking),
    scopes: Object.fromEntries(asked.scopes.map(name => [name, scopeDigest(issuer.scopes.get(name))])),
    resources: Object.fromEntries(
      asked.resources.map(audience => [audience, resourceDigest(issuer.resourceServers.get(audience))]),
    ),
    details: detailsDigest(asking),
    claims: claimsDigest(asking),
    lastsSeconds: grantLifetimeSeconds(asking, asked.scopes),
  }
}

/** Of each client what was said last: what a snapshot holds never changes, but its client may answer elsewhere. */
const lastClients = new WeakMap<
  Client,
  {
    readonly redirectUri: string
    readonly registered: ReturnType<IssuerSnapshot['registered']['get']>
    readonly digest: string
  }
>()

function clientDigest({ issuer, client, request: { redirectUri } }: Asking): string {
  const registered = issuer.registered.get(client.clientId)
  const last = lastClients.get(client)
  if (last !== undefined && last.redirectUri === redirectUri && last.registered === registered)
    return last.digest
  const { clientName, redirectUris, sector, isPublic, tokenEndpointAuthMethod, grantTypes } = client
  const hosts = [...new Set(redirectUris.map(hostOf))].toSorted()
  const itself = [registered?.token ?? null, registered?.softwareStatement ?? null]
  const made = digest([
    ...[clientName, hostOf(redirectUri), hosts, sector ?? null, isPublic, tokenEndpointAuthMethod],
    ...[grantTypes.toSorted(), client.profile.name, itself, vouchedBy(client, issuer)],
  ])
  lastClients.set(client, { redirectUri, registered, digest: made })
  return made
}

const resourceDigest = digestOnce((server: ResourceServer | undefined) => [server?.displayName ?? null])

const noDetails = digest([[], []])

function detailsDigest({ issuer, asked: { details } }: Asking): string {
  if (details.length === 0) return noDetails
  const types = [...new Set(details.map(({ type }) => type))]
  return digest([details.map(canonicalDetail), types.map(type => issuer.detailTypes.get(type) ?? null)])
}

const noClaims = digest([null, []])

function claimsDigest({ issuer, client, asked: { claims } }: Asking): string {
  return claims === undefined ? noClaims : digest([claims, claimDigests(claims, client, issuer)])
}

/** A claim that has no words of its own is shown in those of a scope that releases it. */
function claimDigests(
  claims: NonNullable<Asked['claims']>,
  client: Client,
  issuer: IssuerSnapshot,
): readonly (readonly [name: string, words: string])[] {
  const releasable = releasableClaims(client, issuer)
  const names = new Set([...claims.idToken, ...claims.userinfo].map(({ name }) => name))
  return [...names].map(name => [name, scopeDigest(issuer.scopes.get(releasable.get(name)?.name ?? ''))])
}

const scopeDigest = digestOnce((scope: Scope | undefined) => {
  const { title, description, translations, claims } = scope ?? {}
  return [title ?? null, description ?? null, translations ?? null, claims ?? null]
})

/** The digest of what is read from one object of a snapshot, which never changes. */
function digestOnce<T extends object>(partsOf: (one: T | undefined) => readonly unknown[]) {
  const known = new WeakMap<T, string>()
  const ofNone = digest(partsOf(undefined))
  return (one: T | undefined): string => {
    if (one === undefined) return ofNone
    let made = known.get(one)
    if (made === undefined) {
      made = digest(partsOf(one))
      known.set(one, made)
    }
    return made
  }
}

function hostOf(uri: string): string {
  const { host, protocol } = new URL(uri)
  return host === '' ? protocol : host
}

function digest(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}
