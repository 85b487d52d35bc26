import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import { judgePingAnswer, type PingDelivery } from '@holdfast/protocol/specs/openid-ciba/ping-answer.ts'
import { Fault, type Ports } from '../../ports.ts'
import type { AuditRecord, BackchannelRequestRecord, PingRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { sortableTime } from '../handle.ts'
import { openPing } from './sealed-ping.ts'

/** How long a client may take to answer. */
const answerTimeoutMs = 5000
/** A claim holds longer than a try can take; then another node may try. */
const pingLeaseSeconds = 15
/** Between a failed try and the next; after the last one the client is left to poll. */
const retrySeconds = [1, 10, 60] as const
/** A ping later than this would tell nothing new: the request it is about has expired. */
const pingLifetimeSeconds = 600

/** What the answer of a user owes a client that is pinged: in the same commit, and soon after by the courier. */
export function pingWrites(
  request: BackchannelRequestRecord,
  requestId: string,
  ports: Ports,
  now: EpochSeconds,
): readonly Write[] {
  const { hash, issuer, clientId, subject, txn, sealedPing } = request
  if (sealedPing === undefined) return []
  const record: PingRecord = {
    id: `p_${sortableTime(now)}${ports.entropy.bytes(16).toString('base64url')}`,
    issuer,
    clientId,
    subject,
    txn,
    requestHash: hash,
    sealedPing,
    requestId,
    version: 0,
    failures: 0,
    dueAt: now,
    issuedAt: now,
    expiresAt: secondsAfter(now, pingLifetimeSeconds),
  }
  return [{ kind: 'insert-ping', record }]
}

/** Of several nodes one gets the claim. */
export async function claimAndPing(ping: PingRecord, ports: Ports): Promise<void> {
  const { id, version } = ping
  const at = ports.clock.now()
  const dueAt = secondsAfter(at, pingLeaseSeconds)
  const { committed } = await ports.store.commit([{ kind: 'claim-ping', id, version, at, dueAt }])
  if (committed) await deliverPing({ ...ping, version: version + 1 }, ports)
}

/** Never throws: whatever is not written down is tried again when the claim has lapsed. */
async function deliverPing(ping: PingRecord, ports: Ports): Promise<void> {
  try {
    const tried = await tryOnce(ping, ports)
    const { outcome, writes } = settle(ping, tried, ports.clock.now())
    const { committed } = await ports.store.commit(writes)
    if (committed) ports.metrics.count('ciba_pings_total', { outcome })
  } catch (thrown) {
    ports.log.warn('ciba.ping-unsettled', { ping: ping.id, cause: thrown })
  }
}

interface Tried {
  readonly delivery: PingDelivery
  readonly reason: string
}

/** CIBA section 10.2: JSON with the `auth_req_id`, authorized by the token the client gave us. */
async function tryOnce(
  { issuer, clientId, requestHash, sealedPing }: PingRecord,
  ports: Ports,
): Promise<Tried> {
  const client = ports.snapshot().issuers.get(issuer)?.clients.get(clientId)
  const url = client?.status === 'active' ? client.backchannelClientNotificationEndpoint : undefined
  if (url === undefined)
    return { delivery: 'give-up', reason: 'the client has no notification endpoint any more' }
  const secrets = openPing(ports, issuer, requestHash, sealedPing)
  if (secrets === undefined) return { delivery: 'give-up', reason: 'the sealed ping does not open' }
  try {
    const { status } = await ports.outbound.postJson(
      url,
      { auth_req_id: secrets.authReqId },
      { bearer: secrets.clientNotificationToken, timeoutMs: answerTimeoutMs },
    )
    return { delivery: judgePingAnswer(status), reason: `answered ${status}` }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    const isRefused = thrown.code === 'outbound.refused'
    return { delivery: isRefused ? 'give-up' : judgePingAnswer(undefined), reason: thrown.message }
  }
}

interface Settled {
  readonly outcome: string
  readonly writes: readonly Write[]
}

function settle(ping: PingRecord, { delivery, reason }: Tried, now: EpochSeconds): Settled {
  const { id, version, failures } = ping
  const finish: Write = { kind: 'finish-ping', id, version }
  if (delivery === 'delivered')
    return { outcome: delivery, writes: [finish, recordOf(ping, 'ciba.pinged', 'accepted', reason, now)] }
  const seconds = delivery === 'try-again' ? retrySeconds[failures] : undefined
  if (seconds === undefined) {
    const audit = recordOf(ping, 'ciba.ping-given-up', 'alert', reason, now)
    return { outcome: 'given-up', writes: [finish, audit] }
  }
  const postpone: Write = { kind: 'postpone-ping', id, version, dueAt: secondsAfter(now, seconds) }
  const audit = recordOf(ping, 'ciba.ping-failed', 'refused', reason, now)
  return { outcome: 'postponed', writes: [postpone, audit] }
}

/** Under the reference of the request that carried the user's answer. */
function recordOf(
  { issuer, clientId, subject, txn, requestId, requestHash, failures }: PingRecord,
  event: string,
  outcome: AuditRecord['outcome'],
  reason: string,
  at: EpochSeconds,
): Write {
  const facts = { auth_req_ref: requestHash, try: failures + 1 }
  return {
    kind: 'append-audit',
    record: { at, issuer, event, outcome, requestId, txn, clientId, subject, reason, facts },
  }
}
