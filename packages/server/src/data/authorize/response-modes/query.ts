import type { Reply } from '../../../http/exchange.ts'
import { seeOther } from '../../pages/page.ts'
import { withQuery } from '../../render/with-query.ts'
import { type ResponseMode, withIssuer } from '../response-mode.ts'

/** RFC 6749 section 4.1.2: the default. */
export const query: ResponseMode = {
  mode: 'query',
  send: outgoing => inQuery(outgoing.redirectUri, withIssuer(outgoing)),
}

/** By 303, the registered query kept. */
export function inQuery(redirectUri: string, parameters: Readonly<Record<string, string>>): Reply {
  return seeOther(withQuery(redirectUri, parameters))
}
