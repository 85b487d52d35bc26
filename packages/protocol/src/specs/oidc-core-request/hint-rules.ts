import { fail, pass, type Rule } from '../../rule.ts'

/** An ID token we signed, sent along to say whose session is meant. Its end does not matter. */
export interface IdTokenHintInput {
  readonly issuer: string
  readonly clientId: string
  readonly typ: unknown
  readonly claims: Readonly<Record<string, unknown>>
}

/** After the signature was found to be ours: nothing else that we sign may pass for an ID token of this client. */
export const idTokenHintRules: readonly Rule<IdTokenHintInput>[] = [
  {
    id: 'oidc.hint-type',
    clauses: ['OIDC-3.1.2.1-id_token_hint', 'RFC8725-3.11'],
    level: 'MUST',
    title: 'the hint is an ID token and no other token of ours',
    // An ID token says what it was issued beside: an access token, or a code.
    check: ({ typ, claims: { sub, exp, iat, at_hash: atHash, c_hash: cHash, events } }) =>
      typ === 'JWT' &&
      typeof sub === 'string' &&
      typeof exp === 'number' &&
      typeof iat === 'number' &&
      typeof (atHash ?? cHash) === 'string' &&
      events === undefined
        ? pass
        : fail('invalid_request', '`id_token_hint` is not an ID token'),
  },
  {
    id: 'oidc.hint-issuer',
    clauses: ['OIDC-3.1.2.1-id_token_hint'],
    level: 'MUST',
    title: 'the hint was issued by this issuer',
    check: ({ issuer, claims }) =>
      claims.iss === issuer ? pass : fail('invalid_request', '`id_token_hint` was issued by another issuer'),
  },
  {
    id: 'oidc.hint-audience',
    clauses: [],
    level: 'OURS',
    title: 'the hint was issued to the client that sends it',
    check: ({ clientId, claims }) =>
      claims.aud === clientId
        ? pass
        : fail('invalid_request', '`id_token_hint` was issued to another client'),
  },
]
