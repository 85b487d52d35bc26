import { fail, pass, type Rule } from '../../rule.ts'

/** The member of `events` that makes a JWT a logout token. */
export const backchannelLogoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** Seconds a logout token may be used: long enough for one delivery, too short to keep. */
export const logoutTokenLifetimeSeconds = 120

export interface LogoutTokenInput {
  readonly typ: string
  readonly claims: Readonly<Record<string, unknown>>
}

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What we hold our own logout tokens to before they leave. */
export const logoutTokenRules: readonly Rule<LogoutTokenInput>[] = [
  {
    id: 'logout-token.type',
    clauses: ['OIDC-BCL-2.4-6'],
    level: 'SHOULD',
    title: 'a logout token says that it is one',
    check: ({ typ }) =>
      typ === 'logout+jwt' ? pass : fail('server_error', 'the type of the logout token is not `logout+jwt`'),
  },
  {
    id: 'logout-token.claims',
    clauses: ['OIDC-BCL-2.4-1'],
    level: 'MUST',
    title: 'a logout token has issuer, one client as audience, times and an id of its own',
    check: ({ claims: { iss, aud, iat, exp, jti } }) =>
      typeof iss === 'string' &&
      typeof aud === 'string' &&
      Number.isSafeInteger(iat) &&
      Number.isSafeInteger(exp) &&
      typeof jti === 'string' &&
      jti.length >= 22
        ? pass
        : fail('server_error', 'the logout token lacks `iss`, `aud`, `iat`, `exp` or `jti`'),
  },
  {
    id: 'logout-token.lifetime',
    clauses: ['OIDC-BCL-2.4-5'],
    level: 'SHOULD',
    title: `a logout token ends within ${logoutTokenLifetimeSeconds} seconds`,
    check: ({ claims: { iat, exp } }) =>
      Number(exp) > Number(iat) && Number(exp) - Number(iat) <= logoutTokenLifetimeSeconds
        ? pass
        : fail('server_error', `the logout token lives longer than ${logoutTokenLifetimeSeconds} seconds`),
  },
  {
    id: 'logout-token.event',
    clauses: ['OIDC-BCL-2.4-2'],
    level: 'MUST',
    title: 'a logout token carries the logout event, an object',
    check: ({ claims: { events } }) =>
      isPlainObject(events) && isPlainObject(events[backchannelLogoutEvent])
        ? pass
        : fail('server_error', 'the logout token lacks the back-channel logout event'),
  },
  {
    id: 'logout-token.whose',
    clauses: ['OIDC-BCL-2.4-3'],
    level: 'MUST',
    title: 'a logout token names a subject, a session or both',
    check: ({ claims: { sub, sid } }) =>
      typeof sub === 'string' || typeof sid === 'string'
        ? pass
        : fail('server_error', 'the logout token names neither subject nor session'),
  },
  {
    id: 'logout-token.nonce',
    clauses: ['OIDC-BCL-2.4-4'],
    level: 'MUST',
    title: 'a logout token has no nonce, so that it cannot pass for an ID token',
    check: ({ claims }) =>
      'nonce' in claims ? fail('server_error', 'the logout token has a `nonce`') : pass,
  },
]
