import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule } from '../../rule.ts'

export interface IntrospectionInput {
  readonly token: string | undefined
  /** Audiences the caller answers for; empty for ordinary clients. */
  readonly introspects: readonly string[]
}

/** Who may ask at all, and who may be told what ended. */
export const introspectionCallerRules: readonly Rule<Pick<IntrospectionInput, 'introspects'>>[] = [
  {
    id: 'introspection.caller',
    clauses: ['RFC7662-2.1-2', 'RFC7662-4-1'],
    level: 'MUST',
    title: 'only a resource server may introspect tokens',
    check: ({ introspects }) =>
      introspects.length > 0 ? pass : fail('access_denied', 'the client answers for no resource server'),
  },
]

export const introspectionRules: readonly Rule<IntrospectionInput>[] = [
  ...introspectionCallerRules,
  {
    id: 'introspection.token',
    clauses: ['RFC7662-2.1-1'],
    level: 'MUST',
    title: 'the token parameter is present',
    check: ({ token }) => (token === undefined ? fail('invalid_request', '`token` is missing') : pass),
  },
]

/** An access token as it stands now: its own record and everything it hangs on. */
export interface ActiveTokenInput {
  readonly now: EpochSeconds
  readonly token: { readonly expiresAt: EpochSeconds; readonly isRevoked: boolean } | undefined
  readonly isClientActive: boolean
  /** Scopes and types of details that the token names and its client may no longer have. */
  readonly lost: readonly string[]
  /** Undefined: the token has no grant, because no user stands behind it. */
  readonly grant: { readonly isLive: boolean; readonly isUserActive: boolean } | undefined
}

/** Access ends with whatever ends first. Asked by introspection and by userinfo alike. */
export const activeTokenRules: readonly Rule<ActiveTokenInput>[] = [
  {
    id: 'token.known',
    clauses: ['RFC7662-4-2', 'RFC6750-3.1'],
    level: 'MUST',
    title: 'the token is an access token this issuer made',
    check: ({ token }) => (token === undefined ? fail('invalid_token', 'no such access token') : pass),
  },
  {
    id: 'token.revoked',
    clauses: ['RFC7662-4-2', 'RFC7009-2.2-2'],
    level: 'MUST',
    title: 'the token was not revoked',
    check: ({ token }) =>
      token?.isRevoked === false ? pass : fail('invalid_token', 'the token was revoked'),
  },
  {
    id: 'token.expired',
    clauses: ['RFC7662-4-2'],
    level: 'MUST',
    title: 'the token has not expired',
    check: ({ token, now }) =>
      token !== undefined && now < token.expiresAt ? pass : fail('invalid_token', 'the token has expired'),
  },
  {
    id: 'token.client-active',
    clauses: [],
    level: 'OURS',
    title: 'the client the token was issued to is active',
    check: ({ isClientActive }) =>
      isClientActive ? pass : fail('invalid_token', 'the client is suspended or gone'),
  },
  {
    id: 'token.within-rights',
    clauses: [],
    level: 'OURS',
    title: 'the client may still have all that the token says',
    check: ({ lost }) =>
      lost.length === 0
        ? pass
        : fail('invalid_token', `the client may no longer have ${lost.map(one => `\`${one}\``).join(', ')}`),
  },
  {
    id: 'token.grant-live',
    clauses: ['RFC7662-4-2', 'RFC7009-2.1-3'],
    level: 'MUST',
    title: 'the grant of the token is live',
    check: ({ grant }) =>
      grant === undefined || grant.isLive
        ? pass
        : fail('invalid_token', 'the grant was revoked or has expired'),
  },
  {
    id: 'token.user-active',
    clauses: [],
    level: 'OURS',
    title: 'the user behind the token is active',
    check: ({ grant }) =>
      grant === undefined || grant.isUserActive
        ? pass
        : fail('invalid_token', 'the user is disabled or gone'),
  },
]

export interface AddressedInput {
  readonly audience: readonly string[]
  readonly introspects: readonly string[]
}

export const addressedRules: readonly Rule<AddressedInput>[] = [
  {
    id: 'introspection.addressed',
    clauses: ['RFC7662-2.2-3'],
    level: 'MUST',
    title: 'the token is meant for the caller',
    check: ({ audience, introspects }) =>
      audience.some(one => introspects.includes(one))
        ? pass
        : fail('invalid_token', 'the token is meant for another resource server'),
  },
]
