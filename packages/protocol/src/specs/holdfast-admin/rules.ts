import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** Who presents a token at the admin API. */
export interface AdminCallerInput {
  readonly tokenAudience: readonly string[]
  /** Resource identifier of the admin API. */
  readonly audience: string
  /** Whether the token is bound to a key or a certificate. */
  readonly isBound: boolean
  /** Whether no profile in play lets a token of this client for this API be unbound, or its client be public. */
  readonly isStrict: boolean
  /** Whether it was exchanged: somebody acts with what another one was given. */
  readonly isExchanged: boolean
  /** Name of the Administrator document of the user, or of the client that speaks for itself. */
  readonly administrator: string | undefined
}

export const adminCallerRules: readonly Rule<AdminCallerInput>[] = [
  {
    id: 'admin.audience',
    clauses: ['HFA-1'],
    level: 'MUST',
    title: 'the token is for the admin API, so that no other API can use it here',
    check: ({ tokenAudience, audience }) =>
      tokenAudience.length === 1 && tokenAudience[0] === audience
        ? pass
        : fail('invalid_token', 'the token is not for the admin API alone'),
  },
  {
    id: 'admin.bound',
    clauses: ['HFA-1'],
    level: 'MUST',
    title: 'the token is bound to a key or a certificate',
    check: ({ isBound }) => (isBound ? pass : fail('invalid_token', 'the token is bound to nothing')),
  },
  {
    id: 'admin.profile',
    clauses: ['HFA-1'],
    level: 'MUST',
    title: 'the profiles of client and admin API demand bound tokens and confidential clients',
    check: ({ isStrict }) =>
      isStrict ? pass : fail('invalid_token', 'the token was issued under a profile that is too weak'),
  },
  {
    id: 'admin.exchanged',
    clauses: ['HFA-2'],
    level: 'MUST',
    title: 'the token was not exchanged: who acts is who was given it',
    check: ({ isExchanged }) =>
      isExchanged ? fail('invalid_token', 'the token was exchanged; administrators act themselves') : pass,
  },
  {
    id: 'admin.administrator',
    clauses: ['HFA-2'],
    level: 'MUST',
    title: 'an Administrator document names who presents the token',
    check: ({ administrator }) =>
      administrator === undefined
        ? fail('access_denied', 'no Administrator document names this user or client')
        : pass,
  },
]

export interface AdminRoleInput {
  readonly required: readonly string[]
  /** Of the Administrator document. */
  readonly held: readonly string[]
}

export const adminRoleRules: readonly Rule<AdminRoleInput>[] = [
  {
    id: 'admin.role',
    clauses: ['HFA-3'],
    level: 'MUST',
    title: 'the administrator has every scope that the operation needs',
    check: ({ required, held }) => {
      const missing = required.filter(scope => !held.includes(scope))
      return missing.length === 0
        ? pass
        : fail('access_denied', `the administrator does not have \`${missing.join(' ')}\``)
    },
  },
]

export interface PreconditionInput {
  /** Entity tag of what is stored; undefined when nothing is. */
  readonly etag: string | undefined
  /** Tags of `If-Match`; undefined when the header is missing. */
  readonly ifMatch: readonly string[] | undefined
  /** Whether `If-None-Match` is `*`. */
  readonly ifNoneMatch: boolean
}

export const preconditionRules: readonly Rule<PreconditionInput>[] = [
  {
    id: 'admin.precondition-missing',
    clauses: ['HFA-4'],
    level: 'MUST',
    title: 'a write says what it expects to find',
    check: ({ ifMatch, ifNoneMatch }) =>
      ifMatch !== undefined || ifNoneMatch
        ? pass
        : fail('invalid_request', 'send `If-Match` with the entity tag you read, or `If-None-Match: *`'),
  },
  {
    id: 'admin.precondition',
    clauses: ['HFA-4'],
    level: 'MUST',
    title: 'what is stored is what the write expects',
    check: ({ etag, ifMatch, ifNoneMatch }) => {
      if (ifNoneMatch && etag !== undefined)
        return fail('invalid_request', 'there is such a document already')
      if (ifMatch === undefined) return pass
      return etag !== undefined && ifMatch.includes(etag)
        ? pass
        : fail('invalid_request', 'the document is not the one you read')
    },
  },
]

/** A change that waits for a second person, and who confirms it. */
export interface ConfirmationInput {
  readonly now: EpochSeconds
  /** Undefined: there is none of this name, or it was confirmed or withdrawn. */
  readonly change: { readonly expiresAt: number; readonly persons: readonly string[] } | undefined
  readonly by: string
  /** Whether a user stands behind the token; a client has no mind of its own. */
  readonly isPerson: boolean
  /** Whether what it was decided on is what is stored now. */
  readonly isBaseSame: boolean
}

export const confirmationRules: readonly Rule<ConfirmationInput>[] = [
  {
    id: 'admin.change-unknown',
    clauses: ['HFA-6'],
    level: 'MUST',
    title: 'a change is confirmed once',
    check: ({ change }) =>
      change === undefined
        ? fail('invalid_request', 'no change of this name waits: it never did, or it is done or withdrawn')
        : pass,
  },
  {
    id: 'admin.change-expired',
    clauses: ['HFA-6'],
    level: 'MUST',
    title: 'a change is confirmed before it expires',
    check: ({ change, now }) =>
      change !== undefined && now >= change.expiresAt
        ? fail('invalid_request', 'the change has expired: propose it again')
        : pass,
  },
  {
    id: 'admin.approver-person',
    clauses: ['HFA-5'],
    level: 'MUST',
    title: 'a person confirms, not a client',
    check: ({ isPerson }) =>
      isPerson ? pass : fail('access_denied', 'a client confirms nothing: a person does'),
  },
  {
    id: 'admin.own-change',
    clauses: ['HFA-5'],
    level: 'MUST',
    title: 'nobody confirms what they proposed, or what a client they answer for proposed',
    check: ({ change, by }) =>
      change?.persons.includes(by) === true
        ? fail('access_denied', 'nobody confirms their own change: another person is needed')
        : pass,
  },
  {
    id: 'admin.change-stale',
    clauses: ['HFA-6'],
    level: 'MUST',
    title: 'a change is confirmed on what it was proposed on',
    check: ({ isBaseSame }) =>
      isBaseSame ? pass : fail('invalid_request', 'what it changes has changed since: propose it again'),
  },
]
