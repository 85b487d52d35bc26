import type { Paged } from './page-api.ts'
import type { ScopeGrantContent, ScopeGrantSpec } from './resources/scope-grant.ts'

/** The part of the admin API that is about grants of scopes. */

export interface RequestScopeGrant {
  /** The person who asks. */
  readonly as: string
  /** Name or URL; needed when there are several issuers. */
  readonly issuer?: string | undefined
  readonly client: string
  readonly resourceServer: string
  readonly scopes: readonly string[]
  readonly authorizationDetailsTypes: readonly string[]
  readonly purpose: string
  /** Until it ends. */
  readonly days: number
  /** Between two reviews. */
  readonly reviewDays: number
}

/** One step of one grant. */
export interface ScopeGrantChange {
  readonly step: 'approve' | 'activate' | 'review' | 'revoke' | 'remove'
  /** The person who takes it. */
  readonly as: string
  /** Whole: it is the hash of what is approved. */
  readonly name: string
  readonly issuer?: string | undefined
  /** Of a revocation. */
  readonly reason?: string | undefined
}

export interface ChangedScopeGrant {
  readonly name: string
  readonly issuer: string
  readonly state: ScopeGrantSpec['state']
  /** Persons who still have to approve. */
  readonly approvalsMissing: number
  readonly content: ScopeGrantContent
  readonly reference: string
  /** After it. */
  readonly revision: number
}

export interface ListedScopeGrant {
  readonly name: string
  readonly issuer: string
  readonly state: ScopeGrantSpec['state'] | 'expired'
  readonly content: ScopeGrantContent
  readonly approvedBy: readonly string[]
  /** Seconds since the epoch; of active ones only. */
  readonly reviewDueAt?: number
  readonly isReviewDue?: boolean
}

export interface ScopeGrantList extends Paged {
  readonly grants: readonly ListedScopeGrant[]
}
