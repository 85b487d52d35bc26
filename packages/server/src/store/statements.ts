import { announcementStatements } from './announcement-statements.ts'
import { approvalGuards, approvalStatements, approvalStepOf } from './approval-steps.ts'
import { backchannelStepOf } from './backchannel-steps.ts'
import {
  bornAfterEnd,
  issuerRevocationStatements,
  issuerRevocationStepOf,
  lastNumber,
  notEndedWithIssuer,
  numberNow,
} from './issuer-revocations.ts'
import { keyGuards, keyStatements, keyStepOf } from './key-steps.ts'
import { logoutStepOf } from './logout-steps.ts'
import { outboxStepOf } from './outbox-steps.ts'
import { ofOwnerStepOf, ownedStepOf } from './owners.ts'
import { sightingStatements, sightingStepOf } from './sighting-steps.ts'
import { statusStatements, statusStepOf } from './status-entries.ts'
import { userGuards, userStatements, userStepOf } from './user-steps.ts'
import type { CommitResult, GuardKind, Write } from './writes.ts'

/**
 * Every SQL text of the data plane, one for both engines. Parameters are numbered `$1…`; values that must never
 * be text of a statement never are.
 */
export const statements = {
  'insert-pushed-request': `insert into pushed_requests (hash, body, expires_at, born)
    values ($1, $2, $3, ${numberNow})`,
  'spend-pushed-request':
    'update pushed_requests set spent_at = $2 where hash = $1 and spent_at is null and expires_at > $2',
  'insert-interaction': `insert into interactions (hash, body, expires_at, version, born)
    values ($1, $2, $3, $4, ${numberNow})`,
  'advance-interaction': `update interactions set body = $2, expires_at = $3, version = version + 1
    where hash = $1 and version = $4 and spent_at is null and expires_at > $5`,
  'finish-interaction': `update interactions set spent_at = $2
    where hash = $1 and version = $3 and spent_at is null and expires_at > $2`,
  'insert-session': `insert into sessions (hash, body, expires_at, idle_expires_at, subject_key, born)
    values ($1, $2, $3, $4, $5, ${numberNow})`,
  'touch-session': `update sessions set idle_expires_at = $2
    where hash = $1 and revoked_at is null and ${notEndedWithIssuer('sessions')}`,
  'revoke-session': 'update sessions set revoked_at = $2 where hash = $1 and revoked_at is null',
  'end-session': `update sessions set revoked_at = $2
    where hash = $1 and revoked_at is null and ${notEndedWithIssuer('sessions')}`,
  'join-session': `insert into participants (key, client_id, expires_at) values ($1, $2, $3)
    on conflict (key) do update set expires_at = excluded.expires_at`,
  'revoke-grants-of-session': 'update grants set revoked_at = $2 where sid = $1 and revoked_at is null',
  'insert-logout-notice': `insert into logout_notices (id, issuer, body, version, failures, due_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7)`,
  'claim-logout-notice': `update logout_notices set version = version + 1, due_at = $4
    where id = $1 and version = $2 and due_at <= $3 and expires_at > $3`,
  'postpone-logout-notice': `update logout_notices set failures = failures + 1, version = version + 1, due_at = $3
    where id = $1 and version = $2`,
  'finish-logout-notice': 'delete from logout_notices where id = $1 and version = $2',
  'insert-grant': `insert into grants (hash, body, expires_at, sid, subject_key, client_key, managed_id, born)
    values ($1, $2, $3, $4, $5, $6, $7, ${numberNow})`,
  'require-live-grant': `select true as found from grants
    where hash = $1 and revoked_at is null and expires_at > $2 and ${notEndedWithIssuer('grants')}`,
  'revoke-grant': 'update grants set revoked_at = $2 where hash = $1 and revoked_at is null',
  'end-grant': `update grants set revoked_at = $2
    where hash = $1 and revoked_at is null and expires_at > $2 and ${notEndedWithIssuer('grants')}`,
  'revoke-grants-of-subject':
    'update grants set revoked_at = $2 where subject_key = $1 and revoked_at is null',
  'revoke-sessions-of-subject':
    'update sessions set revoked_at = $2 where subject_key = $1 and hash <> $3 and revoked_at is null',
  'revoke-tokens-of-subject':
    'update access_tokens set revoked_at = $2 where subject_key = $1 and revoked_at is null',
  'revoke-grants-of-client': 'update grants set revoked_at = $2 where client_key = $1 and revoked_at is null',
  'revoke-tokens-of-client': `update access_tokens set revoked_at = $2
    where (client_key = $1 or subject_key = $1) and revoked_at is null`,
  // Nothing of its own is written: it is announced.
  'narrow-client': 'select true as found',
  ...issuerRevocationStatements,
  'insert-code': 'insert into codes (hash, body, expires_at) values ($1, $2, $3)',
  'spend-code': 'update codes set spent_at = $2 where hash = $1 and spent_at is null and expires_at > $2',
  'insert-device-code': `insert into device_codes
    (hash, body, expires_at, user_code, binding, interval_seconds, born)
    values ($1, $2, $3, $4, $5, $6, ${numberNow})`,
  'poll-device-code': `update device_codes
    set polled_at = $2, interval_seconds = $3, binding = coalesce(binding, $4) where hash = $1`,
  'approve-device-code': `update device_codes set grant_id = $3
    where hash = $1 and grant_id is null and denied_at is null and expires_at > $2`,
  'deny-device-code': `update device_codes set denied_at = $2
    where hash = $1 and grant_id is null and denied_at is null and expires_at > $2`,
  'spend-device-code': `update device_codes set spent_at = $2
    where hash = $1 and grant_id is not null and spent_at is null and expires_at > $2
    and (binding is null or binding = $3)`,
  'insert-backchannel-request': `insert into backchannel_requests
    (hash, body, expires_at, issuer, subject, binding, interval_seconds, born)
    values ($1, $2, $3, $4, $5, $6, $7, ${numberNow})`,
  'poll-backchannel-request': `update backchannel_requests
    set polled_at = $2, interval_seconds = $3, binding = coalesce(binding, $4) where hash = $1`,
  'approve-backchannel-request': `update backchannel_requests set grant_id = $3
    where hash = $1 and grant_id is null and denied_at is null and expires_at > $2`,
  'deny-backchannel-request': `update backchannel_requests set denied_at = $2
    where hash = $1 and grant_id is null and denied_at is null and expires_at > $2`,
  'spend-backchannel-request': `update backchannel_requests set spent_at = $2
    where hash = $1 and grant_id is not null and spent_at is null and expires_at > $2
    and (binding is null or binding = $3)`,
  'take-prompt': `insert into prompts (key, holder, expires_at) values ($1, $2, $3)
    on conflict (key) do update set holder = excluded.holder, expires_at = excluded.expires_at
    where prompts.expires_at <= $4`,
  'free-prompt': 'delete from prompts where key = $1 and holder = $2',
  'insert-ping': `insert into pings (id, issuer, body, version, failures, due_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7)`,
  'claim-ping': `update pings set version = version + 1, due_at = $4
    where id = $1 and version = $2 and due_at <= $3 and expires_at > $3`,
  'postpone-ping': `update pings set failures = failures + 1, version = version + 1, due_at = $3
    where id = $1 and version = $2`,
  'finish-ping': 'delete from pings where id = $1 and version = $2',
  'insert-access-token': `insert into access_tokens (hash, body, expires_at, subject_key, client_key, born)
    values ($1, $2, $3, $4, $5, ${numberNow})`,
  ...statusStatements,
  'revoke-access-token': 'update access_tokens set revoked_at = $2 where hash = $1 and revoked_at is null',
  'insert-refresh-token':
    'insert into refresh_tokens (hash, body, expires_at, idle_expires_at) values ($1, $2, $3, $4)',
  'spend-refresh-token': `update refresh_tokens set spent_at = $2
    where hash = $1 and spent_at is null and revoked_at is null and retired_at is null
    and idle_expires_at > $2 and expires_at > $2`,
  'retire-refresh-token': `update refresh_tokens set retired_at = coalesce(retired_at, $2)
    where hash = $1 and spent_at is null and revoked_at is null
    and idle_expires_at > $2 and expires_at > $2 and (retired_at is null or retired_at > $3)`,
  'use-refresh-token': `update refresh_tokens set idle_expires_at = $3
    where hash = $1 and spent_at is null and revoked_at is null and retired_at is null
    and idle_expires_at > $2 and expires_at > $2`,
  'revoke-refresh-token': 'update refresh_tokens set revoked_at = $2 where hash = $1 and revoked_at is null',
  'remember-jti': 'insert into jtis (key, expires_at) values ($1, $2) on conflict (key) do nothing',
  'count-failure': `insert into failures (key, count, last_at, expires_at) values ($1, 1, $2, $3)
    on conflict (key) do update set
      count = case when failures.expires_at <= excluded.last_at then 1 else failures.count + 1 end,
      expires_at = case when failures.expires_at <= excluded.last_at
        then excluded.expires_at else failures.expires_at end,
      last_at = excluded.last_at`,
  'clear-failures': 'delete from failures where key = $1',
  ...userStatements,
  'put-document': `insert into documents (document_kind, issuer, name, body, revision)
    values ($1, $2, $3, $4, (select number from revisions where id = 1))
    on conflict (document_kind, issuer, name) do update set body = excluded.body, revision = excluded.revision`,
  // As for users: it takes the lock that a change of the document waits for.
  'require-document': `update documents set body = body
    where document_kind = $1 and issuer = $2 and name = $3 and body = $4`,
  'delete-document': 'delete from documents where document_kind = $1 and issuer = $2 and name = $3',
  'insert-initial-access-token': `insert into initial_access_tokens (hash, issuer, body, uses, expires_at)
    values ($1, $2, $3, $4, $5)`,
  'use-initial-access-token': `update initial_access_tokens set uses = uses - 1
    where hash = $1 and uses > 0 and revoked_at is null and expires_at > $2`,
  'revoke-initial-access-token':
    'update initial_access_tokens set revoked_at = $2 where hash = $1 and revoked_at is null',
  'put-registration': `insert into registrations (key, token_hash) values ($1, $2)
    on conflict (key) do update set token_hash = excluded.token_hash`,
  'rotate-registration': 'update registrations set token_hash = $3 where key = $1 and token_hash = $2',
  'end-registration': 'delete from registrations where key = $1 and token_hash = $2',
  'raise-revision': 'update revisions set number = number + 1 where id = 1 and number = $1',
  ...keyStatements,
  ...sightingStatements,
  'append-audit': `insert into audit (chain, sequence, at, request_id, txn, previous_hash, hash, body)
    values ($1, $2, $3, $4, $5, $6, $7, $8)`,

  'begin-chain': 'insert into audit_chains (chain, began_at) values ($1, $2) on conflict (chain) do nothing',
  'chain-head': 'select sequence, hash from audit where chain = $1 order by sequence desc limit 1',

  'find-pushed-request': `select body, spent_at, revoked_at, born, ${lastNumber} from pushed_requests where hash = $1`,
  'find-interaction': `select body, spent_at, revoked_at, version, born, ${lastNumber}
    from interactions where hash = $1`,
  'find-session': `select body, spent_at, revoked_at, idle_expires_at, born, ${lastNumber}
    from sessions where hash = $1`,
  'list-participants': 'select client_id from participants where key > $1 and key < $2 order by key',
  'list-due-logout-notices': `select body, version, failures, due_at from logout_notices
    where issuer = $1 and due_at <= $2 and expires_at > $2 order by due_at, id limit $3`,
  'find-grant': `select body, spent_at, revoked_at, born, ${lastNumber} from grants where hash = $1`,
  'list-grants': `select body, spent_at, revoked_at from grants
    where subject_key = $1 and revoked_at is null and expires_at > $2 and hash < $3
    and ${bornAfterEnd('born', '$5')} order by hash desc limit $4`,
  'find-managed-grant': `select body, spent_at, revoked_at, born, ${lastNumber} from grants
    where managed_id = $1 and revoked_at is null`,
  'find-code': 'select body, spent_at, revoked_at from codes where hash = $1',
  'find-device-code': `select body, spent_at, revoked_at, binding, interval_seconds, polled_at, grant_id, denied_at,
    born, ${lastNumber} from device_codes where hash = $1`,
  'find-device-code-by-user-code': `select body, spent_at, revoked_at, binding, interval_seconds, polled_at,
    grant_id, denied_at, born, ${lastNumber} from device_codes where user_code = $1`,
  'find-backchannel-request': `select body, spent_at, revoked_at, binding, interval_seconds, polled_at,
    grant_id, denied_at, born, ${lastNumber} from backchannel_requests where hash = $1`,
  'list-waiting-backchannel-requests': `select body, spent_at, revoked_at, binding, interval_seconds, polled_at,
    grant_id, denied_at from backchannel_requests
    where issuer = $1 and subject = $2 and grant_id is null and denied_at is null and expires_at > $3
    and ${bornAfterEnd('born', '$5')} order by hash limit $4`,
  'find-prompt': 'select holder from prompts where key = $1 and expires_at > $2',
  'list-due-pings': `select body, version, failures, due_at from pings
    where issuer = $1 and due_at <= $2 and expires_at > $2 order by due_at, id limit $3`,
  'find-access-token': `select body, spent_at, revoked_at, born, ${lastNumber} from access_tokens where hash = $1`,
  'find-refresh-token':
    'select body, spent_at, revoked_at, retired_at, idle_expires_at from refresh_tokens where hash = $1',
  'find-failures': 'select count, last_at from failures where key = $1 and expires_at > $2',
  'list-documents':
    'select document_kind, issuer, name, body from documents order by document_kind, issuer, name',
  'list-documents-since': `select document_kind, issuer, name, body, (select count(*) from documents) as total,
    (select number from revisions where id = 1) as current
    from documents where revision > $1 order by document_kind, issuer, name`,
  'find-initial-access-token': 'select body, uses, revoked_at from initial_access_tokens where hash = $1',
  'list-initial-access-tokens':
    'select body, uses, revoked_at from initial_access_tokens where issuer = $1 order by hash',
  'find-registration': 'select token_hash from registrations where key = $1',
  revision: 'select number from revisions where id = 1',
  ...approvalStatements,
  ...announcementStatements,
} as const satisfies Record<string, string>

export type StatementName = keyof typeof statements
export type SqlValue = string | number | null | Uint8Array

/** One statement with its values; how many rows it touched (or, for a question, returned) decides a guard. */
export interface Step {
  readonly name: StatementName
  readonly values: readonly SqlValue[]
}

const guards: Readonly<Record<GuardKind, true>> = {
  ...keyGuards,
  ...approvalGuards,
  'spend-pushed-request': true,
  'advance-interaction': true,
  'finish-interaction': true,
  'touch-session': true,
  'end-session': true,
  ...userGuards,
  'claim-logout-notice': true,
  'postpone-logout-notice': true,
  'finish-logout-notice': true,
  'require-live-grant': true,
  'end-grant': true,
  'spend-code': true,
  'approve-device-code': true,
  'deny-device-code': true,
  'spend-device-code': true,
  'approve-backchannel-request': true,
  'deny-backchannel-request': true,
  'spend-backchannel-request': true,
  'take-prompt': true,
  'claim-ping': true,
  'postpone-ping': true,
  'finish-ping': true,
  'spend-refresh-token': true,
  'retire-refresh-token': true,
  'use-refresh-token': true,
  'remember-jti': true,
  'use-initial-access-token': true,
  'rotate-registration': true,
  'end-registration': true,
  'require-document': true,
  'raise-revision': true,
}

export function isGuard(kind: Write['kind']): kind is GuardKind {
  return kind in guards
}

export function guardFailed(guard: GuardKind, index: number): CommitResult {
  return { committed: false, guard, index }
}

/** The statement of any write but `append-audit`, whose place in the chain only the writer knows. */
export function stepOf(write: Exclude<Write, { kind: 'append-audit' }>): Step {
  switch (write.kind) {
    case 'insert-pushed-request':
    case 'insert-code': {
      const { record } = write
      return { name: write.kind, values: [record.hash, JSON.stringify(record), record.expiresAt] }
    }
    case 'insert-session':
    case 'insert-grant':
    case 'insert-access-token':
      return ownedStepOf(write)
    case 'insert-status-entry':
      return statusStepOf(write)
    case 'insert-key':
    case 'end-key':
    case 'retime-key':
    case 'withdraw-key':
    case 'revoke-key':
    case 'delete-key':
    case 'put-verifier':
      return keyStepOf(write)
    case 'remember-sighting':
    case 'forget-sighting':
    case 'forget-sightings':
      return sightingStepOf(write)
    case 'insert-interaction': {
      const { record } = write
      return {
        name: write.kind,
        values: [record.hash, JSON.stringify(record), record.expiresAt, record.version],
      }
    }
    case 'advance-interaction': {
      const { record, at } = write
      return {
        name: write.kind,
        values: [record.hash, JSON.stringify(record), record.expiresAt, record.version, at],
      }
    }
    case 'insert-refresh-token': {
      const { record } = write
      return {
        name: write.kind,
        values: [record.hash, JSON.stringify(record), record.expiresAt, record.idleExpiresAt],
      }
    }
    case 'insert-device-code': {
      const { record } = write
      const { hash, expiresAt, userCodeHash, binding = null, intervalSeconds } = record
      const values = [hash, JSON.stringify(record), expiresAt, userCodeHash, binding, intervalSeconds]
      return { name: write.kind, values }
    }
    case 'poll-device-code':
      return {
        name: write.kind,
        values: [write.hash, write.at, write.intervalSeconds, write.binding ?? null],
      }
    case 'approve-device-code':
      return { name: write.kind, values: [write.hash, write.at, write.grantId] }
    case 'spend-device-code':
      return { name: write.kind, values: [write.hash, write.at, write.binding ?? null] }
    case 'finish-interaction':
      return { name: write.kind, values: [write.hash, write.at, write.version] }
    case 'touch-session':
      return { name: write.kind, values: [write.hash, write.idleExpiresAt] }
    case 'spend-pushed-request':
    case 'spend-code':
    case 'deny-device-code':
    case 'spend-refresh-token':
    case 'revoke-session':
    case 'end-session':
    case 'revoke-access-token':
    case 'revoke-refresh-token':
      return { name: write.kind, values: [write.hash, write.at] }
    case 'require-live-grant':
    case 'end-grant':
    case 'revoke-grant':
      return { name: write.kind, values: [write.id, write.at] }
    case 'retire-refresh-token':
      return { name: write.kind, values: [write.hash, write.at, write.at - write.graceSeconds] }
    case 'use-refresh-token':
      return { name: write.kind, values: [write.hash, write.at, write.idleExpiresAt] }
    case 'revoke-grants-of-subject':
    case 'revoke-sessions-of-subject':
    case 'revoke-tokens-of-subject':
    case 'revoke-grants-of-client':
    case 'revoke-tokens-of-client':
      return ofOwnerStepOf(write)
    case 'narrow-client':
      return { name: write.kind, values: [] }
    case 'revoke-all-of-issuer':
      return issuerRevocationStepOf(write)
    case 'revoke-grants-of-session':
    case 'join-session':
      return logoutStepOf(write)
    case 'put-user':
    case 'insert-user':
    case 'require-user':
    case 'insert-authenticator':
    case 'use-authenticator':
    case 'delete-authenticator':
    case 'delete-authenticators-of-user':
      return userStepOf(write)
    case 'insert-backchannel-request':
    case 'poll-backchannel-request':
    case 'approve-backchannel-request':
    case 'deny-backchannel-request':
    case 'spend-backchannel-request':
    case 'take-prompt':
    case 'free-prompt':
      return backchannelStepOf(write)
    case 'ask-approval':
    case 'give-approval':
    case 'deny-approval':
    case 'spend-approval':
    case 'require-approval':
    case 'forget-approvals-of-subject':
    case 'forget-approvals-of-client':
    case 'remember-consent':
    case 'require-consent':
    case 'forget-consent':
    case 'forget-consents-of-subject':
    case 'forget-consents-of-client':
      return approvalStepOf(write)
    case 'insert-logout-notice':
    case 'claim-logout-notice':
    case 'postpone-logout-notice':
    case 'finish-logout-notice':
    case 'insert-ping':
    case 'claim-ping':
    case 'postpone-ping':
    case 'finish-ping':
      return outboxStepOf(write)
    case 'insert-initial-access-token':
    case 'use-initial-access-token':
    case 'revoke-initial-access-token':
    case 'put-registration':
    case 'rotate-registration':
    case 'end-registration':
      return registrationStepOf(write)
    default:
      return housekeepingStepOf(write)
  }
}

type OfRegistration = Extract<
  Write,
  {
    kind:
      | 'insert-initial-access-token'
      | 'use-initial-access-token'
      | 'revoke-initial-access-token'
      | 'put-registration'
      | 'rotate-registration'
      | 'end-registration'
  }
>

function registrationStepOf(write: OfRegistration): Step {
  switch (write.kind) {
    case 'insert-initial-access-token': {
      const { record } = write
      const { hash, issuer, uses, expiresAt } = record
      return { name: write.kind, values: [hash, issuer, JSON.stringify(record), uses, expiresAt] }
    }
    case 'use-initial-access-token':
    case 'revoke-initial-access-token':
      return { name: write.kind, values: [write.hash, write.at] }
    case 'put-registration':
    case 'end-registration':
      return { name: write.kind, values: [registrationKey(write.issuer, write.clientId), write.tokenHash] }
    case 'rotate-registration':
      return {
        name: write.kind,
        values: [registrationKey(write.issuer, write.clientId), write.from, write.to],
      }
    default:
      return write satisfies never
  }
}

/** Neither an issuer nor the id of a client holds a line feed. */
export function registrationKey(issuer: string, clientId: string): string {
  return `${issuer}\n${clientId}`
}

type Housekeeping = Extract<
  Write,
  {
    kind:
      | 'remember-jti'
      | 'count-failure'
      | 'clear-failures'
      | 'delete-user'
      | 'put-document'
      | 'require-document'
      | 'delete-document'
      | 'raise-revision'
  }
>

function housekeepingStepOf(write: Housekeeping): Step {
  switch (write.kind) {
    case 'remember-jti':
      return { name: write.kind, values: [write.key, write.expiresAt] }
    case 'count-failure':
      return { name: write.kind, values: [write.key, write.at, write.at + write.windowSeconds] }
    case 'clear-failures':
      return { name: write.kind, values: [write.key] }
    case 'delete-user':
      return { name: write.kind, values: [write.issuer, write.subject] }
    case 'put-document':
    case 'require-document': {
      const { documentKind, issuer, name, body } = write.document
      return { name: write.kind, values: [documentKind, issuer, name, body] }
    }
    case 'delete-document':
      return { name: write.kind, values: [write.documentKind, write.issuer, write.name] }
    case 'raise-revision':
      return { name: write.kind, values: [write.from] }
    default:
      return write satisfies never
  }
}
