import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { isJsonObject } from '../../wire/json.ts'

/** The header of a JWT that claims to be an access token, before any key is looked at. */
export interface TokenHeaderInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly algs: readonly JwsAlg[]
}

/** RFC 9068 section 4: the media type, long or short. */
export const accessTokenTyp = /^(application\/)?at\+jwt$/i

export const tokenHeaderRules: readonly Rule<TokenHeaderInput>[] = [
  {
    id: 'access-token.typ',
    clauses: ['RFC9068-4-1'],
    level: 'MUST',
    title: 'typ says that the JWT is an access token',
    check: ({ header: { typ } }) =>
      typeof typ === 'string' && accessTokenTyp.test(typ)
        ? pass
        : fail('invalid_token', '`typ` is not at+jwt'),
  },
  {
    id: 'access-token.alg',
    clauses: ['RFC9068-4-4', 'FAPI2-SP-FINAL-5.4.1-1'],
    level: 'MUST',
    title: 'the algorithm is one this API allows',
    check: ({ header: { alg }, algs }) =>
      (algs as readonly unknown[]).includes(alg) ? pass : fail('invalid_token', '`alg` is not allowed here'),
  },
  {
    id: 'access-token.crit',
    clauses: ['RFC7515-4.1.11'],
    level: 'MUST',
    title: 'no extension must be understood that we do not understand',
    check: ({ header }) =>
      Object.hasOwn(header, 'crit') ? fail('invalid_token', '`crit` names an extension unknown here') : pass,
  },
]

/** What an access token says, whether a JWT said it or introspection did. */
export interface TokenClaims {
  readonly iss?: unknown
  readonly aud?: unknown
  readonly sub?: unknown
  readonly client_id?: unknown
  readonly exp?: unknown
  readonly iat?: unknown
  readonly nbf?: unknown
  readonly jti?: unknown
  readonly scope?: unknown
  readonly acr?: unknown
  readonly auth_time?: unknown
  readonly amr?: unknown
  readonly tenant_id?: unknown
  readonly authorization_details?: unknown
}

export interface TokenClaimsInput {
  readonly claims: TokenClaims
  readonly issuer: string
  readonly audience: string
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Checks whose answer does not change while the token lives. */
export const tokenClaimsRules: readonly Rule<TokenClaimsInput>[] = [
  {
    id: 'access-token.iss',
    clauses: ['RFC9068-4-2'],
    level: 'MUST',
    title: 'the token is from the issuer this API trusts',
    check: ({ claims: { iss }, issuer }) =>
      iss === issuer ? pass : fail('invalid_token', '`iss` is not the issuer of this API'),
  },
  {
    id: 'access-token.aud',
    clauses: ['RFC9068-4-3'],
    level: 'MUST',
    title: 'the token is for this API',
    check: ({ claims: { aud }, audience }) =>
      aud === audience || (Array.isArray(aud) && aud.every(isText) && aud.includes(audience))
        ? pass
        : fail('invalid_token', '`aud` does not name this API'),
  },
  {
    id: 'access-token.exp',
    clauses: ['RFC9068-4', 'RFC9068-4-6'],
    level: 'MUST',
    title: 'exp is present as a whole number',
    check: ({ claims: { exp } }) => (isTime(exp) ? pass : fail('invalid_token', '`exp` is missing')),
  },
  {
    id: 'access-token.identifiers',
    clauses: ['RFC9068-4'],
    level: 'MUST',
    title: 'jti, client_id and sub are present',
    check: ({ claims }) => {
      const missing = (['jti', 'client_id', 'sub'] as const).find(name => !isText(claims[name]))
      return missing === undefined ? pass : fail('invalid_token', `\`${missing}\` is missing`)
    },
  },
  {
    id: 'access-token.types',
    clauses: ['RFC7519-4.1'],
    level: 'MUST',
    title: 'every registered claim that is present has its type',
    check: ({ claims }) => {
      const wrong = wrongType(claims)
      return wrong === undefined ? pass : fail('invalid_token', `\`${wrong}\` has the wrong type`)
    },
  },
  {
    id: 'access-token.iat',
    clauses: ['RFC9068-4'],
    level: 'MUST',
    title: 'iat is present',
    check: ({ claims: { iat } }) => (isTime(iat) ? pass : fail('invalid_token', '`iat` is missing')),
  },
]

function wrongType(claims: TokenClaims): string | undefined {
  for (const name of ['nbf', 'auth_time'] as const)
    if (claims[name] !== undefined && !isTime(claims[name])) return name
  for (const name of ['scope', 'acr', 'tenant_id'] as const)
    if (claims[name] !== undefined && typeof claims[name] !== 'string') return name
  const { amr, authorization_details: details } = claims
  if (details !== undefined && !isDetails(details)) return 'authorization_details'
  if (amr !== undefined && !(Array.isArray(amr) && amr.every(isText))) return 'amr'
  return undefined
}

/** A list of objects with a type each (RFC 9396 section 9); what else they say is for who knows the type. */
function isDetails(details: unknown): boolean {
  return Array.isArray(details) && details.every(detail => isJsonObject(detail) && isText(detail.type))
}

/** Checks whose answer time changes; they run on every request, whatever was remembered. */
export interface TokenTimeInput {
  readonly expiresAt: number
  readonly issuedAt: number
  readonly notBefore: number | undefined
  readonly now: EpochSeconds
  /** How long after `exp` a slow clock is forgiven. */
  readonly expirySkewSeconds: number
  /** How far ahead `iat` and `nbf` may lie. */
  readonly futureSeconds: number
  /** Longest life a token of this API's tier may have. */
  readonly lifetimeSecondsMax: number
}

export const tokenTimeRules: readonly Rule<TokenTimeInput>[] = [
  {
    id: 'access-token.expired',
    clauses: ['RFC9068-4-6', 'FAPI2-SP-FINAL-5.3.4-3', 'FAPI1-BASE-6.2.1-4'],
    level: 'MUST',
    title: 'the token has not expired',
    check: ({ expiresAt, now, expirySkewSeconds }) =>
      now < expiresAt + expirySkewSeconds ? pass : fail('invalid_token', 'the token has expired'),
  },
  {
    id: 'access-token.lifetime',
    clauses: [],
    level: 'OURS',
    title: 'the token was issued for no longer than the tier of this API allows',
    check: ({ expiresAt, issuedAt, lifetimeSecondsMax }) =>
      expiresAt - issuedAt <= lifetimeSecondsMax
        ? pass
        : fail('invalid_token', `the token lives longer than ${lifetimeSecondsMax} seconds`),
  },
  {
    id: 'access-token.issued-ahead',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-13'],
    level: 'MUST',
    title: 'iat is not ahead of time',
    check: ({ issuedAt, now, futureSeconds }) =>
      issuedAt <= now + futureSeconds ? pass : fail('invalid_token', '`iat` lies ahead'),
  },
  {
    id: 'access-token.not-before',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-13', 'RFC7519-4.1.5'],
    level: 'MUST',
    title: 'nbf has passed',
    check: ({ notBefore, now, futureSeconds }) =>
      notBefore === undefined || notBefore <= now + futureSeconds
        ? pass
        : fail('invalid_token', '`nbf` lies ahead'),
  },
]

/** Who may use this API, in which tenant. Asked only after the presenter has proven the token is theirs. */
export interface AllowedInput {
  readonly clientId: string
  /** Undefined: every client of the issuer. */
  readonly clients: readonly string[] | undefined
  readonly tenantId: string | undefined
  /** Undefined: the API has no tenants. Empty: it has, and the route belongs to none. */
  readonly tenant: string | undefined
}

export const allowedRules: readonly Rule<AllowedInput>[] = [
  {
    id: 'access-token.client',
    clauses: [],
    level: 'OURS',
    title: 'the client is allowed at this API',
    check: ({ clientId, clients }) =>
      clients === undefined || clients.includes(clientId)
        ? pass
        : fail('access_denied', 'the client is not on the list of this API'),
  },
  {
    id: 'access-token.tenant',
    clauses: [],
    level: 'OURS',
    title: 'the token belongs to the tenant of the route',
    check: ({ tenantId, tenant }) =>
      tenant === undefined || (tenant !== '' && tenantId === tenant)
        ? pass
        : fail('access_denied', 'the token belongs to another tenant'),
  },
]

export interface IntrospectedInput {
  readonly response: unknown
}

export const introspectedRules: readonly Rule<IntrospectedInput>[] = [
  {
    id: 'access-token.inactive',
    clauses: ['RFC7662-2.2', 'FAPI2-SP-FINAL-5.3.4-3', 'FAPI1-BASE-6.2.1-4'],
    level: 'MUST',
    title: 'the issuer says that the token is active',
    check: ({ response }) =>
      typeof response === 'object' && response !== null && 'active' in response && response.active === true
        ? pass
        : fail('invalid_token', 'the issuer says that the token is not active'),
  },
]
