import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'

/** What others approve: all of it, word for word. Its hash is its name; other content is another request. */
export interface ApprovalContent {
  /** At which moment of policy it is needed. */
  readonly moment: 'authorize' | 'mint'
  readonly clientId: string
  /** The user it is for; absent: the client acts for itself. */
  readonly subject?: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly authorizationDetails: readonly AuthorizationDetail[]
  /** Each of them has to approve, each by another person. */
  readonly groups: readonly string[]
  /** How long it serves after the last approval, and whether more than once. */
  readonly seconds: number
  readonly isReusable: boolean
}

/** A request that waits for people of the groups it names, or was answered by them. */
export interface ApprovalRecord {
  /** Of issuer and name. */
  readonly key: HandleHash
  /** `a-` and the SHA-256 of the content. */
  readonly name: string
  readonly issuer: string
  readonly content: ApprovalContent
  readonly given: readonly ApprovalGiven[]
  /** Of who asked first. */
  readonly txn: string
  readonly issuedAt: EpochSeconds
  /** Until when it waits, and when it was approved, serves. */
  readonly expiresAt: EpochSeconds
}

export interface ApprovalGiven {
  readonly group: string
  /** Subject of the person. */
  readonly by: string
  readonly at: EpochSeconds
}

/** What a user need not be asked again for some time: by this client as it was, no more than this. */
export interface RememberedConsentRecord {
  /** Of issuer, client and subject: there is one at most. */
  readonly key: HandleHash
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  /** That was allowed on the page. */
  readonly grantId: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Digest of what the page said about the client, the words of each scope, the claims and the details. */
  readonly seen: RememberedWords
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** Digests, so that a change of any word asks again. */
export interface RememberedWords {
  readonly client: string
  readonly scopes: Readonly<Record<string, string>>
  /** Absent in records older than the field: asked again. */
  readonly resources?: Readonly<Record<string, string>>
  readonly details: string
  readonly claims: string
  /** How long the page said that access lasts at most. Absent in records older than the field: asked again. */
  readonly lastsSeconds?: number
}
