import type { ApprovalContent, ApprovalRecord } from './approval-records.ts'
import { notEndedWithIssuerOf, numberNow } from './issuer-revocations.ts'
import { ownerKey } from './owners.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

const stillAsked = notEndedWithIssuerOf('approvals.asker', 'approvals.born')
const stillRemembered = notEndedWithIssuerOf('remembered_consents.subject_key', 'remembered_consents.born')

/** Approvals of others, and what users need not be asked again. What was there when its issuer's access ended is not. */
export const approvalStatements = {
  // One row for one content: what was denied keeps its place until its time is over, what was spent gives it up.
  'ask-approval': `insert into approvals (key, issuer, asker, asked_of, body, version, expires_at, born)
    select $1, $2, $3, $4, $5, 0, $6, ${numberNow}
    where (select count(*) from approvals where asker = $3 and key <> $1
      and approved_at is null and denied_at is null and expires_at > $7 and ${stillAsked}) < $8
    on conflict (key) do update set asker = excluded.asker, asked_of = excluded.asked_of, body = excluded.body,
      version = approvals.version + 1, approved_at = null, denied_at = null, spent_at = null,
      expires_at = excluded.expires_at, born = excluded.born
    where approvals.expires_at <= $7 or approvals.spent_at is not null or not (${stillAsked})`,
  'give-approval': `update approvals set body = $2, expires_at = $3, approved_at = $4, version = version + 1
    where key = $1 and version = $5 and approved_at is null and denied_at is null and expires_at > $6
      and ${stillAsked}`,
  'deny-approval': `update approvals set denied_at = $2, expires_at = $3, version = version + 1
    where key = $1 and denied_at is null and spent_at is null and expires_at > $2`,
  'spend-approval': `update approvals set spent_at = $2 where key = $1
    and approved_at is not null and denied_at is null and spent_at is null and expires_at > $2 and ${stillAsked}`,
  // An update and not a question, like that of users: it takes the lock that a change waits for, on either engine.
  'require-approval': `update approvals set version = version where key = $1
    and approved_at is not null and denied_at is null and spent_at is null and expires_at > $2 and ${stillAsked}`,
  'find-approval': `select body, version, approved_at, denied_at, spent_at, expires_at from approvals
    where key = $1 and ${stillAsked}`,
  // The first of each who asks, then the second of each: nobody hides the requests of others behind their own.
  'list-waiting-approvals': `select body, version, approved_at, denied_at, spent_at, expires_at from (
      select approvals.*, row_number() over (partition by asker order by expires_at, key) as turn from approvals
      where issuer = $1 and expires_at > $2 and approved_at is null and denied_at is null
      and asked_of like $3 escape '!' and ${stillAsked}) as waiting
    order by turn, expires_at, key limit $4`,
  // What was denied stays denied for its time: to be cut off must not be a way to ask again.
  'forget-approvals-of-subject': `delete from approvals where issuer = $1 and denied_at is null
    and substr(asker, length(asker) - length(cast($2 as text)) + 1) = cast($2 as text)`,
  'forget-approvals-of-client': `delete from approvals where issuer = $1 and denied_at is null
    and substr(asker, 1, length(cast($2 as text))) = cast($2 as text)`,
  'remember-consent': `insert into remembered_consents (key, grant_id, subject_key, client_key, body, expires_at,
      born) values ($1, $2, $3, $4, $5, $6, ${numberNow})
    on conflict (key) do update set grant_id = excluded.grant_id, body = excluded.body,
      expires_at = excluded.expires_at, born = excluded.born`,
  'require-consent': `update remembered_consents set grant_id = grant_id
    where key = $1 and grant_id = $2 and expires_at > $3 and ${stillRemembered}`,
  'forget-consent': 'delete from remembered_consents where key = $1',
  'forget-consents-of-subject': 'delete from remembered_consents where subject_key = $1',
  'forget-consents-of-client': 'delete from remembered_consents where client_key = $1',
  'find-consent': `select body from remembered_consents where key = $1 and ${stillRemembered}`,
  'list-consents': `select body from remembered_consents
    where subject_key = $1 and expires_at > $2 and ${stillRemembered} order by key limit $3`,
} as const

export const approvalGuards = {
  'ask-approval': true,
  'give-approval': true,
  'deny-approval': true,
  'spend-approval': true,
  'require-approval': true,
  'require-consent': true,
} as const

type OfApproval = Extract<
  Write,
  {
    kind:
      | keyof typeof approvalGuards
      | 'forget-approvals-of-subject'
      | 'forget-approvals-of-client'
      | 'remember-consent'
      | 'forget-consent'
      | 'forget-consents-of-subject'
      | 'forget-consents-of-client'
  }
>

export function approvalStepOf(write: OfApproval): Step {
  switch (write.kind) {
    case 'ask-approval': {
      const { record, at, ofAskerMax } = write
      const { key, issuer, content, expiresAt } = record
      const asked = [key, issuer, askerOf(issuer, content), groupsText(content), JSON.stringify(record)]
      return { name: write.kind, values: [...asked, expiresAt, at, ofAskerMax] }
    }
    case 'give-approval': {
      const { record, version, approvedAt, at } = write
      const { key, expiresAt } = record
      const values = [key, JSON.stringify(record), expiresAt, approvedAt ?? null, version, at]
      return { name: write.kind, values }
    }
    case 'deny-approval':
      return { name: write.kind, values: [write.key, write.at, write.until] }
    case 'spend-approval':
    case 'require-approval':
      return { name: write.kind, values: [write.key, write.at] }
    case 'forget-approvals-of-subject':
      return { name: write.kind, values: [write.issuer, `\n${write.subject}`] }
    case 'forget-approvals-of-client':
      return { name: write.kind, values: [write.issuer, `${ownerKey(write.issuer, write.clientId)}\n`] }
    case 'remember-consent': {
      const { record } = write
      const { key, grantId, issuer, subject, clientId, expiresAt } = record
      const owners = [ownerKey(issuer, subject), ownerKey(issuer, clientId)]
      return { name: write.kind, values: [key, grantId, ...owners, JSON.stringify(record), expiresAt] }
    }
    case 'require-consent':
      return { name: write.kind, values: [write.key, write.grantId, write.at] }
    case 'forget-consent':
      return { name: write.kind, values: [write.key] }
    case 'forget-consents-of-subject':
      return { name: write.kind, values: [ownerKey(write.issuer, write.subject)] }
    case 'forget-consents-of-client':
      return { name: write.kind, values: [ownerKey(write.issuer, write.clientId)] }
    default:
      return write satisfies never
  }
}

/** Whose requests are counted together: a client's for one user, or for itself. */
function askerOf(issuer: string, { clientId, subject }: ApprovalContent): string {
  return `${ownerKey(issuer, clientId)}\n${subject ?? ''}`
}

/** Each group between line feeds, which no name of a group holds. */
function groupsText({ groups }: ApprovalRecord['content']): string {
  return `\n${groups.join('\n')}\n`
}

/** The pattern that finds a group in that text. */
export function groupPattern(group: string): string {
  return `%\n${group.replaceAll(/[!%_]/g, '!$&')}\n%`
}
