import { isUtf8 } from 'node:buffer'
import { requestIdOf } from '@holdfast/policy'
import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { accessEvaluationScope, decisionCallerRules } from '@holdfast/protocol/specs/authzen/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { type BearerDesk, nextNonce, presentedHere } from '../bearer/presented.ts'
import { jsonReply } from '../render/json.ts'

/** Event of whatever is refused before it is decided. */
export const accessRefused = 'access.refused'

/** Who may ask a decision point: a client with a token of its own, for this issuer, with the scope for it. */
export function decisionDesk(exchange: Exchange, ports: Ports): BearerDesk {
  return {
    ...{ exchange, ports, refusedEvent: accessRefused, requiredScope: accessEvaluationScope },
    judge: active => firstRefusal(decisionCallerRules, presentedHere(active, exchange)),
  }
}

/** The text of a question; bytes that are no text are no question either, and read as an empty one. */
export function questionText(exchange: Exchange): Outcome<string> {
  const { body } = exchange
  const [type = ''] = exchange.headers('content-type')
  if (/^application\/json\s*(;|$)/i.test(type)) return accept(isUtf8(body) ? body.toString('utf8') : '')
  return refuse(
    'authzen.media-type',
    ['AUTHZEN-10.1-request'],
    'invalid_request',
    'the content type is application/json',
  )
}

/** An answer to whoever asked: with their `X-Request-ID` and the nonce for next time. */
export function answerReply(
  { exchange, ports }: BearerDesk,
  status: 200 | 400,
  body: Parameters<typeof jsonReply>[1],
): Reply {
  const id = requestIdOf(exchange.headers('x-request-id')[0])
  const echoed: Reply['headers'] = id === undefined ? [] : [['x-request-id', id]]
  return jsonReply(status, body, [...echoed, ...nextNonce(exchange, ports)])
}
