import {
  type ClaimRequest,
  type ClaimsRequest,
  isWantedValue,
} from '@holdfast/protocol/specs/oidc-core-claims/claims-request.ts'
import type { Client, IssuerSnapshot, Scope } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, GrantRecord, UserRecord } from '../../store/records.ts'

/** What the protocol says itself: no document about a user may say it instead. */
const protocolClaims: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'azp', 'nonce', 'auth_time', 'acr', 'amr'],
  ...['at_hash', 'c_hash', 's_hash', 'cnf', 'act', 'may_act', 'client_id', 'scope', 'events', 'txn'],
])

const releasableOf = new WeakMap<Client, ReadonlyMap<string, Scope>>()

/**
 * Claims that the client may ask for by name, each with a scope that releases it: the claims of the scopes it may ask
 * for. So the parameter is another way to ask for less, and never one to get more.
 */
export function releasableClaims(client: Client, issuer: IssuerSnapshot): ReadonlyMap<string, Scope> {
  const known = releasableOf.get(client)
  if (known !== undefined) return known
  const scopes = client.scopes.flatMap(name => issuer.scopes.get(name) ?? [])
  const releasable = new Map(
    scopes.flatMap(scope =>
      scope.claims.filter(name => !protocolClaims.has(name)).map(name => [name, scope] as const),
    ),
  )
  releasableOf.set(client, releasable)
  return releasable
}

/** What of the `claims` parameter is put before the user; the rest is ignored. Only with `openid` is there a place for it. */
export function grantableClaims(
  { claims, scopes }: Pick<AuthorizationRequest, 'claims' | 'scopes'>,
  client: Client,
  issuer: IssuerSnapshot,
): ClaimsRequest | undefined {
  if (claims === undefined || !scopes.includes('openid')) return undefined
  const releasable = releasableClaims(client, issuer)
  const grantable = (wishes: readonly ClaimRequest[]): readonly ClaimRequest[] =>
    wishes.filter(({ name }) => releasable.has(name))
  const [idToken, userinfo] = [grantable(claims.idToken), grantable(claims.userinfo)]
  return idToken.length + userinfo.length === 0 ? undefined : { idToken, userinfo }
}

export type UserClaims = Readonly<Record<string, unknown>>

/** Of the user's claims those a scope releases (OpenID Connect Core section 5.4). */
export function claimsOfScopes(
  scopes: readonly string[],
  user: UserRecord | undefined,
  issuer: IssuerSnapshot,
): UserClaims {
  const released = new Set(scopes.flatMap(scope => issuer.scopes.get(scope)?.claims ?? []))
  return claimsWhere(user, name => released.has(name))
}

/**
 * Of the user's claims those the user allowed by name, as far as the client may still ask for them. One that was asked
 * for with values is told only when it has one of them.
 */
export function claimsByName(
  wishes: readonly ClaimRequest[],
  user: UserRecord | undefined,
  client: Client,
  issuer: IssuerSnapshot,
): UserClaims {
  const releasable = releasableClaims(client, issuer)
  return claimsWhere(
    user,
    (name, value) =>
      releasable.has(name) && wishes.some(wish => wish.name === name && isWantedValue(wish, value)),
  )
}

/** Never a claim of the protocol, whatever a document says. Absent is absent: no nulls. */
function claimsWhere(
  user: UserRecord | undefined,
  isReleased: (name: string, value: unknown) => boolean,
): UserClaims {
  return Object.fromEntries(
    Object.entries(user?.claims ?? {}).filter(
      ([name, value]) => !protocolClaims.has(name) && value !== null && isReleased(name, value),
    ),
  )
}

/** For the ID token of a grant. */
export function idTokenClaimsOf(
  grant: GrantRecord,
  user: UserRecord | undefined,
  client: Client,
  issuer: IssuerSnapshot,
): UserClaims {
  const wishes = grant.claims?.idToken ?? []
  return wishes.length === 0 ? {} : claimsByName(wishes, user, client, issuer)
}
