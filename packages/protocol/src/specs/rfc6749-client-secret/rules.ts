import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { parseBasic } from './basic.ts'

export interface BasicInput {
  /** Value of the `Authorization` header. */
  readonly header: string
  /** `client_id` of the form. */
  readonly clientId: string | undefined
}

/** The `Authorization` header of a client, before any look at a client. */
export const basicRules: readonly Rule<BasicInput>[] = [
  {
    id: 'client-auth.basic-form',
    clauses: ['RFC6749-2.3.1-encoding'],
    level: 'MUST',
    title: 'HTTP Basic carries identifier and secret, each form-urlencoded, and no other scheme is used',
    check: ({ header }) =>
      parseBasic(header) === undefined
        ? fail('invalid_client', 'the `Authorization` header is not well-formed HTTP Basic')
        : pass,
  },
  {
    id: 'client-auth.basic-client-id',
    clauses: ['RFC6749-3.2.1'],
    level: 'MUST',
    title: '`client_id` of the body, when sent, is the client of the `Authorization` header',
    check: ({ header, clientId }) =>
      clientId === undefined || clientId === parseBasic(header)?.clientId
        ? pass
        : fail('invalid_client', '`client_id` is not the client of the `Authorization` header'),
  },
]

export interface SecretInput {
  readonly now: EpochSeconds
  /** Every secret the client has, and whether it is the one presented. */
  readonly secrets: readonly {
    readonly isPresented: boolean
    /** Undefined: never. */
    readonly expiresAt: EpochSeconds | undefined
  }[]
}

export const secretRules: readonly Rule<SecretInput>[] = [
  {
    id: 'client-auth.secret',
    clauses: ['RFC6749-2.3.1-password'],
    level: 'MUST',
    title: 'the secret is one of the client',
    check: ({ secrets }) =>
      secrets.some(({ isPresented }) => isPresented)
        ? pass
        : fail('invalid_client', secrets.length === 0 ? 'the client has no secret' : 'the secret is wrong'),
  },
  {
    id: 'client-auth.secret-expired',
    clauses: ['RFC7591-3.2.1-secret'],
    level: 'MUST',
    title: 'the secret has not expired',
    check: ({ secrets, now }) =>
      secrets.some(
        ({ isPresented, expiresAt }) => isPresented && (expiresAt === undefined || now < expiresAt),
      )
        ? pass
        : fail('invalid_client', 'the secret has expired'),
  },
]
