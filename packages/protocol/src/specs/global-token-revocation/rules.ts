import { fail, pass, type Rule } from '../../rule.ts'
import { isClientsOwn, isForIssuer, type PresentedByClient } from '../rfc6750-bearer/own-token.ts'

/** Lets a client end all access of any user: for incident and identity systems, never for applications. */
export const globalRevocationScope = 'global_token_revocation'

export const globalRevocationCallerRules: readonly Rule<PresentedByClient>[] = [
  {
    id: 'global-revocation.audience',
    clauses: ['GLOBAL-REVOCATION-3.1-auth'],
    level: 'OURS',
    title: 'the token is for the authorization server, so that no API can use it here',
    check: isForIssuer,
  },
  {
    id: 'global-revocation.caller',
    clauses: ['GLOBAL-REVOCATION-3.1-auth'],
    level: 'OURS',
    title: 'the token is the client’s own: no user’s consent gives power over other users',
    check: isClientsOwn,
  },
]

export interface GlobalRevocationRequest {
  /** As parsed; undefined when it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  readonly issuer: string
}

type Members = Readonly<Record<string, unknown>>

export const globalRevocationRules: readonly Rule<GlobalRevocationRequest>[] = [
  {
    id: 'global-revocation.body',
    clauses: ['GLOBAL-REVOCATION-3.1-sub_id', 'GLOBAL-REVOCATION-3.3-400'],
    level: 'MUST',
    title: 'the body is JSON with `sub_id`, a subject identifier of RFC 9493',
    check: ({ body }) =>
      isMembers(body?.sub_id) ? pass : fail('invalid_request', 'the body is no JSON object with `sub_id`'),
  },
  {
    id: 'global-revocation.format',
    clauses: ['GLOBAL-REVOCATION-3.3-400'],
    level: 'MUST',
    title: 'the subject is named as `iss_sub` of this issuer, or as `opaque`',
    check: ({ body, issuer }) =>
      subjectOf(body, issuer) === undefined
        ? fail('invalid_request', 'the format of `sub_id` is not supported, or names another issuer')
        : pass,
  },
]

/** Who is meant; undefined for a format that is not supported, or one of another issuer. */
export function subjectOf(body: Members | undefined, issuer: string): string | undefined {
  const subId = body?.sub_id
  if (!isMembers(subId)) return undefined
  const named = subId.format === 'iss_sub' && subId.iss === issuer ? subId.sub : undefined
  const subject = subId.format === 'opaque' ? subId.id : named
  return typeof subject === 'string' && subject !== '' && subject.length <= 255 ? subject : undefined
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface RevokedSubject {
  readonly isKnown: boolean
}

export const revokedSubjectRules: readonly Rule<RevokedSubject>[] = [
  {
    id: 'global-revocation.unknown',
    clauses: ['GLOBAL-REVOCATION-3.3-404'],
    level: 'MUST',
    title: 'the subject is a user of this issuer, disabled ones included',
    check: ({ isKnown }) => (isKnown ? pass : fail('invalid_request', 'there is no such user')),
  },
]
