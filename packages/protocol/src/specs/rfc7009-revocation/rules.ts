import { fail, pass, type Rule } from '../../rule.ts'

export interface RevocationInput {
  readonly token: string | undefined
}

export const revocationRules: readonly Rule<RevocationInput>[] = [
  {
    id: 'revocation.token',
    clauses: ['RFC7009-2.1-1'],
    level: 'MUST',
    title: 'the token parameter is present',
    check: ({ token }) => (token === undefined ? fail('invalid_request', '`token` is missing') : pass),
  },
]

export interface RevocationOwnerInput {
  readonly clientId: string
  /** Client the token was issued to. */
  readonly owner: string
}

/** Its refusal is for the audit record only: the caller reads the same 200 as for an unknown token. */
export const revocationOwnerRules: readonly Rule<RevocationOwnerInput>[] = [
  {
    id: 'revocation.owner',
    clauses: ['RFC7009-2.1-2'],
    level: 'MUST',
    title: 'the token was issued to the client that revokes it',
    check: ({ clientId, owner }) =>
      clientId === owner ? pass : fail('invalid_request', 'the token was issued to another client'),
  },
]
