import { accept, type Outcome, refuse } from './refusal.ts'

/**
 * JWS algorithms a Holdfast profile may name (RFC 7518, RFC 8037, RFC 9864, RFC 9964). RS256 exists for plain OIDC
 * only, and no FAPI profile knows ML-DSA.
 */
export type JwsAlg = 'PS256' | 'ES256' | 'EdDSA' | 'Ed25519' | 'RS256' | MlDsaAlg

/** The post-quantum ones: their signatures have 2.4, 3.3 and 4.6 kB (RFC 9964 section 5). */
export type MlDsaAlg = 'ML-DSA-44' | 'ML-DSA-65' | 'ML-DSA-87'

export const mlDsaAlgs: readonly MlDsaAlg[] = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']

/**
 * Those of `algs` that sign what travels in a request header beside other things: DPoP proofs and client attestations.
 * An ML-DSA key and its signature alone take 5.4 kB and more there.
 */
export function headerAlgs(algs: readonly JwsAlg[]): readonly JwsAlg[] {
  return algs.filter(alg => !mlDsaAlgs.some(large => large === alg))
}

/** Client authentication methods as registered in the OAuth registry; `none` is a public client. */
export type ClientAuthenticationMethod =
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret_jwt'
  | 'attest_jwt_client_auth'
  | 'attest_jwt_client_auth_dpop'
  | 'spiffe_jwt'
  | 'none'

export type SenderConstraintMethod = 'dpop' | 'mtls'

/** What an authorization response may bring: a code, or a code and an ID token that signs it (FAPI 1.0 Advanced). */
export type ResponseType = 'code' | 'code id_token'

/**
 * One complete record of allowed values. What applies to a request is the `meet` of the issuer's floor, the
 * client's profile and the profile of every requested resource. Profiles only tighten.
 */
export interface SecurityProfile {
  readonly name: string
  /** Whether authorization requests must be pushed (RFC 9126). */
  readonly pushedAuthorizationRequests: 'required' | 'allowed'
  /** Whether confidential clients must use PKCE (RFC 7636), always or when they push; public clients always must. */
  readonly pkce: 'required' | 'pushed' | 'allowed'
  /** Whether every request has a `nonce`, or without `openid` a `state`, to tell its answer from another one. */
  readonly nonceOrState: 'required' | 'allowed'
  /** Whether `redirect_uri` must stand in every authorization request. */
  readonly redirectUriParameter: 'required' | 'allowed'
  /** Whether an authenticated client may push a redirect URI it never registered (RFC 9126 section 2.4). */
  readonly unregisteredRedirectUris: 'forbidden' | 'allowed'
  /** Where redirects may go: `native` is also loopback addresses and private-use schemes (RFC 8252). */
  readonly redirectUriSchemes: 'https' | 'native'
  /** Response types that no profile in play forbids; `responseTypesOf` says which of them work. */
  readonly responseTypes: readonly ResponseType[]
  /** Whether an authorization request must be a signed request object (RFC 9101), with `nbf` and `exp`. */
  readonly signedRequestObjects: 'required' | 'allowed'
  /** Whether a request object may be fetched from an address the client registered (RFC 9101 section 5.2.3). */
  readonly remoteRequestUris: 'forbidden' | 'registered'
  /** Whether authorization responses must be signed: by JARM, or by JARM or an ID token as detached signature. */
  readonly signedAuthorizationResponses: 'required' | 'detached' | 'allowed'
  /** Whether introspection answers are signed also for callers that do not ask for it (RFC 9701). */
  readonly signedIntrospection: 'required' | 'allowed'
  readonly publicClients: 'forbidden' | 'allowed'
  /** Whether a device may get tokens that a user allows on another one (RFC 8628): phishing needs no redirect there. */
  readonly deviceGrant: 'forbidden' | 'allowed'
  /** Whether a client may ask for a user who answers on another device (OpenID Connect CIBA). */
  readonly backchannelAuthentication: 'forbidden' | 'allowed'
  /** Whether such a request must come signed, with `nbf` and `exp` (CIBA section 7.1.1). */
  readonly signedBackchannelRequests: 'required' | 'allowed'
  /** Whether such a request must carry what the user compares on both devices (FAPI-CIBA section 5.2.2). */
  readonly bindingMessage: 'required' | 'allowed'
  /** Whether the word of another issuer about a user is enough for a token (RFC 7523): nobody is asked then. */
  readonly jwtBearerGrant: 'forbidden' | 'allowed'
  readonly clientAuthenticationMethods: readonly ClientAuthenticationMethod[]
  /**
   * What a client assertion's `aud` may be: the issuer as one string, also as a one-member array, or also URLs of the
   * token endpoint and of the endpoint it is sent to.
   */
  readonly assertionAudience: 'issuer-string' | 'issuer-sole' | 'issuer-or-endpoint'
  /** Whether a JWT-SVID may authenticate its workload again until it expires: agents hand the same one out for minutes. */
  readonly svidReuse: 'forbidden' | 'allowed'
  /** For client assertions, everything we sign for the client and, but for ML-DSA, DPoP proofs and attestations. */
  readonly signingAlgs: readonly JwsAlg[]
  readonly senderConstraint: 'required' | 'allowed'
  readonly senderConstraintMethods: readonly SenderConstraintMethod[]
  /** Whether a DPoP proof at the authorization server must carry a nonce of ours (RFC 9449 section 8). */
  readonly dpopNonce: 'required' | 'accepted'
  /** Who rotates: public clients only, or every client with a grace window (FAPI2-SP-FINAL-5.3.2.1-9). */
  readonly refreshTokenRotation: 'public-clients' | 'migration'
  /** In `migration`, how long a rotated refresh token may still be retried. */
  readonly rotationGraceSeconds: number
  readonly codeLifetimeSeconds: number
  readonly requestUriLifetimeSeconds: number
  readonly accessTokenLifetimeSeconds: number
  readonly idTokenLifetimeSeconds: number
  readonly refreshTokenLifetimeSeconds: number
  readonly refreshTokenIdleSeconds: number
  /** Longest accepted `exp` of a client assertion, from now. */
  readonly assertionLifetimeSeconds: number
  /** Oldest accepted `iat` of a DPoP proof. */
  readonly proofAgeSeconds: number
  /** How far ahead `iat` and `nbf` may lie (FAPI2-SP-FINAL-5.3.2.1-13). */
  readonly futureSeconds: number
  /**
   * How long after the user signed in a token may still be issued for, and used at, what the profile protects; a
   * year is no limit. Clients that act for themselves are not concerned.
   */
  readonly authenticationMaxAgeSeconds: number
}

/** How two values of one field meet: the first listed is the strictest, or lists intersect, or the smaller wins. */
type Lattice =
  | { readonly kind: 'ordered'; readonly strictestFirst: readonly string[] }
  | { readonly kind: 'intersection' }
  | { readonly kind: 'smallest'; readonly least: number; readonly most: number }

type ProfileField = Exclude<keyof SecurityProfile, 'name'>

const ordered = (...strictestFirst: string[]): Lattice => ({ kind: 'ordered', strictestFirst })
const intersection: Lattice = { kind: 'intersection' }
const smallest = (least: number, most: number): Lattice => ({ kind: 'smallest', least, most })

/** What `authenticationMaxAgeSeconds` is where nobody asks for a fresh sign-in. */
export const unlimitedAgeSeconds = 31_536_000

/** The lattice of each field, with the bounds no profile may leave. */
export const profileLattice: Readonly<Record<ProfileField, Lattice>> = {
  pushedAuthorizationRequests: ordered('required', 'allowed'),
  pkce: ordered('required', 'pushed', 'allowed'),
  nonceOrState: ordered('required', 'allowed'),
  redirectUriParameter: ordered('required', 'allowed'),
  unregisteredRedirectUris: ordered('forbidden', 'allowed'),
  redirectUriSchemes: ordered('https', 'native'),
  responseTypes: intersection,
  signedRequestObjects: ordered('required', 'allowed'),
  remoteRequestUris: ordered('forbidden', 'registered'),
  signedAuthorizationResponses: ordered('required', 'detached', 'allowed'),
  signedIntrospection: ordered('required', 'allowed'),
  publicClients: ordered('forbidden', 'allowed'),
  deviceGrant: ordered('forbidden', 'allowed'),
  backchannelAuthentication: ordered('forbidden', 'allowed'),
  signedBackchannelRequests: ordered('required', 'allowed'),
  bindingMessage: ordered('required', 'allowed'),
  jwtBearerGrant: ordered('forbidden', 'allowed'),
  clientAuthenticationMethods: intersection,
  assertionAudience: ordered('issuer-string', 'issuer-sole', 'issuer-or-endpoint'),
  svidReuse: ordered('forbidden', 'allowed'),
  signingAlgs: intersection,
  senderConstraint: ordered('required', 'allowed'),
  senderConstraintMethods: intersection,
  dpopNonce: ordered('required', 'accepted'),
  refreshTokenRotation: ordered('public-clients', 'migration'),
  rotationGraceSeconds: smallest(0, 300),
  codeLifetimeSeconds: smallest(5, 60),
  requestUriLifetimeSeconds: smallest(5, 599),
  accessTokenLifetimeSeconds: smallest(10, 3600),
  idTokenLifetimeSeconds: smallest(10, 3600),
  refreshTokenLifetimeSeconds: smallest(60, 31_536_000),
  refreshTokenIdleSeconds: smallest(60, 31_536_000),
  assertionLifetimeSeconds: smallest(10, 300),
  proofAgeSeconds: smallest(10, 60),
  futureSeconds: smallest(10, 60),
  authenticationMaxAgeSeconds: smallest(300, unlimitedAgeSeconds),
}

export const profileFields = Object.keys(profileLattice) as readonly ProfileField[]

type Value = string | number | readonly string[]

function meetValue(lattice: Lattice, left: Value, right: Value): Value {
  switch (lattice.kind) {
    case 'ordered':
      return lattice.strictestFirst.indexOf(left as string) <= lattice.strictestFirst.indexOf(right as string)
        ? left
        : right
    case 'intersection':
      return (left as readonly string[])
        .filter(value => (right as readonly string[]).includes(value))
        .toSorted()
    case 'smallest':
      return Math.min(left as number, right as number)
    default:
      return lattice satisfies never
  }
}

/** Field by field the stricter value. Total: an empty list is a value; `contradictions` says what it means. */
export function meetUnchecked(left: SecurityProfile, right: SecurityProfile): SecurityProfile {
  if (left === right) return left
  const met: Record<string, Value> = { name: meetName(left.name, right.name) }
  for (const field of profileFields) met[field] = meetValue(profileLattice[field], left[field], right[field])
  return met as unknown as SecurityProfile
}

function meetName(left: string, right: string): string {
  return [...new Set([...left.split('+'), ...right.split('+')])].toSorted().join('+')
}

/** Whether a profile has in every field the value of another one or a stricter one, whatever it is called. */
export function isAtLeastAsStrict(profile: SecurityProfile, least: SecurityProfile): boolean {
  return profileFields.every(field => {
    const own = profile[field] as Value
    const met = meetValue(profileLattice[field], own, least[field] as Value)
    return Array.isArray(met) ? met.length === (own as readonly string[]).length : met === own
  })
}

/** Why a record can serve no request, or breaks a bound; empty when it is sound. */
export function contradictions(profile: SecurityProfile): readonly string[] {
  const found: string[] = []
  for (const field of profileFields) {
    const lattice = profileLattice[field]
    const value = profile[field] as Value
    if (lattice.kind === 'smallest' && !inBounds(value as number, lattice.least, lattice.most))
      found.push(`\`${field}\` is ${value}, outside ${lattice.least} to ${lattice.most}`)
    if (lattice.kind === 'ordered' && !lattice.strictestFirst.includes(value as string))
      found.push(`\`${field}\` is \`${value}\`, not one of ${lattice.strictestFirst.join(', ')}`)
  }
  if (profile.clientAuthenticationMethods.length === 0) found.push('no client authentication method is left')
  if (profile.signingAlgs.length === 0) found.push('no signing algorithm is left')
  if (profile.responseTypes.length === 0) found.push('no response type is left')
  if (
    profile.signedAuthorizationResponses === 'required' &&
    profile.responseTypes.every(type => type !== 'code')
  )
    found.push('responses must be signed by JARM, and the response type `code` is not left')
  if (profile.senderConstraint === 'required' && profile.senderConstraintMethods.length === 0)
    found.push('a sender constraint is required and no method is left')
  if (
    profile.senderConstraint === 'required' &&
    profile.senderConstraintMethods.every(method => method === 'dpop') &&
    profile.signingAlgs.length > 0 &&
    headerAlgs(profile.signingAlgs).length === 0
  )
    found.push('a DPoP proof is required and no algorithm is left that fits its header')
  return found
}

function inBounds(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most
}

/**
 * The response types that work under a profile. `code id_token` never stands alone: only with the signed requests,
 * bound tokens and confidential clients that FAPI 1.0 Advanced puts around it.
 */
export function responseTypesOf(profile: ResponseTypeFields): readonly ResponseType[] {
  const hasDetachedSignatures =
    profile.signedAuthorizationResponses === 'detached' &&
    profile.signedRequestObjects === 'required' &&
    profile.senderConstraint === 'required' &&
    profile.publicClients === 'forbidden' &&
    profile.nonceOrState === 'required'
  return profile.responseTypes.filter(type => type === 'code' || hasDetachedSignatures)
}

/** What `responseTypesOf` looks at. */
export type ResponseTypeFields = Pick<
  SecurityProfile,
  | 'responseTypes'
  | 'signedAuthorizationResponses'
  | 'signedRequestObjects'
  | 'senderConstraint'
  | 'publicClients'
  | 'nonceOrState'
>

/** The profile that applies when all of `profiles` apply, or why they contradict each other. */
export function meet(profiles: readonly [SecurityProfile, ...SecurityProfile[]]): Outcome<SecurityProfile> {
  const met = profiles.reduce(meetUnchecked)
  const found = contradictions(met)
  return found.length === 0
    ? accept(met)
    : refuse('profile.contradiction', [], 'invalid_client_metadata', found.join('; '), { profile: met.name })
}

/** One field of an effective profile and who decided it. */
export interface ExplainedField {
  readonly field: string
  readonly value: string
  /** Names of the profiles that set this value; the others were looser. */
  readonly origins: readonly string[]
}

/** The effective value of every field with the profiles it comes from. */
export function explain(
  profiles: readonly [SecurityProfile, ...SecurityProfile[]],
): readonly ExplainedField[] {
  const met = profiles.reduce(meetUnchecked)
  return profileFields.map(field => {
    const deciding = profiles.filter(profile => sameValue(profile[field], met[field]))
    // A true intersection equals no side: then every profile had a part in it.
    const origins = (deciding.length === 0 ? profiles : deciding).map(profile => profile.name)
    return { field, value: textOf(met[field]), origins }
  })
}

function textOf(value: Value): string {
  return typeof value === 'object' ? value.join(' ') : String(value)
}

function sameValue(left: Value, right: Value): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return left === right
  return left.length === right.length && left.every(value => right.includes(value))
}
