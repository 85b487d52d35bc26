import { refuse } from '@holdfast/protocol'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import type { AuditContext } from '../audit-of.ts'
import { alreadyAnswered, errorPage } from '../pages/error.ts'
import { outstandingKey, outstandingRequests } from '../par/outstanding.ts'
import { recordRefusal } from '../refused.ts'
import type { Visit } from './visit.ts'

/** Guards of every end: once per interaction, pushed request and signed request object, however many pages were opened. */
export function finishing({ interaction, now }: Visit): readonly Write[] {
  const { hash, version, pushedHash } = interaction
  const { requestObjectJti: jti } = interaction.request
  return [
    { kind: 'finish-interaction', hash, version, at: now },
    ...(pushedHash === undefined
      ? []
      : [{ kind: 'spend-pushed-request', hash: pushedHash, at: now } as const]),
    ...(jti === undefined ? [] : [{ kind: 'remember-jti', what: 'request-object', ...jti } as const]),
  ]
}

/** A completed request makes room for another one of its client. */
export function noLongerOutstanding({ exchange, interaction, client }: Visit, ports: Ports): void {
  if (interaction.pushedHash !== undefined)
    outstandingRequests(ports).release(outstandingKey(exchange, client))
}

export async function tooLate(visit: Visit, context: AuditContext, ports: Ports): Promise<Reply> {
  const refusal = refuse(
    'interaction.once',
    ['RFC9126-4-3'],
    'invalid_request_uri',
    'the request was answered before, on this page or another one',
  )
  await recordRefusal(visit.exchange, ports, 'consent.refused', refusal, { context })
  const { uiLocales } = visit.interaction.request
  return errorPage(visit.exchange, refusal, { ...alreadyAnswered, uiLocales })
}
