import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** What a token request says about how it asks, once its client is authenticated. */
export interface GrantTypeInput {
  readonly grantType: string | undefined
  /** Grant types there is a slot for. */
  readonly supported: readonly string[]
  readonly registered: readonly string[]
}

export const grantTypeRules: readonly Rule<GrantTypeInput>[] = [
  {
    id: 'grant-type.present',
    clauses: ['RFC6749-4.1.3', 'RFC6749-5.2'],
    level: 'MUST',
    title: 'grant_type is present',
    check: ({ grantType }) =>
      grantType === undefined ? fail('invalid_request', '`grant_type` is missing') : pass,
  },
  {
    id: 'grant-type.supported',
    clauses: ['RFC6749-5.2', 'FAPI2-SP-FINAL-5.3.2.1-2'],
    level: 'MUST',
    title: 'the grant type is one we know; the password grant is not',
    check: ({ grantType, supported }) =>
      grantType !== undefined && supported.includes(grantType)
        ? pass
        : fail('unsupported_grant_type', 'this `grant_type` is not supported'),
  },
  {
    id: 'grant-type.registered',
    clauses: ['RFC6749-5.2'],
    level: 'MUST',
    title: 'the client registered the grant type',
    check: ({ grantType, registered }) =>
      grantType !== undefined && registered.includes(grantType)
        ? pass
        : fail('unauthorized_client', `the client is not registered for \`${grantType}\``),
  },
]

/** Sender of a token request, as proven: thumbprints, never keys. */
export interface ProvenSender {
  readonly jkt?: string
  readonly x5tS256?: string
  /** Of the instance key of a client attestation. */
  readonly instanceJkt?: string
}

/** The grant behind a code or refresh token, and its owner, as they stand now (I23). */
export interface GrantStanding {
  readonly isFound: boolean
  readonly isRevoked: boolean
  readonly expiresAt: EpochSeconds
  readonly isUserActive: boolean
}

export interface RedemptionInput {
  readonly now: EpochSeconds
  readonly clientId: string
  readonly redirectUri: string | undefined
  readonly sender: ProvenSender
  /** Undefined: no code of this issuer has this value. */
  readonly code:
    | {
        readonly clientId: string
        readonly redirectUri: string
        readonly dpopJkt: string | undefined
        readonly expiresAt: EpochSeconds
        readonly isSpent: boolean
        readonly isRevoked: boolean
      }
    | undefined
  readonly grant: GrantStanding
}

/** Redemption of an authorization code, but for PKCE, which has its own room. */
export const redemptionRules: readonly Rule<RedemptionInput>[] = [
  {
    id: 'code.known',
    clauses: ['RFC6749-5.2'],
    level: 'MUST',
    title: 'the code is one we issued',
    check: ({ code }) => (code === undefined ? fail('invalid_grant', 'no such code') : pass),
  },
  {
    // Before `code.spent`: a client that presents somebody else's code must not be able to kill its grant.
    id: 'code.client',
    clauses: ['RFC6749-4.1.3', 'RFC6749-5.2'],
    level: 'MUST',
    title: 'the code was issued to this client',
    check: ({ code, clientId }) =>
      code?.clientId === clientId ? pass : fail('invalid_grant', 'the code was issued to another client'),
  },
  {
    id: 'code.spent',
    clauses: ['RFC6749-4.1.2', 'FAPI2-SP-FINAL-5.3.2.2-9', 'FAPI1-BASE-5.2.2-13'],
    level: 'MUST',
    title: 'the code was not used before',
    check: ({ code }) =>
      code?.isSpent === false
        ? pass
        : fail('invalid_grant', 'the code was used before: its grant is revoked'),
  },
  {
    id: 'code.expired',
    clauses: ['RFC6749-4.1.2', 'FAPI2-SP-FINAL-5.3.2.1-11'],
    level: 'MUST',
    title: 'the code has not expired',
    check: ({ code, now }) =>
      code !== undefined && !code.isRevoked && now < code.expiresAt
        ? pass
        : fail('invalid_grant', 'the code has expired'),
  },
  {
    // OAuth 2.1 dropped the parameter: absent is accepted, PKCE binds the code to its transaction.
    id: 'code.redirect-uri',
    clauses: ['RFC6749-4.1.3'],
    level: 'MUST',
    title: 'redirect_uri, when sent, is the one of the authorization request',
    check: ({ code, redirectUri }) =>
      redirectUri === undefined || code?.redirectUri === redirectUri
        ? pass
        : fail('invalid_grant', '`redirect_uri` is not the one of the authorization request'),
  },
  {
    id: 'code.dpop-key',
    clauses: ['RFC9449-10', 'FAPI2-SP-FINAL-5.3.2.1-12'],
    level: 'MUST',
    title: 'a code bound to a key is redeemed with a proof by that key',
    check: ({ code, sender }) =>
      code?.dpopJkt === undefined || code.dpopJkt === sender.jkt
        ? pass
        : fail('invalid_grant', 'the code is bound to another DPoP key'),
  },
  {
    id: 'code.grant-live',
    clauses: ['RFC6749-5.2'],
    level: 'MUST',
    title: 'the grant behind the code is live and its user active',
    check: ({ grant, now }) => standingVerdict(grant, now),
  },
]

export interface RefreshInput {
  readonly now: EpochSeconds
  readonly clientId: string
  readonly isPublic: boolean
  readonly sender: ProvenSender
  /** Requested; undefined: all of the token's. */
  readonly scopes: readonly string[] | undefined
  /** How long a token retired by migration may still be used. */
  readonly graceSeconds: number
  readonly token:
    | {
        readonly clientId: string
        readonly scopes: readonly string[]
        readonly binding: ProvenSender
        readonly idleExpiresAt: EpochSeconds
        readonly expiresAt: EpochSeconds
        readonly isSpent: boolean
        readonly isRevoked: boolean
        readonly retiredAt: EpochSeconds | undefined
      }
    | undefined
  readonly grant: GrantStanding
}

export const refreshRules: readonly Rule<RefreshInput>[] = [
  {
    id: 'refresh.known',
    clauses: ['RFC6749-6', 'RFC6749-5.2'],
    level: 'MUST',
    title: 'the refresh token is one we issued',
    check: ({ token }) => (token === undefined ? fail('invalid_grant', 'no such refresh token') : pass),
  },
  {
    id: 'refresh.client',
    clauses: ['RFC6749-6', 'RFC6749-10.4'],
    level: 'MUST',
    title: 'the refresh token was issued to this client',
    check: ({ token, clientId }) =>
      token?.clientId === clientId
        ? pass
        : fail('invalid_grant', 'the refresh token was issued to another client'),
  },
  {
    // Before the key: whoever holds a rotated token, with or without the key, shows that it leaked.
    id: 'refresh.reused',
    clauses: ['RFC9700-4.14.2-5.2'],
    level: 'MUST',
    title: 'a rotated refresh token was not used before',
    check: ({ token }) =>
      token?.isSpent === false
        ? pass
        : fail('invalid_grant', 'the refresh token was rotated before: its grant is revoked'),
  },
  {
    id: 'refresh.expired',
    clauses: ['RFC6749-5.2', 'RFC9700-4.14.2-8'],
    level: 'MUST',
    title: 'the refresh token is neither revoked, idle too long nor too old',
    check: ({ token, now }) =>
      token !== undefined && !token.isRevoked && now < token.idleExpiresAt && now < token.expiresAt
        ? pass
        : fail('invalid_grant', 'the refresh token is expired or revoked'),
  },
  {
    id: 'refresh.retired',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-9'],
    level: 'MUST',
    title: 'a refresh token replaced during a migration lives only for the grace time',
    check: ({ token, now, graceSeconds }) =>
      token?.retiredAt === undefined || now < token.retiredAt + graceSeconds
        ? pass
        : fail('invalid_grant', 'the refresh token was replaced and its grace time is over'),
  },
  {
    id: 'refresh.key',
    clauses: ['RFC9449-5', 'RFC8705-4', 'RFC9700-2.2.2-1'],
    level: 'MUST',
    title: "a public client's refresh token is used with the key or certificate it was issued to",
    check: ({ token, isPublic, sender }) =>
      token === undefined || !isPublic || isSameSender(token.binding, sender)
        ? pass
        : fail('invalid_grant', 'the refresh token is bound to another key'),
  },
  {
    // A bound input never yields an unbound output: another key may be proven, none may not.
    id: 'refresh.binding-kept',
    clauses: [],
    level: 'OURS',
    title: 'what was bound once stays bound in the same way over refresh',
    check: ({ token, sender }) =>
      (token?.binding.jkt === undefined || sender.jkt !== undefined) &&
      (token?.binding.x5tS256 === undefined || sender.x5tS256 !== undefined)
        ? pass
        : fail('invalid_grant', 'the first token was sender-constrained and this request proves no key'),
  },
  {
    id: 'refresh.grant-live',
    clauses: ['RFC6749-5.2'],
    level: 'MUST',
    title: 'the grant behind the refresh token is live and its user active',
    check: ({ grant, now }) => standingVerdict(grant, now),
  },
  {
    id: 'refresh.scope',
    clauses: ['RFC6749-6'],
    level: 'MUST',
    title: 'a refresh only narrows the scope',
    check: ({ token, scopes }) =>
      scopes === undefined || scopes.every(scope => token?.scopes.includes(scope))
        ? pass
        : fail('invalid_scope', 'a scope was not granted'),
  },
]

function standingVerdict(grant: GrantStanding, now: EpochSeconds): ReturnType<typeof fail> | typeof pass {
  if (!grant.isFound || grant.isRevoked) return fail('invalid_grant', 'the grant was revoked')
  if (now >= grant.expiresAt) return fail('invalid_grant', 'the grant has expired')
  return grant.isUserActive ? pass : fail('invalid_grant', 'the user is disabled or gone')
}

function isSameSender(bound: ProvenSender, proven: ProvenSender): boolean {
  return (
    (bound.jkt === undefined || bound.jkt === proven.jkt) &&
    (bound.x5tS256 === undefined || bound.x5tS256 === proven.x5tS256)
  )
}

export interface ClientCredentialsInput {
  readonly isPublic: boolean
  /** Requested; undefined: all the client may ask for. */
  readonly scopes: readonly string[] | undefined
  readonly allowedScopes: readonly string[]
}

export const clientCredentialsRules: readonly Rule<ClientCredentialsInput>[] = [
  {
    id: 'client-credentials.confidential',
    clauses: ['RFC6749-4.4'],
    level: 'MUST',
    title: 'only confidential clients use client credentials',
    check: ({ isPublic }) =>
      isPublic ? fail('unauthorized_client', 'a public client has no credentials of its own') : pass,
  },
  {
    id: 'client-credentials.openid',
    clauses: [],
    level: 'OURS',
    title: 'no user, no OpenID Connect: openid and offline_access are refused',
    check: ({ scopes }) =>
      scopes?.some(scope => scope === 'openid' || scope === 'offline_access')
        ? fail('invalid_scope', '`openid` and `offline_access` need a user')
        : pass,
  },
  {
    id: 'client-credentials.scope',
    clauses: ['RFC6749-3.3'],
    level: 'MUST',
    title: 'every scope is one the client may ask for',
    check: ({ scopes, allowedScopes }) =>
      scopes === undefined || scopes.every(scope => allowedScopes.includes(scope))
        ? pass
        : fail('invalid_scope', 'the client may not ask for a scope'),
  },
]
