import assert from 'node:assert/strict'
import { type EpochSeconds, firstRefusal, secondsAfter } from '@holdfast/protocol'
import { type Delivery, judgeAnswer } from '@holdfast/protocol/specs/oidc-backchannel-logout/answer.ts'
import {
  backchannelLogoutEvent,
  logoutTokenLifetimeSeconds,
  logoutTokenRules,
} from '@holdfast/protocol/specs/oidc-backchannel-logout/rules.ts'
import { Fault, type Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuditRecord, LogoutNoticeRecord, SessionRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { fineTime, sortableTime } from '../handle.ts'
import { sidFor, subjectFor } from '../mint/pairwise.ts'
import { signForClient } from '../sign-for-client.ts'

/** How long a client may take to answer. */
const answerTimeoutMs = 5000
/** A claim holds longer than a try can take; then another node may try. */
export const noticeLeaseSeconds = 15
/** Between a failed try and the next; after the last one it is given up (BCL-04). */
const retrySeconds = [1, 10, 60] as const
/** How long a notice waits for a server that is down. */
const noticeLifetimeSeconds = 86_400

/** @param dueAt when the worker may take it: now, or after the lease of the request that tries first */
export function newNotice(
  ports: Pick<Ports, 'clock' | 'entropy'>,
  session: SessionRecord,
  clientId: string,
  requestId: string,
  dueAt: EpochSeconds,
): LogoutNoticeRecord {
  const now = ports.clock.now()
  const { issuer, subject, sid } = session
  return {
    id: `n_${sortableTime(fineTime(ports.clock))}${ports.entropy.bytes(16).toString('base64url')}`,
    issuer,
    clientId,
    subject,
    sid,
    requestId,
    version: 0,
    failures: 0,
    dueAt,
    issuedAt: now,
    expiresAt: secondsAfter(now, noticeLifetimeSeconds),
  }
}

/**
 * One try of a notice whose claim the caller holds, and what came of it. Never throws: whatever is not written down
 * is tried again when the claim has lapsed.
 */
export async function deliver(notice: LogoutNoticeRecord, ports: Ports): Promise<void> {
  try {
    const tried = await tryOnce(notice, ports)
    const { outcome, writes } = settle(notice, tried, ports.clock.now())
    const { committed } = await ports.store.commit(writes)
    if (committed) ports.metrics.count('logout_notices_total', { outcome })
  } catch (thrown) {
    ports.log.warn('logout.notice-unsettled', { notice: notice.id, cause: thrown })
  }
}

interface Tried {
  readonly delivery: Delivery
  readonly reason: string
}

async function tryOnce(notice: LogoutNoticeRecord, ports: Ports): Promise<Tried> {
  const client = ports.snapshot().issuers.get(notice.issuer)?.clients.get(notice.clientId)
  const uri = client?.backchannelLogoutUri
  if (client === undefined || uri === undefined)
    return { delivery: 'give-up', reason: 'the client has no back-channel logout URI any more' }
  try {
    const logout_token = await logoutToken(notice, client, ports)
    const { status } = await ports.outbound.postForm(uri, { logout_token }, { timeoutMs: answerTimeoutMs })
    return { delivery: judgeAnswer(status), reason: `answered ${status}` }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    const isRefused = thrown.code === 'outbound.refused'
    return { delivery: isRefused ? 'give-up' : judgeAnswer(undefined), reason: thrown.message }
  }
}

/** OpenID Connect Back-Channel Logout 2.4; signed, and encrypted, as the ID tokens of the client are. */
async function logoutToken(
  { issuer, clientId, subject, sid }: LogoutNoticeRecord,
  client: Client,
  ports: Ports,
): Promise<string> {
  const iat = ports.clock.now()
  const claims = {
    iss: issuer,
    aud: clientId,
    iat,
    exp: iat + logoutTokenLifetimeSeconds,
    jti: ports.entropy.bytes(16).toString('base64url'),
    sub: subjectFor(ports.keys, issuer, client.sector, subject),
    sid: sidFor(ports.keys, issuer, client.sector, sid),
    events: { [backchannelLogoutEvent]: {} },
  }
  const typ = 'logout+jwt'
  const refusal = firstRefusal(logoutTokenRules, { typ, claims })
  assert.equal(refusal, undefined, refusal?.reason)
  const alg = client.idTokenSignedResponseAlg
  const jwt = { response: 'id_token', alg, typ, claims, namesIssuer: true } as const
  return await signForClient(jwt, client, issuer, ports)
}

interface Settled {
  readonly outcome: string
  readonly writes: readonly Write[]
}

function settle(notice: LogoutNoticeRecord, { delivery, reason }: Tried, now: EpochSeconds): Settled {
  const { id, version, failures } = notice
  const finish: Write = { kind: 'finish-logout-notice', id, version }
  if (delivery === 'delivered')
    return {
      outcome: delivery,
      writes: [finish, recordOf(notice, 'logout.notified', 'accepted', reason, now)],
    }
  const seconds = delivery === 'try-again' ? retrySeconds[failures] : undefined
  if (seconds === undefined)
    return {
      outcome: 'given-up',
      writes: [finish, recordOf(notice, 'logout.notice-given-up', 'alert', reason, now)],
    }
  const postpone: Write = { kind: 'postpone-logout-notice', id, version, dueAt: secondsAfter(now, seconds) }
  return {
    outcome: 'postponed',
    writes: [postpone, recordOf(notice, 'logout.notice-failed', 'refused', reason, now)],
  }
}

/** Under the reference of the request that ended the session. */
function recordOf(
  { issuer, clientId, subject, sid, requestId, failures }: LogoutNoticeRecord,
  event: string,
  outcome: AuditRecord['outcome'],
  reason: string,
  at: EpochSeconds,
): Write {
  const facts = { sid, try: failures + 1 }
  return {
    kind: 'append-audit',
    record: { at, issuer, event, outcome, requestId, clientId, subject, reason, facts },
  }
}
