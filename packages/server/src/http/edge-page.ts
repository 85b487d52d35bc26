import { refuse } from '@holdfast/protocol'
import { errorPage } from '../data/pages/error.ts'
import type { EdgeRefusal } from './edge-error.ts'
import type { Exchange, Reply } from './exchange.ts'

/** What a person reads when the edge answers in place of a page. */
export function edgePage(exchange: Exchange, refusal: EdgeRefusal): Reply {
  const { ruleId, status, error, sentence, headers = [] } = refusal
  const isOurs = status >= 500
  const options = isOurs ? { kind: 'ours' as const } : {}
  const page = errorPage(exchange, refuse(ruleId, [], error, sentence), options)
  return { ...page, status, headers: [...page.headers, ...headers] }
}
