import { fail, pass, type Rule } from '../../rule.ts'
import { isForIssuer, type PresentedHere } from '../rfc6750-bearer/own-token.ts'

/** What a client may do with a grant in an authorization request; to query and to revoke it there is an endpoint. */
export type GrantAction = 'create' | 'merge' | 'replace'

export const grantActions: readonly GrantAction[] = ['create', 'merge', 'replace']

/** Scopes of the endpoint; a token with one of them is for the authorization server and nobody else. */
export const grantQueryScope = 'grant_management_query'
export const grantRevokeScope = 'grant_management_revoke'
export const grantManagementScopes: readonly string[] = [grantQueryScope, grantRevokeScope]

/** What may be a `grant_id`: anything else is neither looked up nor recorded. */
export const grantIdForm = /^[\w-]{1,128}$/

export interface GrantManagementInput {
  readonly isPublic: boolean
  readonly grantManagementAction: string | undefined
  readonly grantId: string | undefined
}

export function isGrantAction(action: string | undefined): action is GrantAction {
  return action !== undefined && (grantActions as readonly string[]).includes(action)
}

/** The parameters of an authorization request. */
export const grantManagementRules: readonly Rule<GrantManagementInput>[] = [
  {
    id: 'grant-management.confidential',
    clauses: ['GRANT-MGMT-5.1'],
    level: 'MUST',
    title: 'only a confidential client manages grants',
    check: ({ isPublic, grantManagementAction, grantId }) =>
      isPublic && (grantManagementAction !== undefined || grantId !== undefined)
        ? fail('unauthorized_client', 'a public client cannot manage grants')
        : pass,
  },
  {
    id: 'grant-management.action',
    clauses: ['GRANT-MGMT-5.3-action'],
    level: 'MUST',
    title: '`grant_management_action` is create, merge or replace, and stands beside a `grant_id`',
    check: ({ grantManagementAction, grantId }) => {
      if (grantManagementAction === undefined && grantId === undefined) return pass
      return isGrantAction(grantManagementAction)
        ? pass
        : fail('invalid_request', '`grant_management_action` is missing or not supported')
    },
  },
  {
    id: 'grant-management.grant-id',
    clauses: ['GRANT-MGMT-5.2-id'],
    level: 'MUST',
    title: 'merge and replace name a grant as we name them, create names none',
    check: ({ grantManagementAction: action, grantId }) => {
      if (grantId !== undefined && !grantIdForm.test(grantId))
        return fail('invalid_grant_id', '`grant_id` has not the form of one')
      if (action === undefined || (action === 'create') === (grantId === undefined)) return pass
      return fail(
        'invalid_request',
        action === 'create' ? '`grant_id` with the action `create`' : '`grant_id` is missing',
      )
    },
  },
]

/** The grant a request names, as it stands now. */
export interface NamedGrantInput {
  readonly clientId: string
  /** Undefined as long as nobody has signed in. */
  readonly subject: string | undefined
  readonly grant:
    | { readonly clientId: string; readonly subject: string; readonly isLive: boolean }
    | undefined
}

export const namedGrantRules: readonly Rule<NamedGrantInput>[] = [
  {
    id: 'grant-management.known',
    clauses: ['GRANT-MGMT-5.3-id', 'GRANT-MGMT-5.2-owner'],
    level: 'MUST',
    title: '`grant_id` names a live grant of this client',
    check: ({ grant, clientId }) =>
      grant?.isLive === true && grant.clientId === clientId
        ? pass
        : fail('invalid_grant_id', '`grant_id` names no live grant of this client'),
  },
  {
    id: 'grant-management.user',
    clauses: ['GRANT-MGMT-5.2-owner'],
    level: 'MUST',
    title: 'the grant is one of the user who signed in',
    check: ({ grant, subject }) =>
      subject === undefined || grant?.subject === subject
        ? pass
        : fail('invalid_grant_id', '`grant_id` names a grant of another user'),
  },
]

export interface MergeInput {
  /** Whether the request was judged by a profile as strict as the merged grant asks for. */
  readonly isAsStrict: boolean
  /** What the merged grant would reach. */
  readonly resources: number
  readonly resourcesMax: number
  readonly scopes: number
  readonly scopesMax: number
  readonly details: number
  readonly detailsMax: number
}

export const mergeRules: readonly Rule<MergeInput>[] = [
  {
    id: 'grant-management.merge-profile',
    clauses: [],
    level: 'OURS',
    title: 'a request adds to a grant only when it meets the profile of every resource the grant has',
    check: ({ isAsStrict }) =>
      isAsStrict
        ? pass
        : fail(
            'invalid_request',
            'name the resources of the grant in the request: their profile is stricter',
          ),
  },
  {
    id: 'grant-management.merge-size',
    clauses: [],
    level: 'OURS',
    title: 'a merged grant has no more resources, scopes and details than a request may ask for',
    check: ({ resources, resourcesMax, scopes, scopesMax, details, detailsMax }) =>
      resources <= resourcesMax && scopes <= scopesMax && details <= detailsMax
        ? pass
        : fail('invalid_request', 'the merged grant would be too large', { resources, scopes, details }),
  },
]

export const grantEndpointRules: readonly Rule<PresentedHere>[] = [
  {
    id: 'grant-management.audience',
    clauses: ['GRANT-MGMT-6.1'],
    level: 'OURS',
    title: 'the token is for the authorization server, so that no API can use it here',
    check: isForIssuer,
  },
]
