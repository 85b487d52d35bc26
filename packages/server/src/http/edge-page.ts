import { refuse } from '@holdfast/protocol'
import { errorPage } from '../data/pages/error.ts'
import type { EdgeRefusal } from './edge-error.ts'
import type { Exchange, Reply } from './exchange.ts'

/** What a person reads when the edge answers in place of a page. */
export function edgePage(exchange: Exchange, refusal: EdgeRefusal): Reply {
  const { ruleId, status, error, sentence, headers = [] } = refusal
  const isOurs = status >= 500
  // After a fault nobody may promise that nothing happened: the answer to a commit can be what was lost.
  const page = errorPage(
    exchange,
    refuse(ruleId, [], error, sentence),
    isOurs
      ? {
          title: 'We cannot answer right now',
          notice: 'Something on our side did not work. It is not your fault.',
          advice: 'Wait a moment, go back to the application and start again.',
        }
      : {},
  )
  return { ...page, status, headers: [...page.headers, ...headers] }
}
