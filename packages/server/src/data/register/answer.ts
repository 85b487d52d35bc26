import { accept, type Outcome, type Refusal } from '@holdfast/protocol'
import { judgePresentation, splitValues } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { challenge } from '@holdfast/protocol/wire/challenge.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { type RefusedOptions, recordRefusal } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import { publicSentence } from '../render/public-sentence.ts'

/** The one Bearer token of the request: in the header, and nowhere else. */
export function presentedToken(exchange: Exchange): Outcome<string> {
  const presented = judgePresentation({
    // The edge has no listener for this path without TLS but in development on loopback.
    isSecure: true,
    authorization: splitValues(exchange.headers('authorization')),
    query: exchange.query,
    isTokenInBody: false,
    offered: ['Bearer'],
  })
  return presented.ok ? accept(presented.value.token) : presented
}

const reasonLengthMax = 300

/** Record a refusal, then answer it: 401 with a challenge, 403, 503, or 400 (RFC 7591 section 3.2.2, RFC 6750 section 3). */
export async function refusedRegistration(
  exchange: Exchange,
  ports: Ports,
  event: string,
  refused: Refusal,
  options: RefusedOptions = {},
): Promise<Reply> {
  // A reason quotes what was sent, and that may be a body long; the audit keeps every one of them.
  const refusal = { ...refused, reason: refused.reason.slice(0, reasonLengthMax) }
  await recordRefusal(exchange, ports, event, refusal, options)
  const { error } = refusal
  const description = publicSentence(exchange, refusal)
  const isBare = refusal.ruleId === 'bearer.credentials-missing'
  const told = isBare ? [] : ([['error', error]] as const)
  const headers: Reply['headers'] =
    error === 'invalid_token'
      ? [['www-authenticate', challenge('Bearer', told)]]
      : error === 'temporarily_unavailable'
        ? [['retry-after', '1']]
        : []
  return jsonReply(statusOf(refusal), { error, error_description: description }, headers)
}

function statusOf({ error }: Refusal): number {
  if (error === 'invalid_token') return 401
  if (error === 'access_denied') return 403
  return error === 'temporarily_unavailable' ? 503 : 400
}
