import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { auditAccepted } from '../audit-of.ts'
import { seeOther } from '../pages/page.ts'
import type { Authorized } from '../policy/authorize.ts'
import { finishRefused } from './finish.ts'
import { stepUrl } from './record.ts'
import { tryAgain } from './try-again.ts'
import type { Visit } from './visit.ts'

/**
 * Policies did not permit it: the user authenticates more strongly first, where that would help and was not asked
 * before; otherwise it ends here.
 */
export async function turnedAway(
  visit: Visit,
  { refusal, stepUp, writes }: Extract<Authorized, { ok: false }>,
  event: string,
  ports: Ports,
): Promise<Reply> {
  const { exchange, interaction, id, now } = visit
  const { txn, clientId } = interaction
  const context = { txn, clientId, ...(visit.session && { subject: visit.session.record.subject }) }
  if (refusal.error === 'temporarily_unavailable')
    return await tryAgain(visit, event, refusal, context, ports)
  if (stepUp === undefined || isSame(stepUp, interaction.policyAcrs))
    return await finishRefused(visit, ports, event, refusal, { writes })
  await ports.store.commit([
    { kind: 'advance-interaction', record: { ...interaction, policyAcrs: stepUp }, at: now },
    ...writes,
    auditAccepted(exchange, now, 'policy.step-up', context, { acr_values: stepUp }),
  ])
  // Whoever lost the race finds out there: the room shows the step that is due.
  return seeOther(stepUrl(exchange.issuer.url, id, 'consent'))
}

/** Asked before, and still not enough: asking again would go round in a circle. */
function isSame(acrs: readonly string[], before: readonly string[] | undefined): boolean {
  return before !== undefined && acrs.length === before.length && acrs.every(acr => before.includes(acr))
}
