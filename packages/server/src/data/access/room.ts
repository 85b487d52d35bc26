import { isUtf8 } from 'node:buffer'
import {
  type AuthzenEndpoint,
  answerAuthzen,
  createPdp,
  type DecisionRecord,
  requestIdOf,
} from '@holdfast/policy'
import { firstRefusal, type Refusal, refuse } from '@holdfast/protocol'
import { accessEvaluationScope, decisionCallerRules } from '@holdfast/protocol/specs/authzen/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { auditAccepted, auditRefused } from '../audit-of.ts'
import {
  type BearerDesk,
  commitPresented,
  nextNonce,
  presentedHere,
  presentedToken,
} from '../bearer/presented.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'

const refused = 'access.refused'

/**
 * One endpoint of the decision point (AuthZEN 1.0), for clients with a token of their own. Every decision stands in the
 * audit before it is told; a question that is none is 400 with a sentence.
 */
export function accessRoom(endpoint: AuthzenEndpoint): Room {
  return async (exchange, ports) => {
    const { issuer } = exchange
    const deciding = issuer.decisionPoint
    if (deciding === undefined) return jsonReply(404, 'there is no decision point here')
    const desk: BearerDesk = {
      exchange,
      ports,
      refusedEvent: refused,
      requiredScope: accessEvaluationScope,
      judge: active => firstRefusal(decisionCallerRules, presentedHere(active, exchange)),
    }
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
    const answer = isJson(exchange)
      ? answerAuthzen(pdp, endpoint, isUtf8(exchange.body) ? exchange.body.toString('utf8') : '')
      : { status: 400 as const, body: notJson.reason, refusal: notJson }
    const context = { clientId }
    if (answer.status === 400) refusals.push(answer.refusal)
    const records = [
      ...refusals.map(refusal => auditRefused(exchange, at, refused, refusal, context)),
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
    return jsonReply(answer.status, answer.body, [
      ...requestIdHeader(exchange),
      ...nextNonce(exchange, ports),
    ])
  }
}

const notJson: Refusal = refuse(
  'authzen.media-type',
  ['AUTHZEN-10.1-request'],
  'invalid_request',
  'the content type is application/json',
)

function isJson(exchange: Exchange): boolean {
  const [type = ''] = exchange.headers('content-type')
  return /^application\/json\s*(;|$)/i.test(type)
}

function requestIdHeader(exchange: Exchange): Reply['headers'] {
  const id = requestIdOf(exchange.headers('x-request-id')[0])
  return id === undefined ? [] : [['x-request-id', id]]
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
