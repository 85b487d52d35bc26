import { firstRefusal, type Refusal, secondsAfter } from '@holdfast/protocol'
import { verifierLiveSeconds } from '@holdfast/protocol/key-report.ts'
import {
  instancesPerClientMax,
  type KeyReportInput,
  keyReporterRules,
  keyReportRules,
  splitThumbprints,
} from '@holdfast/protocol/specs/holdfast-key-reports/rules.ts'
import { introspectionCallerRules } from '@holdfast/protocol/specs/rfc7662-introspection/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { VerifierRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { refusedOauth } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'

const refused = 'key-report.refused'
const statusOf: Readonly<Record<string, number>> = { access_denied: 403, temporarily_unavailable: 503 }

/**
 * A verifier says which keys it holds and what became of the signatures it was handed; it is handed new ones. For
 * those who may introspect, with the authentication they introspect with (docs/decisions/0053).
 */
export const keyReportsRoom: Room = async (exchange, ports) => {
  const form = parseBackChannelForm(exchange)
  if (!form.ok) return refusedOauth(exchange, ports, refused, form)
  const authenticated = await authenticateClient(exchange, form.value, ports)
  if (!authenticated.ok) return refusedOauth(exchange, ports, refused, authenticated)
  const { client, evidence, writes: spent } = authenticated.value

  const report = reportOf(form.value)
  const { clientId } = client
  const known = await ports.store.listVerifiers(
    { issuer: exchange.issuer.url, clientId },
    ports.clock.now(),
    instancesPerClientMax,
  )
  const refusal =
    firstRefusal(introspectionCallerRules, { introspects: client.introspects }) ??
    firstRefusal(keyReportRules, report) ??
    judgeReporter(report, known)
  if (refusal !== undefined) {
    const reply = await refusedAuthenticated(exchange, ports, refused, refusal, authenticated.value)
    return reply.status === 400 ? { ...reply, status: statusOf[refusal.error] ?? 400 } : reply
  }

  const record = recordOf(report, known, clientId, exchange, ports)
  const context = { clientId }
  const facts = { ...evidence, instance: record.instance, keys: record.keys, unverified: record.unverified }
  const writes = [
    ...spent,
    { kind: 'put-verifier', record } as const,
    auditAccepted(exchange, record.seenAt, 'key-report.taken', context, facts),
  ]
  const committed = await ports.store.commit(writes)
  if (!committed.committed) {
    const replay = replayRefusal(writes, committed)
    if (replay === undefined) throw new TypeError(`no guard \`${committed.guard}\` stands in this list`)
    return refusedReplay(exchange, ports, refused, replay, { context, extraHeaders: undefined })
  }
  const { kids, signed, reportAfterSeconds } = await ports.keys.checks(exchange.issuer.url)
  return jsonReply(200, { keys: kids, checks: signed, report_after: reportAfterSeconds })
}

function reportOf(form: Form): KeyReportInput {
  return {
    instance: form.get('instance'),
    keys: splitThumbprints(form.get('keys')),
    verified: splitThumbprints(form.get('verified')) ?? [],
    unverified: splitThumbprints(form.get('unverified')) ?? [],
  }
}

function judgeReporter(
  { instance = '' }: KeyReportInput,
  known: readonly VerifierRecord[],
): Refusal | undefined {
  return firstRefusal(keyReporterRules, { instance, instances: known.map(one => one.instance) })
}

/** Called with a report that was judged good. */
function recordOf(
  { instance = '', keys = [], verified, unverified }: KeyReportInput,
  known: readonly VerifierRecord[],
  clientId: string,
  { issuer }: Exchange,
  { clock }: Ports,
): VerifierRecord {
  const now = clock.now()
  const held = keys.toSorted()
  const before = known.find(one => one.instance === instance)
  return {
    ...{ issuer: issuer.url, clientId, instance, keys: held },
    since: before?.keys.join(' ') === held.join(' ') ? before.since : now,
    seenAt: now,
    ...{ verified, unverified },
    expiresAt: secondsAfter(now, verifierLiveSeconds),
  }
}
