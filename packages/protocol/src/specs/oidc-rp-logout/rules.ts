import { fail, pass, type Rule } from '../../rule.ts'

/** An ID token we signed, offered to say who asks and whose session is meant. Its end does not matter. */
export interface HintInput {
  readonly issuer: string
  readonly typ: unknown
  readonly claims: Readonly<Record<string, unknown>>
}

/** After the signature was found to be ours: other things that we sign must not pass for an ID token. */
export const hintRules: readonly Rule<HintInput>[] = [
  {
    id: 'logout.hint-type',
    clauses: ['OIDC-RPL-4-1', 'RFC8725-3.11'],
    level: 'MUST',
    title: 'the hint is an ID token and no other token of ours',
    check: ({ typ, claims }) =>
      typ === 'JWT' && claims.events === undefined
        ? pass
        : fail('invalid_request', '`id_token_hint` is not an ID token'),
  },
  {
    id: 'logout.hint-issuer',
    clauses: ['OIDC-RPL-4-1'],
    level: 'MUST',
    title: 'the hint was issued by this issuer',
    check: ({ issuer, claims }) =>
      claims.iss === issuer ? pass : fail('invalid_request', '`id_token_hint` was issued by another issuer'),
  },
  {
    id: 'logout.hint-claims',
    clauses: ['OIDC-RPL-4-1'],
    level: 'MUST',
    title: 'the hint names one client, a subject and a session',
    check: ({ claims: { aud, sub, sid } }) =>
      typeof aud === 'string' && typeof sub === 'string' && typeof sid === 'string'
        ? pass
        : fail('invalid_request', '`id_token_hint` does not name a client, a subject and a session'),
  },
]

export interface LogoutInput {
  /** Client the hint was issued to. */
  readonly hintClientId: string | undefined
  readonly clientId: string | undefined
  /** Of the client that asks, by hint or `client_id`; undefined when it is unknown, suspended or not named. */
  readonly registeredUris: readonly string[] | undefined
  readonly postLogoutRedirectUri: string | undefined
  readonly state: string | undefined
}

/** Bytes of `state` that are sent back. */
export const logoutStateBytesMax = 2048

export const logoutRules: readonly Rule<LogoutInput>[] = [
  {
    id: 'logout.client-match',
    clauses: ['OIDC-RPL-2-2'],
    level: 'MUST',
    title: '`client_id` is the client the ID token was issued to',
    check: ({ hintClientId, clientId }) =>
      hintClientId === undefined || clientId === undefined || hintClientId === clientId
        ? pass
        : fail('invalid_request', '`client_id` is not the client that `id_token_hint` was issued to'),
  },
  {
    id: 'logout.redirect-registered',
    clauses: ['OIDC-RPL-3-1', 'OIDC-RPL-3.1'],
    level: 'MUST',
    title: '`post_logout_redirect_uri` is, character by character, one that the client registered',
    check: ({ registeredUris, postLogoutRedirectUri }) => {
      if (postLogoutRedirectUri === undefined) return pass
      if (registeredUris === undefined)
        return fail(
          'invalid_request',
          '`post_logout_redirect_uri` comes without a client that may name it: none, unknown or suspended',
        )
      return registeredUris.includes(postLogoutRedirectUri)
        ? pass
        : fail('invalid_request', '`post_logout_redirect_uri` is not registered for the client')
    },
  },
  {
    id: 'logout.state-length',
    clauses: ['OIDC-RPL-2-1'],
    level: 'OURS',
    title: `state is at most ${logoutStateBytesMax} bytes`,
    check: ({ state = '' }) =>
      new TextEncoder().encode(state).length <= logoutStateBytesMax
        ? pass
        : fail('invalid_request', `\`state\` is longer than ${logoutStateBytesMax} bytes`),
  },
]

export interface LogoutProofInput {
  readonly hint: { readonly sub: string; readonly sid: string } | undefined
  readonly session: { readonly subject: string; readonly sid: string }
}

/** What lets a request end a session without asking. Its refusal becomes a question, never an error. */
export const logoutProofRules: readonly Rule<LogoutProofInput>[] = [
  {
    id: 'logout.proof',
    clauses: ['OIDC-RPL-2-3'],
    level: 'MUST',
    title: 'the user is asked unless the ID token is of this very session',
    check: ({ hint, session }) =>
      hint !== undefined && hint.sub === session.subject && hint.sid === session.sid
        ? pass
        : fail('interaction_required', 'nothing shows that the request is about this session'),
  },
]
