import type { Refusal } from '@holdfast/protocol'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AuditContext } from '../audit-of.ts'
import { errorPage } from '../pages/error.ts'
import { recordRefusal } from '../refused.ts'
import { asTryAgain } from '../render/try-again.ts'
import type { Visit } from './visit.ts'

/** What a decision needs could not be learnt: nothing is decided or spent, and the same answer may be sent again. */
export async function tryAgain(
  { exchange, interaction }: Visit,
  event: string,
  refusal: Refusal,
  context: AuditContext,
  ports: Ports,
): Promise<Reply> {
  await recordRefusal(exchange, ports, event, refusal, { context })
  const { uiLocales } = interaction.request
  return asTryAgain(errorPage(exchange, refusal, { kind: 'unchanged', uiLocales }))
}
