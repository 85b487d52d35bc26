import { createHash } from 'node:crypto'
import {
  accept,
  type EpochSeconds,
  type HandleHash,
  type Outcome,
  refuse,
  secondsAfter,
} from '@holdfast/protocol'
import { canonicalDetail } from '@holdfast/protocol/specs/rfc9396-rar/within.ts'
import type { ApprovalContent, ApprovalRecord } from '../../store/approval-records.ts'
import type { AuditRecord, UserRecord } from '../../store/records.ts'
import type { FoundApproval } from '../../store/store.ts'
import type { Write } from '../../store/writes.ts'
import { detailsFacts } from '../authorize/details-facts.ts'
import { hashOfHandle } from '../handle.ts'

/** Bounds of what waits for the approval of others. */
export const approvalLimits = {
  /** How long a request waits for an answer. */
  waitsSeconds: 86_400,
  /** How long a denial stands before the same may be asked again. */
  deniedSeconds: 900,
  /** Requests of one client for one user that wait at once. */
  ofAskerMax: 20,
  /** Requests on the page of who may answer, of each group. */
  shownMax: 20,
} as const

/** What is known of a request for approval at this moment. */
export type ApprovalStanding = 'unasked' | 'waiting' | 'approved' | 'denied'

export function standingOf(found: FoundApproval | undefined, now: EpochSeconds): ApprovalStanding {
  if (found === undefined || found.spentAt !== undefined || now >= found.expiresAt) return 'unasked'
  if (found.deniedAt !== undefined) return 'denied'
  return found.approvedAt === undefined ? 'waiting' : 'approved'
}

/** `a-` and the SHA-256 of the content: other content is another request, without any approval (decision 0077). */
export function approvalName(content: ApprovalContent): string {
  const { moment, clientId, subject, scopes, resources, authorizationDetails, groups, ...terms } = content
  const parts = [
    ...[moment, clientId, subject ?? null, scopes, resources, authorizationDetails.map(canonicalDetail)],
    ...[groups, terms.seconds, terms.isReusable],
  ]
  return `a-${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`
}

export function approvalKey(issuer: string, name: string): HandleHash {
  return hashOfHandle('approval', issuer, name)
}

export function newApproval(
  issuer: string,
  content: ApprovalContent,
  txn: string,
  now: EpochSeconds,
): ApprovalRecord {
  const name = approvalName(content)
  const expiresAt = secondsAfter(now, approvalLimits.waitsSeconds)
  return { key: approvalKey(issuer, name), name, issuer, content, given: [], txn, issuedAt: now, expiresAt }
}

/** Groups that have not approved yet. */
export function groupsMissing({
  content,
  given,
}: Pick<ApprovalRecord, 'content' | 'given'>): readonly string[] {
  return content.groups.filter(group => !given.some(one => one.group === group))
}

/** What an approval writes. */
export interface Given {
  readonly group: string
  /** Groups that still have to approve. */
  readonly missing: readonly string[]
  readonly write: Write
}

/**
 * Whether this person may answer: a member of a group that is still to answer, not who it is for, and nobody twice.
 * @param group the one that is spoken for; undefined: the first of theirs that is missing
 */
export function judgeApprover(
  found: FoundApproval,
  person: UserRecord,
  now: EpochSeconds,
  group?: string,
): Outcome<string> {
  if (standingOf(found, now) !== 'waiting')
    return refuse('approval.decided', [], 'invalid_request', 'it was answered, or its time is over')
  if (person.status !== 'active')
    return refuse('approval.person', [], 'access_denied', 'who approves may not act any more')
  const groups = found.content.groups.filter(
    one => person.groups?.includes(one) === true && (group === undefined || one === group),
  )
  if (groups.length === 0)
    return refuse('approval.group', [], 'access_denied', 'only members of a group that is asked approve')
  if (person.subject === found.content.subject)
    return refuse('approval.own', [], 'access_denied', 'nobody approves what is for themselves')
  if (found.given.some(({ by }) => by === person.subject))
    return refuse(
      'approval.second-person',
      [],
      'access_denied',
      'this person approved it: another one is needed',
    )
  const missing = groups.find(one => groupsMissing(found).includes(one))
  return missing === undefined
    ? refuse('approval.group-answered', [], 'access_denied', 'this group approved it')
    : accept(missing)
}

/** The approval of one group; the last one starts the time in which it serves. */
export function giveApproval(found: FoundApproval, group: string, by: string, now: EpochSeconds): Given {
  const { key, name, issuer, content, txn, issuedAt, version } = found
  const given = [...found.given, { group, by, at: now }]
  const missing = groupsMissing({ content, given })
  const isLast = missing.length === 0
  const expiresAt = isLast ? secondsAfter(now, content.seconds) : found.expiresAt
  const record: ApprovalRecord = { key, name, issuer, content, given, txn, issuedAt, expiresAt }
  const approvedAt = isLast ? now : undefined
  return { group, missing, write: { kind: 'give-approval', record, version, approvedAt, at: now } }
}

export function denyApproval({ key }: ApprovalRecord, now: EpochSeconds): Write {
  return { kind: 'deny-approval', key, at: now, until: secondsAfter(now, approvalLimits.deniedSeconds) }
}

/** For the audit: what it is about, and no word of it. */
export function approvalFacts({
  name,
  content,
}: Pick<ApprovalRecord, 'name' | 'content'>): AuditRecord['facts'] {
  const { moment, scopes, resources, authorizationDetails, groups, seconds, isReusable } = content
  return {
    ...{ approval: name, moment, groups, scopes, resources, ...detailsFacts(authorizationDetails) },
    ...{ approval_seconds: seconds, is_reusable: isReusable },
  }
}
