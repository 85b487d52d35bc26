import { type AuthzenEndpoint, answerAuthzen, createPdp, type DecisionRecord } from '@holdfast/policy'
import type { Refusal } from '@holdfast/protocol'
import { auditAccepted, auditRefused } from '../audit-of.ts'
import { commitPresented, presentedToken } from '../bearer/presented.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'
import { accessRefused, answerReply, decisionDesk, questionText } from './asking.ts'

/**
 * One endpoint of the decision point (AuthZEN 1.0), for clients with a token of their own. Every decision stands in the
 * audit before it is told; a question that is none is 400 with a sentence.
 */
export function accessRoom(endpoint: AuthzenEndpoint): Room {
  return async (exchange, ports) => {
    const { issuer } = exchange
    const deciding = issuer.decisionPoint
    if (deciding === undefined) return jsonReply(404, 'there is no decision point here')
    const desk = decisionDesk(exchange, ports)
    const presented = await presentedToken(desk)
    if (!presented.ok) return presented.reply

    const at = ports.clock.now()
    const { clientId } = presented.value.active.token
    const decided: DecisionRecord[] = []
    const refusals: Refusal[] = []
    const pdp = createPdp({
      deciding: () => deciding,
      onDecision: record => decided.push(record),
      onRefused: refusal => refusals.push(refusal),
      monotonicMs: ports.clock.monotonicMs,
    })
    const text = questionText(exchange)
    const answer = text.ok
      ? answerAuthzen(pdp, endpoint, text.value)
      : { status: 400 as const, body: text.reason, refusal: text }
    const context = { clientId }
    if (answer.status === 400) refusals.push(answer.refusal)
    const records = [
      ...refusals.map(refusal => auditRefused(exchange, at, accessRefused, refusal, context)),
      ...decided.map(record =>
        auditAccepted(
          exchange,
          at,
          'access.decided',
          { clientId, subject: record.subject.id },
          factsOf(record),
        ),
      ),
    ]
    if (records.length === 0)
      records.push(
        auditAccepted(exchange, at, 'access.searched', context, { policy_version: deciding.set.version }),
      )
    const done = await commitPresented(desk, presented.value, records)
    if (done.reply !== undefined) return done.reply
    if (!done.committed) throw new TypeError('no other guard stands in this list')
    return answerReply(desk, answer.status, answer.body)
  }
}

/** Names and the outcome; properties, which an error's message may quote, may be anybody's secrets. */
function factsOf({
  subject,
  action,
  resource,
  decision,
  policyVersion,
  determining,
  errors,
}: DecisionRecord) {
  return {
    subject_type: subject.type,
    action,
    resource_type: resource.type,
    resource_id: resource.id,
    decision,
    policy_version: policyVersion,
    determining: determining.join(' '),
    ...(errors.length > 0 && { failed: errors.map(({ place }) => place).join(' ') }),
  }
}
