import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import type { RevokedWhat } from './announcements.ts'
import type { RememberedConsentRecord } from './approval-records.ts'
import { groupPattern } from './approval-steps.ts'
import { type IssuerRevocation, issuerKey, neverEnded } from './issuer-revocations.ts'
import { verifierRange } from './key-steps.ts'
import { participantRange } from './logout-steps.ts'
import { ownerKey } from './owners.ts'
import type {
  ChainedAuditRecord,
  GrantRecord,
  InitialAccessTokenRecord,
  LogoutNoticeRecord,
  PingRecord,
  SessionRecord,
  UserRecord,
  VerifierRecord,
} from './records.ts'
import { sightingOf, sightingRange } from './sighting-steps.ts'
import { registrationKey, type SqlValue, type StatementName } from './statements.ts'
import { statusRange, statusStandingsOf } from './status-entries.ts'
import type {
  Found,
  FoundApproval,
  FoundAuthenticator,
  FoundBackchannelRequest,
  FoundDeviceCode,
  FoundInitialAccessToken,
  Store,
} from './store.ts'
import type { DocumentRecord, KeyRecord } from './writes.ts'

/** A row as either engine gives it. */
export type Row = Readonly<Record<string, unknown>>

/** Asks one of the fixed questions. @throws Fault */
export type Ask = (name: StatementName, values: readonly SqlValue[]) => Promise<readonly Row[]>

export type Finders = Omit<Store, 'commit' | 'expire' | 'epoch' | 'onRevision' | 'onRevocation' | 'close'>

/** Ids are of letters, digits, `-` and `_`. */
const afterEveryId = '~'

interface OfIssuer {
  readonly issuer: string
}

/** Each issuer has an entry of its own, and a store has few. */
const endingsMax = 1000

/** When the issuers of older rows ended everything. What was so up to a number stays so: it is asked once for each. */
class IssuerEndings {
  readonly #ask: Ask
  readonly #known = new Map<string, IssuerRevocation & { readonly asOf: number }>()

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** @param last the last number given when the row was read */
  known(issuer: string, last: number): IssuerRevocation | undefined {
    const known = this.#known.get(issuer)
    return known !== undefined && known.asOf >= last ? known : undefined
  }

  async ask(issuer: string, last: number): Promise<IssuerRevocation> {
    const [row] = await this.#ask('find-issuer-revocation', [issuerKey(issuer)])
    const found =
      row === undefined
        ? neverEnded
        : { sequence: numberOf(row, 'sequence'), at: numberOf(row, 'at') as EpochSeconds }
    if (this.#known.size >= endingsMax) this.#known.clear()
    this.#known.set(issuer, { ...found, asOf: last })
    return found
  }
}

function endedBy<T extends Found<OfIssuer>>(record: T, born: number, { sequence, at }: IssuerRevocation): T {
  return born >= sequence ? record : { ...record, revokedAt: record.revokedAt ?? at }
}

type DecidedDeviceCode = Omit<FoundDeviceCode, 'spentAt' | 'revokedAt'>
type DecidedBackchannelRequest = Omit<FoundBackchannelRequest, 'spentAt' | 'revokedAt'>

/** Every read of the store, over the one thing a driver must offer. */
export function findersOver(ask: Ask): Finders {
  // No `await` in between: every layer of it would cost each request a promise and a turn of the microtask queue.
  const one = <T>(
    name: StatementName,
    values: readonly SqlValue[],
    read: (row: Row) => T,
  ): Promise<T | undefined> => ask(name, values).then(([row]) => row && read(row))
  const found =
    <T>(name: StatementName) =>
    (key: string): Promise<Found<T> | undefined> =>
      ask(name, [key]).then(([row]) => row && standing(foundOf<T & OfIssuer>(row), row))
  const endings = new IssuerEndings(ask)
  /** Revoked, when its issuer ended everything after the row was written. */
  const standing = <T extends Found<OfIssuer>>(record: T, row: Row): T | Promise<T> => {
    if (!('born' in row) || row.last_ended === null) return record
    const born = numberOf(row, 'born')
    const last = numberOf(row, 'last_ended')
    if (born >= last) return record
    const ended = endings.known(record.issuer, last)
    return ended === undefined
      ? endings.ask(record.issuer, last).then(found => endedBy(record, born, found))
      : endedBy(record, born, ended)
  }

  return {
    findPushedRequest: found('find-pushed-request'),
    findInteraction: found('find-interaction'),
    findSession: found('find-session'),
    listSessions: async (issuer, subject, now, limit) =>
      (await ask('list-sessions', [ownerKey(issuer, subject), now, limit, issuerKey(issuer)])).map(
        foundOf<SessionRecord>,
      ),
    findAuthenticator: id => one('find-authenticator', [id], authenticatorOf),
    listAuthenticators: async (issuer, subject) =>
      (await ask('list-authenticators', [ownerKey(issuer, subject)])).map(authenticatorOf),
    listParticipants: async sid =>
      (await ask('list-participants', participantRange(sid))).map(row => textOf(row, 'client_id')),
    listDueLogoutNotices: async (issuer, now, limit) =>
      (await ask('list-due-logout-notices', [issuer, now, limit])).map(noticeOf<LogoutNoticeRecord>),
    findGrant: found('find-grant'),
    listGrants: async (issuer, subject, now, before = afterEveryId, limit) =>
      (await ask('list-grants', [ownerKey(issuer, subject), now, before, limit, issuerKey(issuer)])).map(
        foundOf<GrantRecord>,
      ),
    findManagedGrant: found('find-managed-grant'),
    findCode: found('find-code'),
    findDeviceCode: found<DecidedDeviceCode>('find-device-code'),
    findDeviceCodeByUserCode: found<DecidedDeviceCode>('find-device-code-by-user-code'),
    findBackchannelRequest: found<DecidedBackchannelRequest>('find-backchannel-request'),
    listWaitingBackchannelRequests: async (issuer, subject, now, limit) =>
      (await ask('list-waiting-backchannel-requests', [issuer, subject, now, limit, issuerKey(issuer)])).map(
        foundOf<DecidedBackchannelRequest>,
      ),
    findPrompt: (key, now) => one('find-prompt', [key, now], row => textOf(row, 'holder') as HandleHash),
    listDuePings: async (issuer, now, limit) =>
      (await ask('list-due-pings', [issuer, now, limit])).map(noticeOf<PingRecord>),
    findAccessToken: found('find-access-token'),
    listStatuses: async (issuer, list, now, after, limit) =>
      statusStandingsOf(
        await ask('list-statuses', [...statusRange(list, after), issuer, now, issuerKey(issuer), limit]),
      ),
    findRefreshToken: found('find-refresh-token'),
    findUserByUsername: (issuer, username) =>
      one('find-user-by-username', [issuer, username], bodyOf<UserRecord>),
    findUserBySubject: (issuer, subject) =>
      one('find-user-by-subject', [issuer, subject], bodyOf<UserRecord>),
    listUsers: async issuer => (await ask('list-users', [issuer])).map(row => bodyOf<UserRecord>(row)),
    findFailures: (key, now) =>
      one('find-failures', [key, now], row => ({
        count: numberOf(row, 'count'),
        lastAt: numberOf(row, 'last_at') as EpochSeconds,
      })),
    findInitialAccessToken: hash => one('find-initial-access-token', [hash], initialAccessTokenOf),
    listInitialAccessTokens: async issuer =>
      (await ask('list-initial-access-tokens', [issuer])).map(initialAccessTokenOf),
    findRegistration: (issuer, clientId) =>
      one(
        'find-registration',
        [registrationKey(issuer, clientId)],
        row => textOf(row, 'token_hash') as HandleHash,
      ),
    findApproval: key => one('find-approval', [key], approvalOf),
    listWaitingApprovals: async (issuer, group, now, limit) => {
      const pattern = group === undefined ? '%' : groupPattern(group)
      return (await ask('list-waiting-approvals', [issuer, now, pattern, limit])).map(approvalOf)
    },
    findConsent: key => one('find-consent', [key], bodyOf<RememberedConsentRecord>),
    listConsents: async (issuer, subject, now, limit) =>
      (await ask('list-consents', [ownerKey(issuer, subject), now, limit])).map(row =>
        bodyOf<RememberedConsentRecord>(row),
      ),
    listDocuments: async () => (await ask('list-documents', [])).map(documentOf),
    listDocumentsSince: async after => {
      const rows = await ask('list-documents-since', [after])
      const [first] = rows
      if (first === undefined) return undefined
      const [revision, total] = [numberOf(first, 'current'), numberOf(first, 'total')]
      return { revision, total, documents: rows.map(documentOf) }
    },
    revision: async () => (await one('revision', [], row => numberOf(row, 'number'))) ?? 0,
    listRevocations: async (after, limit) =>
      (await ask('list-revocations', [after, limit])).map(row => ({
        sequence: numberOf(row, 'sequence'),
        what: textOf(row, 'what') as RevokedWhat,
        key: textOf(row, 'key'),
        at: numberOf(row, 'at') as EpochSeconds,
        committedMs: numberOf(row, 'committed_ms'),
        body: row.body === null ? undefined : textOf(row, 'body'),
      })),
    listGrantsEndedWithSession: async (sid, after, limit) =>
      (await ask('list-grants-ended-with-session', [sid, after, limit])).map(row => bodyOf<GrantRecord>(row)),
    listKeys: async issuer => (await ask('list-keys', [issuer])).map(keyOf),
    listVerifiers: async ({ issuer, clientId }, now, limit) =>
      (await ask('list-verifiers', [...verifierRange(issuer, clientId), now, limit])).map(row =>
        bodyOf<VerifierRecord>(row),
      ),
    listSightings: async (issuer, owner, now, limit) =>
      (await ask('list-sightings', [...sightingRange(issuer, owner), now, limit])).map(sightingOf),
    findAudit: async (id, limit) => (await ask('find-audit', [id, limit])).map(auditOf),
    readAuditChain: async (chain, after, limit) =>
      (await ask('read-audit-chain', [chain, after, limit])).map(auditOf),
    listAuditChains: async () => (await ask('list-audit-chains', [])).map(row => textOf(row, 'chain')),
  }
}

// Only this program writes bodies, and the chain and the key are checked elsewhere: the parse is not a border.
function bodyOf<T>(row: Row): T {
  return JSON.parse(textOf(row, 'body')) as T
}

/** The body, with what has changed since laid over it. */
function foundOf<T>(row: Row): Found<T> {
  const record = bodyOf<Record<string, unknown>>(row)
  record.spentAt = row.spent_at ?? undefined
  record.revokedAt = row.revoked_at ?? undefined
  if ('version' in row) record.version = row.version
  if ('idle_expires_at' in row) record.idleExpiresAt = row.idle_expires_at
  if ('interval_seconds' in row) {
    record.intervalSeconds = row.interval_seconds
    record.binding = row.binding ?? undefined
    record.polledAt = row.polled_at ?? undefined
    record.grantId = row.grant_id ?? undefined
    record.deniedAt = row.denied_at ?? undefined
  }
  if ('retired_at' in row) record.retiredAt = row.retired_at ?? undefined
  return record as Found<T>
}

function documentOf(row: Row): DocumentRecord {
  return {
    documentKind: textOf(row, 'document_kind'),
    issuer: textOf(row, 'issuer'),
    name: textOf(row, 'name'),
    body: textOf(row, 'body'),
  }
}

function initialAccessTokenOf(row: Row): FoundInitialAccessToken {
  return {
    ...bodyOf<InitialAccessTokenRecord>(row),
    usesLeft: numberOf(row, 'uses'),
    revokedAt: row.revoked_at == null ? undefined : (numberOf(row, 'revoked_at') as EpochSeconds),
  }
}

function noticeOf<T extends LogoutNoticeRecord | PingRecord>(row: Row): T {
  return {
    ...bodyOf<T>(row),
    version: numberOf(row, 'version'),
    failures: numberOf(row, 'failures'),
    dueAt: numberOf(row, 'due_at') as EpochSeconds,
  }
}

function approvalOf(row: Row): FoundApproval {
  return {
    ...bodyOf<FoundApproval>(row),
    version: numberOf(row, 'version'),
    approvedAt: timeOf(row, 'approved_at'),
    deniedAt: timeOf(row, 'denied_at'),
    spentAt: timeOf(row, 'spent_at'),
    expiresAt: numberOf(row, 'expires_at') as EpochSeconds,
  }
}

function authenticatorOf(row: Row): FoundAuthenticator {
  const usedAt = row.used_at === null ? undefined : (numberOf(row, 'used_at') as EpochSeconds)
  return { ...bodyOf<FoundAuthenticator>(row), counter: numberOf(row, 'counter'), usedAt }
}

function keyOf(row: Row): KeyRecord {
  return {
    issuer: textOf(row, 'issuer'),
    id: textOf(row, 'id'),
    use: textOf(row, 'use') as KeyRecord['use'],
    alg: textOf(row, 'alg'),
    sealed: Buffer.from(row.sealed as Uint8Array),
    createdAt: numberOf(row, 'created_at') as EpochSeconds,
    activeAt: numberOf(row, 'active_at') as EpochSeconds,
    removedAt: timeOf(row, 'removed_at'),
    revokedAt: timeOf(row, 'revoked_at'),
    withdrawnAt: timeOf(row, 'withdrawn_at'),
  }
}

function auditOf(row: Row): ChainedAuditRecord {
  return {
    ...bodyOf<Omit<ChainedAuditRecord, 'chain' | 'sequence' | 'previousHash' | 'hash'>>(row),
    chain: textOf(row, 'chain'),
    sequence: numberOf(row, 'sequence'),
    previousHash: textOf(row, 'previous_hash'),
    hash: textOf(row, 'hash'),
  }
}

function timeOf(row: Row, column: string): EpochSeconds | undefined {
  return row[column] === null ? undefined : (numberOf(row, column) as EpochSeconds)
}

function textOf(row: Row, column: string): string {
  return String(row[column])
}

function numberOf(row: Row, column: string): number {
  return Number(row[column])
}
