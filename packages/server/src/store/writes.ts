import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import type { ApprovalRecord, RememberedConsentRecord } from './approval-records.ts'
import type {
  AccessTokenRecord,
  AuditRecord,
  AuthenticatorRecord,
  BackchannelRequestRecord,
  CodeRecord,
  DeviceCodeRecord,
  GrantRecord,
  InitialAccessTokenRecord,
  InteractionRecord,
  LogoutNoticeRecord,
  ParticipantRecord,
  PingRecord,
  PushedRequestRecord,
  RefreshTokenRecord,
  SessionRecord,
  SightingName,
  SightingRecord,
  StatusEntryRecord,
  UserRecord,
  VerifierRecord,
} from './records.ts'

/**
 * Every change of state there is. A write marked "guard" fails the whole commit when its condition does not
 * hold at that instant; the number of affected rows decides, never an earlier read (I2).
 */
export type Write =
  | { readonly kind: 'insert-pushed-request'; readonly record: PushedRequestRecord }
  /** Guard: exists, unspent, not expired. */
  | { readonly kind: 'spend-pushed-request'; readonly hash: HandleHash; readonly at: EpochSeconds }
  | { readonly kind: 'insert-interaction'; readonly record: InteractionRecord }
  /** Guard: same `version`, unfinished, not expired. Stores `record` with version + 1. */
  | { readonly kind: 'advance-interaction'; readonly record: InteractionRecord; readonly at: EpochSeconds }
  /** Guard: same `version`, unfinished, not expired. */
  | {
      readonly kind: 'finish-interaction'
      readonly hash: HandleHash
      readonly version: number
      readonly at: EpochSeconds
    }
  | { readonly kind: 'insert-session'; readonly record: SessionRecord }
  /** Guard: exists, not revoked: nothing is born in a session that a logout ended. Moves `idleExpiresAt`. */
  | { readonly kind: 'touch-session'; readonly hash: HandleHash; readonly idleExpiresAt: EpochSeconds }
  | { readonly kind: 'revoke-session'; readonly hash: HandleHash; readonly at: EpochSeconds }
  /** Guard: exists, not revoked. For a logout, which tells others: once. */
  | { readonly kind: 'end-session'; readonly hash: HandleHash; readonly at: EpochSeconds }
  /** Remembers, or remembers longer, that a client took part in a session. */
  | { readonly kind: 'join-session'; readonly record: ParticipantRecord }
  /** Revokes the grants of a session that do not outlive it: those without `offline_access`. */
  | { readonly kind: 'revoke-grants-of-session'; readonly sid: string; readonly at: EpochSeconds }
  | { readonly kind: 'insert-logout-notice'; readonly record: LogoutNoticeRecord }
  /** Guard: same `version`, due, not expired. Raises the version; due again at `dueAt`, should the process die. */
  | {
      readonly kind: 'claim-logout-notice'
      readonly id: string
      readonly version: number
      readonly at: EpochSeconds
      readonly dueAt: EpochSeconds
    }
  /** Guard: same `version`. One more failure; raises the version. */
  | {
      readonly kind: 'postpone-logout-notice'
      readonly id: string
      readonly version: number
      readonly dueAt: EpochSeconds
    }
  /** Guard: same `version`. Delivered, or given up. */
  | { readonly kind: 'finish-logout-notice'; readonly id: string; readonly version: number }
  | { readonly kind: 'insert-grant'; readonly record: GrantRecord }
  /** Guard: exists, not revoked, not expired. */
  | { readonly kind: 'require-live-grant'; readonly id: string; readonly at: EpochSeconds }
  | { readonly kind: 'revoke-grant'; readonly id: string; readonly at: EpochSeconds }
  /** Guard: exists, not revoked, not expired. For what takes its place, or for who must know: once. */
  | { readonly kind: 'end-grant'; readonly id: string; readonly at: EpochSeconds }
  /** All of one user: what is born after it was born of a new login, or of a guard that failed. */
  | {
      readonly kind: 'revoke-grants-of-subject' | 'revoke-tokens-of-subject'
      readonly issuer: string
      readonly subject: string
      readonly at: EpochSeconds
    }
  | {
      readonly kind: 'revoke-sessions-of-subject'
      readonly issuer: string
      readonly subject: string
      /** The one that goes on. */
      readonly except?: HandleHash | undefined
      readonly at: EpochSeconds
    }
  /** All of one client. Tokens: those that no grant of the client stands behind. */
  | {
      readonly kind: 'revoke-grants-of-client' | 'revoke-tokens-of-client'
      readonly issuer: string
      readonly clientId: string
      readonly at: EpochSeconds
    }
  /** Says that a client may have less from now on; what its tokens are worth is judged by what it may have. */
  | { readonly kind: 'narrow-client'; readonly issuer: string; readonly clientId: string }
  /**
   * All that was ever given at one issuer: requests that wait, sessions, grants, tokens. One row, however much there is;
   * what is born after it was born of a new request or login. Never taken back, and again is harmless.
   */
  | { readonly kind: 'revoke-all-of-issuer'; readonly issuer: string; readonly at: EpochSeconds }
  | { readonly kind: 'insert-code'; readonly record: CodeRecord }
  /** Guard: exists, unspent, not expired. */
  | { readonly kind: 'spend-code'; readonly hash: HandleHash; readonly at: EpochSeconds }
  | { readonly kind: 'insert-device-code'; readonly record: DeviceCodeRecord }
  /** Remembers a poll. The first key shown stays; no guard. */
  | {
      readonly kind: 'poll-device-code'
      readonly hash: HandleHash
      readonly at: EpochSeconds
      readonly intervalSeconds: number
      readonly binding: string | undefined
    }
  /** Guard: exists, undecided, not expired. */
  | {
      readonly kind: 'approve-device-code'
      readonly hash: HandleHash
      readonly grantId: string
      readonly at: EpochSeconds
    }
  /** Guard: exists, undecided, not expired. */
  | { readonly kind: 'deny-device-code'; readonly hash: HandleHash; readonly at: EpochSeconds }
  /** Guard: exists, approved, unspent, not expired, bound to no other key than `binding`. */
  | {
      readonly kind: 'spend-device-code'
      readonly hash: HandleHash
      readonly at: EpochSeconds
      readonly binding: string | undefined
    }
  | { readonly kind: 'insert-backchannel-request'; readonly record: BackchannelRequestRecord }
  /** Remembers a poll. The first key shown stays; no guard. */
  | {
      readonly kind: 'poll-backchannel-request'
      readonly hash: HandleHash
      readonly at: EpochSeconds
      readonly intervalSeconds: number
      readonly binding: string | undefined
    }
  /** Guard: exists, undecided, not expired. */
  | {
      readonly kind: 'approve-backchannel-request'
      readonly hash: HandleHash
      readonly grantId: string
      readonly at: EpochSeconds
    }
  /** Guard: exists, undecided, not expired. */
  | { readonly kind: 'deny-backchannel-request'; readonly hash: HandleHash; readonly at: EpochSeconds }
  /** Guard: exists, approved, unspent, not expired, bound to no other key than `binding`. */
  | {
      readonly kind: 'spend-backchannel-request'
      readonly hash: HandleHash
      readonly at: EpochSeconds
      readonly binding: string | undefined
    }
  /** Guard: the place is free, or was taken until `at` at the latest. `holder` has it until `until`. */
  | {
      readonly kind: 'take-prompt'
      readonly key: HandleHash
      readonly holder: HandleHash
      readonly at: EpochSeconds
      readonly until: EpochSeconds
    }
  /** Frees the place if `holder` still has it. */
  | { readonly kind: 'free-prompt'; readonly key: HandleHash; readonly holder: HandleHash }
  | { readonly kind: 'insert-ping'; readonly record: PingRecord }
  /** Guard: same `version`, due, not expired. Raises the version; due again at `dueAt`, should the process die. */
  | {
      readonly kind: 'claim-ping'
      readonly id: string
      readonly version: number
      readonly at: EpochSeconds
      readonly dueAt: EpochSeconds
    }
  /** Guard: same `version`. One more failure; raises the version. */
  | {
      readonly kind: 'postpone-ping'
      readonly id: string
      readonly version: number
      readonly dueAt: EpochSeconds
    }
  /** Guard: same `version`. Delivered, or given up. */
  | { readonly kind: 'finish-ping'; readonly id: string; readonly version: number }
  | { readonly kind: 'insert-access-token'; readonly record: AccessTokenRecord }
  /** With its token, in one list. A fault when the index was given before: never two tokens in one place. */
  | { readonly kind: 'insert-status-entry'; readonly record: StatusEntryRecord }
  | { readonly kind: 'revoke-access-token'; readonly hash: HandleHash; readonly at: EpochSeconds }
  | { readonly kind: 'insert-refresh-token'; readonly record: RefreshTokenRecord }
  /** Guard: exists, unspent, not revoked, neither idle nor absolute expiry passed. For rotation. */
  | { readonly kind: 'spend-refresh-token'; readonly hash: HandleHash; readonly at: EpochSeconds }
  /**
   * Guard: exists, not revoked, not expired, and not yet retired past `graceSeconds`.
   * First use sets the retirement time; for the migration mode (FAPI2-SP-FINAL-5.3.2.1-9).
   */
  | {
      readonly kind: 'retire-refresh-token'
      readonly hash: HandleHash
      readonly at: EpochSeconds
      readonly graceSeconds: number
    }
  /** Guard: exists, unspent, not revoked, not expired. Moves the idle expiry. For clients that do not rotate. */
  | {
      readonly kind: 'use-refresh-token'
      readonly hash: HandleHash
      readonly at: EpochSeconds
      readonly idleExpiresAt: EpochSeconds
    }
  | { readonly kind: 'revoke-refresh-token'; readonly hash: HandleHash; readonly at: EpochSeconds }
  /**
   * Guard: never seen. `key` is made of verified canonical values inside its namespace (I5); kept to `expiresAt`.
   * `issuedAt` is the claim the sender signed: refused when before the store's epoch (I6).
   */
  | {
      readonly kind: 'remember-jti'
      readonly what: ReplayNamespace
      readonly key: HandleHash
      readonly issuedAt: EpochSeconds
      readonly expiresAt: EpochSeconds
    }
  /** Counts a failed authentication; see `findFailures`. */
  | {
      readonly kind: 'count-failure'
      readonly key: HandleHash
      readonly at: EpochSeconds
      readonly windowSeconds: number
    }
  | { readonly kind: 'clear-failures'; readonly key: HandleHash }
  | { readonly kind: 'put-user'; readonly record: UserRecord }
  | { readonly kind: 'delete-user'; readonly issuer: string; readonly subject: string }
  /** Guard: no user has this subject or this username. */
  | { readonly kind: 'insert-user'; readonly record: UserRecord }
  /** Guard: the user is still as read. Holds off whoever changes it until this list is done. */
  | { readonly kind: 'require-user'; readonly record: UserRecord }
  /** Guard: the id is unknown and its user has fewer than `ofUserMax`. `counter` is where use begins. */
  | {
      readonly kind: 'insert-authenticator'
      readonly record: AuthenticatorRecord
      readonly counter: number
      readonly ofUserMax: number
    }
  /** Guard: exists, and `counter` rises; one that was and stays 0 counts nothing. */
  | {
      readonly kind: 'use-authenticator'
      readonly id: HandleHash
      readonly counter: number
      readonly at: EpochSeconds
    }
  /** Guard: exists. */
  | { readonly kind: 'delete-authenticator'; readonly id: HandleHash }
  | { readonly kind: 'delete-authenticators-of-user'; readonly issuer: string; readonly subject: string }
  /** Stands after the `raise-revision` of its list: it is written down as of that revision. */
  | { readonly kind: 'put-document'; readonly document: DocumentRecord }
  /** Guard: the document is still as read. Holds off whoever changes it until this list is done. */
  | { readonly kind: 'require-document'; readonly document: DocumentRecord }
  | {
      readonly kind: 'delete-document'
      readonly documentKind: string
      readonly name: string
      readonly issuer: string
    }
  | { readonly kind: 'insert-initial-access-token'; readonly record: InitialAccessTokenRecord }
  /** Guard: exists, a use is left, not revoked, not expired. Takes one use. */
  | { readonly kind: 'use-initial-access-token'; readonly hash: HandleHash; readonly at: EpochSeconds }
  | { readonly kind: 'revoke-initial-access-token'; readonly hash: HandleHash; readonly at: EpochSeconds }
  /** From now on this token manages the client, and no other one. */
  | {
      readonly kind: 'put-registration'
      readonly issuer: string
      readonly clientId: string
      readonly tokenHash: HandleHash
    }
  /** Guard: `from` is the token that manages the client. Then `to` is. */
  | {
      readonly kind: 'rotate-registration'
      readonly issuer: string
      readonly clientId: string
      readonly from: HandleHash
      readonly to: HandleHash
    }
  /** Guard: `tokenHash` is the token that manages the client. Then none does. */
  | {
      readonly kind: 'end-registration'
      readonly issuer: string
      readonly clientId: string
      readonly tokenHash: HandleHash
    }
  /** Guard: the current revision is `from`. Becomes `from + 1`; nodes recompile. */
  | { readonly kind: 'raise-revision'; readonly from: number }
  | { readonly kind: 'insert-key'; readonly record: KeyRecord }
  /** Guard: exists, has no end yet, not revoked: one rotation at a time, whoever starts it. */
  | {
      readonly kind: 'end-key'
      readonly issuer: string
      readonly id: string
      readonly removedAt: EpochSeconds
    }
  /**
   * Guard: exists with the times `from`, neither withdrawn nor revoked. Moves the first use of an announced key and
   * with it the end of the one before.
   */
  | {
      readonly kind: 'retime-key'
      readonly issuer: string
      readonly id: string
      readonly from: KeyTimesRecord
      readonly to: KeyTimesRecord
    }
  /** Guard: exists, neither withdrawn nor revoked. Signs no more, published until `removedAt`. */
  | {
      readonly kind: 'withdraw-key'
      readonly issuer: string
      readonly id: string
      readonly at: EpochSeconds
      readonly removedAt: EpochSeconds
    }
  /** Guard: exists, not revoked. Its private half is gone with the commit. */
  | { readonly kind: 'revoke-key'; readonly issuer: string; readonly id: string; readonly at: EpochSeconds }
  /** Guard: exists, its end has come. */
  | { readonly kind: 'delete-key'; readonly issuer: string; readonly id: string; readonly at: EpochSeconds }
  /** What a verifier reported last; no guard. */
  | { readonly kind: 'put-verifier'; readonly record: VerifierRecord }
  /**
   * Guard: the content is neither waiting, nor approved and unspent, nor denied a short while ago, and fewer than
   * `ofAskerMax` others of the same client and user wait.
   */
  | {
      readonly kind: 'ask-approval'
      readonly record: ApprovalRecord
      readonly at: EpochSeconds
      readonly ofAskerMax: number
    }
  /** Guard: same `version`, waiting, not expired. Stores `record`; `approvedAt` once it was the last that was needed. */
  | {
      readonly kind: 'give-approval'
      readonly record: ApprovalRecord
      readonly version: number
      readonly approvedAt: EpochSeconds | undefined
      readonly at: EpochSeconds
    }
  /** Guard: waiting, or approved and unspent; not expired. Not asked again before `until`. */
  | {
      readonly kind: 'deny-approval'
      readonly key: HandleHash
      readonly at: EpochSeconds
      readonly until: EpochSeconds
    }
  /** Guard: approved, unspent, not expired. */
  | {
      readonly kind: 'spend-approval' | 'require-approval'
      readonly key: HandleHash
      readonly at: EpochSeconds
    }
  /** What others approved or are asked to approve for a user, or for a client; not what they denied. */
  | { readonly kind: 'forget-approvals-of-subject'; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'forget-approvals-of-client'; readonly issuer: string; readonly clientId: string }
  /** Instead of what was remembered under the same key before. */
  | { readonly kind: 'remember-consent'; readonly record: RememberedConsentRecord }
  /** Guard: still remembered, with this grant, not expired. */
  | {
      readonly kind: 'require-consent'
      readonly key: HandleHash
      readonly grantId: string
      readonly at: EpochSeconds
    }
  | { readonly kind: 'forget-consent'; readonly key: HandleHash }
  | { readonly kind: 'forget-consents-of-subject'; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'forget-consents-of-client'; readonly issuer: string; readonly clientId: string }
  /** Counts it once more, or begins it; no guard. Once confirmed stays confirmed. */
  | { readonly kind: 'remember-sighting'; readonly record: SightingRecord }
  | { readonly kind: 'forget-sighting'; readonly sighting: SightingName }
  /** All that was seen of one user or client. */
  | { readonly kind: 'forget-sightings'; readonly issuer: string; readonly owner: string }
  | { readonly kind: 'append-audit'; readonly record: AuditRecord }

/** What is signed to be used once. */
export type ReplayNamespace =
  | 'client-assertion'
  | 'client-attestation-pop'
  | 'client-svid'
  | 'dpop-proof'
  | 'request-object'
  | 'backchannel-request-object'
  | 'authorization-grant'

/** A control-plane document as applied: the source from which the snapshot is compiled. */
export interface DocumentRecord {
  readonly documentKind: string
  readonly issuer: string
  readonly name: string
  /** Canonical JSON of the whole document. */
  readonly body: string
}

/** A private key or shared secret, encrypted at rest (I30). */
export interface KeyRecord {
  readonly issuer: string
  /** RFC 7638 thumbprint for signing keys, purpose name for secrets. */
  readonly id: string
  readonly use: 'sig' | 'secret'
  readonly alg: string
  /** Sealed with the key-encryption key; never clear. */
  readonly sealed: Buffer
  readonly createdAt: EpochSeconds
  /** From when on it signs; published before. */
  readonly activeAt: EpochSeconds
  /** From when on it is no longer published, because nothing it signed is valid any more. */
  readonly removedAt: EpochSeconds | undefined
  readonly revokedAt: EpochSeconds | undefined
  /** From when on it signs no more, because it was rolled back. */
  readonly withdrawnAt: EpochSeconds | undefined
}

export type KeyTimesRecord = Pick<KeyRecord, 'activeAt' | 'removedAt'>

export type GuardKind =
  | 'ask-approval'
  | 'give-approval'
  | 'deny-approval'
  | 'spend-approval'
  | 'require-approval'
  | 'require-consent'
  | 'end-key'
  | 'retime-key'
  | 'withdraw-key'
  | 'revoke-key'
  | 'delete-key'
  | 'spend-pushed-request'
  | 'advance-interaction'
  | 'finish-interaction'
  | 'touch-session'
  | 'end-session'
  | 'insert-user'
  | 'require-user'
  | 'insert-authenticator'
  | 'use-authenticator'
  | 'delete-authenticator'
  | 'claim-logout-notice'
  | 'postpone-logout-notice'
  | 'finish-logout-notice'
  | 'require-live-grant'
  | 'end-grant'
  | 'spend-code'
  | 'approve-device-code'
  | 'deny-device-code'
  | 'spend-device-code'
  | 'approve-backchannel-request'
  | 'deny-backchannel-request'
  | 'spend-backchannel-request'
  | 'take-prompt'
  | 'claim-ping'
  | 'postpone-ping'
  | 'finish-ping'
  | 'spend-refresh-token'
  | 'retire-refresh-token'
  | 'use-refresh-token'
  | 'remember-jti'
  | 'use-initial-access-token'
  | 'rotate-registration'
  | 'end-registration'
  | 'require-document'
  | 'raise-revision'

/** All or nothing; names the first guard, in list order, that failed. */
export type CommitResult =
  | { readonly committed: true }
  | { readonly committed: false; readonly guard: GuardKind; readonly index: number }
