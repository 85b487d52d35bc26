import type { EpochSeconds, HandleHash, JwsAlg } from '@holdfast/protocol'
import type { RevocationEvent } from './announcements.ts'
import type { ApprovalRecord, RememberedConsentRecord } from './approval-records.ts'
import type {
  AccessTokenRecord,
  AuthenticatorRecord,
  BackchannelRequestRecord,
  ChainedAuditRecord,
  CodeRecord,
  DeviceCodeRecord,
  FoundSighting,
  GrantRecord,
  InitialAccessTokenRecord,
  InteractionRecord,
  LogoutNoticeRecord,
  PingRecord,
  PushedRequestRecord,
  RefreshTokenRecord,
  SaidRights,
  SessionRecord,
  UserRecord,
  VerifierRecord,
} from './records.ts'
import type { CommitResult, DocumentRecord, KeyRecord, Write } from './writes.ts'

/** A record and what has since happened to it. Finders return spent and expired rows: rooms judge, not SQL. */
export type Found<T> = T & {
  readonly spentAt: EpochSeconds | undefined
  readonly revokedAt: EpochSeconds | undefined
}

/** How a client that polls behaves, and what the user decided. */
export interface Polled {
  readonly polledAt: EpochSeconds | undefined
  readonly grantId: string | undefined
  readonly deniedAt: EpochSeconds | undefined
}

/** An entry of a status list, and how everything that its token hangs on stands. */
export interface StatusStanding {
  readonly index: number
  readonly alg: JwsAlg
  readonly clientId: string
  readonly subject: string
  readonly expiresAt: EpochSeconds
  /** Also when the token is not there any more. */
  readonly isTokenRevoked: boolean
  /**
   * What the token says: one object for all entries of an answer whose rows have it in the same words. Undefined when
   * only the token would know, because a version before migration 19 wrote the entry, and it is not there any more.
   */
  readonly said: SaidRights | undefined
  /** Undefined: no user stands behind the token. */
  readonly grant:
    | {
        readonly id: string
        readonly isLive: boolean
        readonly clientId: string | undefined
        readonly isUserActive: boolean
      }
    | undefined
}

/** With the last signature counter or time step, and when it was last used. */
export type FoundAuthenticator = AuthenticatorRecord & {
  readonly counter: number
  readonly usedAt: EpochSeconds | undefined
}
/** A request for approval, and what became of it. */
export type FoundApproval = ApprovalRecord & {
  readonly version: number
  readonly approvedAt: EpochSeconds | undefined
  readonly deniedAt: EpochSeconds | undefined
  readonly spentAt: EpochSeconds | undefined
}
export type FoundDeviceCode = Found<DeviceCodeRecord> & Polled
export type FoundBackchannelRequest = Found<BackchannelRequestRecord> & Polled
/** An initial access token, and how often it can still be used. */
export type FoundInitialAccessToken = InitialAccessTokenRecord & {
  readonly usesLeft: number
  readonly revokedAt: EpochSeconds | undefined
}

/** What a node must read to follow the revision it serves. */
export interface ChangedDocuments {
  /** The revision the answer is about. */
  readonly revision: number
  /** How many documents there are: fewer than were known and added means that some were deleted. */
  readonly total: number
  readonly documents: readonly DocumentRecord[]
}

/**
 * The only authority for one-time artefacts, grants, sessions and audit.
 * Every method throws `Fault` (`store.unavailable`, `store.deadline`, `store.full`, `store.corrupt`) when the
 * world broke; an unknown commit outcome is thrown, never reported as success.
 */
export interface Store {
  /** All or nothing, durable before it resolves. */
  readonly commit: (writes: readonly Write[]) => Promise<CommitResult>

  readonly findPushedRequest: (hash: HandleHash) => Promise<Found<PushedRequestRecord> | undefined>
  /** `spentAt` is when it was finished. */
  readonly findInteraction: (hash: HandleHash) => Promise<Found<InteractionRecord> | undefined>
  readonly findSession: (hash: HandleHash) => Promise<Found<SessionRecord> | undefined>
  /** Sessions of a user that were neither ended nor reached their absolute end, the oldest first, at most `limit`. */
  readonly listSessions: (
    issuer: string,
    subject: string,
    now: EpochSeconds,
    limit: number,
  ) => Promise<readonly Found<SessionRecord>[]>
  readonly findAuthenticator: (id: HandleHash) => Promise<FoundAuthenticator | undefined>
  /** Those of a user, by id; at most 100. */
  readonly listAuthenticators: (issuer: string, subject: string) => Promise<readonly FoundAuthenticator[]>
  /** Clients that took part in a session, by id; also those of rows past their end. */
  readonly listParticipants: (sid: string) => Promise<readonly string[]>
  /** Due and not expired at `now`, the longest due first, at most `limit`. */
  readonly listDueLogoutNotices: (
    issuer: string,
    now: EpochSeconds,
    limit: number,
  ) => Promise<readonly LogoutNoticeRecord[]>
  readonly findGrant: (id: string) => Promise<Found<GrantRecord> | undefined>
  /** Those of a user that are neither revoked nor expired, the newest first, older than `before`, at most `limit`. */
  readonly listGrants: (
    issuer: string,
    subject: string,
    now: EpochSeconds,
    before: string | undefined,
    limit: number,
  ) => Promise<readonly Found<GrantRecord>[]>
  /** The one record of a managed grant that is not revoked, by the id its client knows. */
  readonly findManagedGrant: (managedId: string) => Promise<Found<GrantRecord> | undefined>
  readonly findCode: (hash: HandleHash) => Promise<Found<CodeRecord> | undefined>
  readonly findDeviceCode: (hash: HandleHash) => Promise<FoundDeviceCode | undefined>
  readonly findDeviceCodeByUserCode: (hash: HandleHash) => Promise<FoundDeviceCode | undefined>
  readonly findBackchannelRequest: (hash: HandleHash) => Promise<FoundBackchannelRequest | undefined>
  /** Those a user has not answered and may answer at `now`, the oldest first, at most `limit`. */
  readonly listWaitingBackchannelRequests: (
    issuer: string,
    subject: string,
    now: EpochSeconds,
    limit: number,
  ) => Promise<readonly FoundBackchannelRequest[]>
  /** Who has the place at `now`. */
  readonly findPrompt: (key: HandleHash, now: EpochSeconds) => Promise<HandleHash | undefined>
  /** Due and not expired at `now`, the longest due first, at most `limit`. */
  readonly listDuePings: (issuer: string, now: EpochSeconds, limit: number) => Promise<readonly PingRecord[]>
  readonly findAccessToken: (hash: HandleHash) => Promise<Found<AccessTokenRecord> | undefined>
  /**
   * Entries of a list of the issuer, also of tokens that expired a short while ago, in an order of the store: those that
   * follow on the one at index `after`, or the first ones, at most `limit`. None at all: no such list.
   */
  readonly listStatuses: (
    issuer: string,
    list: string,
    now: EpochSeconds,
    after: number | undefined,
    limit: number,
  ) => Promise<readonly StatusStanding[]>
  /** `spentAt` is when it was rotated; `retiredAt` when migration retired it. */
  readonly findRefreshToken: (
    hash: HandleHash,
  ) => Promise<(Found<RefreshTokenRecord> & { readonly retiredAt: EpochSeconds | undefined }) | undefined>
  readonly findUserByUsername: (issuer: string, username: string) => Promise<UserRecord | undefined>
  readonly findUserBySubject: (issuer: string, subject: string) => Promise<UserRecord | undefined>
  readonly listUsers: (issuer: string) => Promise<readonly UserRecord[]>
  /** Failures counted for `key` inside its window that is still open at `now`. */
  readonly findFailures: (
    key: HandleHash,
    now: EpochSeconds,
  ) => Promise<{ readonly count: number; readonly lastAt: EpochSeconds } | undefined>

  readonly findInitialAccessToken: (hash: HandleHash) => Promise<FoundInitialAccessToken | undefined>
  /** Of an issuer, the oldest first; also those used up, until they expire. */
  readonly listInitialAccessTokens: (issuer: string) => Promise<readonly FoundInitialAccessToken[]>
  /** Hash of the token that manages a client. */
  readonly findRegistration: (issuer: string, clientId: string) => Promise<HandleHash | undefined>

  readonly findApproval: (key: HandleHash) => Promise<FoundApproval | undefined>
  /** Those that a group, or undefined for any, can answer at `now`, the longest waiting first, at most `limit`. */
  readonly listWaitingApprovals: (
    issuer: string,
    group: string | undefined,
    now: EpochSeconds,
    limit: number,
  ) => Promise<readonly FoundApproval[]>
  /** As it was remembered, also past its end. */
  readonly findConsent: (key: HandleHash) => Promise<RememberedConsentRecord | undefined>
  /** Those of a user that have not ended, at most `limit`. */
  readonly listConsents: (
    issuer: string,
    subject: string,
    now: EpochSeconds,
    limit: number,
  ) => Promise<readonly RememberedConsentRecord[]>

  readonly listDocuments: () => Promise<readonly DocumentRecord[]>
  /** Written after `revision`; undefined when none was, which is what a mere deletion looks like too. */
  readonly listDocumentsSince: (revision: number) => Promise<ChangedDocuments | undefined>
  readonly revision: () => Promise<number>
  /**
   * Tells that the revision may have risen, by this node or another; ask `revision` which it is now. May tell too
   * often, and tells again after a lost connection. @returns ends the telling
   */
  readonly onRevision: (told: () => void) => () => void
  /** What ended after `after`, in the order in which it became visible, at most `limit`. Nothing comes late. */
  readonly listRevocations: (after: number, limit: number) => Promise<readonly RevocationEvent[]>
  /** Grants that ended with a session, by their ids from `after` (exclusive; '' for the first), at most `limit`. */
  readonly listGrantsEndedWithSession: (
    sid: string,
    after: string,
    limit: number,
  ) => Promise<readonly GrantRecord[]>
  /** Tells that something may have ended, as `onRevision` tells of the revision. @returns ends the telling */
  readonly onRevocation: (told: () => void) => () => void
  readonly listKeys: (issuer: string) => Promise<readonly KeyRecord[]>
  /** Verifiers of an issuer, or of one client, that are live at `now`, by client and instance, at most `limit`. */
  readonly listVerifiers: (
    of: { readonly issuer: string; readonly clientId?: string },
    now: EpochSeconds,
    limit: number,
  ) => Promise<readonly VerifierRecord[]>

  /** What was seen of a user or a client and is remembered at `now`, by what it is, at most `limit`. */
  readonly listSightings: (
    issuer: string,
    owner: string,
    now: EpochSeconds,
    limit: number,
  ) => Promise<readonly FoundSighting[]>

  /** By reference id (request id) or transaction id, oldest first, at most `limit`. */
  readonly findAudit: (id: string, limit: number) => Promise<readonly ChainedAuditRecord[]>
  /** A chain in order from `after` (exclusive), at most `limit`: for verification and export. */
  readonly readAuditChain: (
    chain: string,
    after: number,
    limit: number,
  ) => Promise<readonly ChainedAuditRecord[]>
  readonly listAuditChains: () => Promise<readonly string[]>

  /** Removes rows whose last use has passed, at most `limit` per table. @returns rows removed */
  readonly expire: (now: EpochSeconds, limit: number) => Promise<number>
  /** When this store began: proofs and assertions signed before it are refused after loss or restore (I6). */
  readonly epoch: () => EpochSeconds
  readonly close: () => Promise<void>
}
