import type { Reply } from '../../http/exchange.ts'
import { noStore } from './json.ts'

/** Problem details (RFC 9457) as they leave; `type` is left out where the status says it all. */
export interface ProblemBody {
  readonly status: number
  readonly title: string
  readonly detail?: string
  readonly type?: string
  /** The rule that says no; `holdfast explain` knows it. */
  readonly ruleId?: string
  readonly clauses?: readonly string[]
  /** Reference id, as in the audit and the log. */
  readonly reference?: string
  readonly problems?: readonly object[]
}

export function problemReply(problem: ProblemBody, extraHeaders: Reply['headers'] = []): Reply {
  return {
    status: problem.status,
    headers: [['content-type', 'application/problem+json'], ...noStore, ...extraHeaders],
    body: JSON.stringify(problem),
  }
}
