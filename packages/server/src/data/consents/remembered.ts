import { hash } from 'node:crypto'
import { type EpochSeconds, type HandleHash, isAtLeastAsStrict, secondsAfter } from '@holdfast/protocol'
import { tier3SensitiveWrite } from '@holdfast/protocol/profiles/tier-3-sensitive-write.ts'
import { canonicalDetail } from '@holdfast/protocol/specs/rfc9396-rar/within.ts'
import { askedProfiles } from '../../snapshot/effective-profile.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { RememberedConsentRecord, RememberedWords } from '../../store/approval-records.ts'
import type { AuthorizationRequest, GrantRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
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
 * Whether what is asked was allowed before and is still remembered: no more than then, by the same client in the same
 * words. Any doubt asks.
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
    seen.claims === remembered.seen.claims
  )
}

/** Digests of everything the page says that is not the user's own. */
function wordsSeen({ issuer, client, request, asked }: Asking): Required<RememberedWords> {
  const { clientId, clientName, redirectUris, sector, isPublic, tokenEndpointAuthMethod, grantTypes } = client
  const registered = issuer.registered.get(clientId)
  const hosts = [...new Set(redirectUris.map(hostOf))].toSorted()
  const itself = [registered?.token ?? null, registered?.softwareStatement ?? null]
  return {
    client: digest([
      ...[clientName, hostOf(request.redirectUri), hosts, sector ?? null, isPublic, tokenEndpointAuthMethod],
      ...[grantTypes.toSorted(), client.profile.name, itself, vouchedBy(client, issuer)],
    ]),
    scopes: Object.fromEntries(asked.scopes.map(name => [name, scopeDigest(name, issuer)])),
    resources: Object.fromEntries(
      asked.resources.map(audience => [
        audience,
        digest([issuer.resourceServers.get(audience)?.displayName ?? null]),
      ]),
    ),
    details: digest([
      asked.details.map(canonicalDetail),
      [...new Set(asked.details.map(({ type }) => type))].map(type => issuer.detailTypes.get(type) ?? null),
    ]),
    claims: digest([asked.claims ?? null, claimDigests(asked.claims, client, issuer)]),
  }
}

/** A claim that has no words of its own is shown in those of a scope that releases it. */
function claimDigests(
  claims: Asked['claims'],
  client: Client,
  issuer: IssuerSnapshot,
): readonly (readonly [name: string, words: string])[] {
  if (claims === undefined) return []
  const releasable = releasableClaims(client, issuer)
  const names = new Set([...claims.idToken, ...claims.userinfo].map(({ name }) => name))
  return [...names].map(name => [name, scopeDigest(releasable.get(name)?.name ?? '', issuer)])
}

function scopeDigest(name: string, { scopes }: IssuerSnapshot): string {
  const scope = scopes.get(name)
  const { title, description, translations, claims } = scope ?? {}
  return digest([title ?? null, description ?? null, translations ?? null, claims ?? null])
}

function hostOf(uri: string): string {
  const { host, protocol } = new URL(uri)
  return host === '' ? protocol : host
}

function digest(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}
