import type { DetailWords } from '@holdfast/protocol/specs/rfc9396-rar/words.ts'

import type { Paged } from './page-api.ts'

/** The part of the admin API that is about what policies want approved (`@require_approval`). */

export interface ApprovalChange {
  readonly step: 'approve' | 'deny'
  /** User name of the person who answers: a member of a group that is asked. */
  readonly as: string
  /** Whole: it is the hash of what is approved. */
  readonly name: string
  readonly issuer?: string | undefined
  /** For which of their groups; the first that is missing unless said. */
  readonly group?: string | undefined
}

export interface ChangedApproval {
  readonly name: string
  readonly issuer: string
  readonly state: 'waiting' | 'approved' | 'denied'
  readonly group: string
  /** Groups that still have to answer. */
  readonly missing: readonly string[]
  readonly reference: string
}

/** What waits, in words, with who answered so far. */
export interface ListedApproval {
  readonly name: string
  readonly issuer: string
  readonly client: string
  /** User name; absent: the client acts for itself. */
  readonly user?: string
  readonly moment: 'authorize' | 'mint'
  readonly scopes: readonly { readonly name: string; readonly title: string }[]
  readonly resources: readonly string[]
  readonly details: readonly DetailWords[]
  readonly groups: readonly string[]
  readonly missing: readonly string[]
  /** How long it serves after the last approval, and whether more than once. */
  readonly seconds: number
  readonly isReusable: boolean
  readonly askedAt: number
  readonly waitsUntil: number
  readonly txn: string
}

export interface ApprovalList extends Paged {
  readonly approvals: readonly ListedApproval[]
}
