import type { Reply } from '../../../http/exchange.ts'
import { seeOther } from '../../pages/page.ts'
import { type ResponseMode, withIssuer } from '../response-mode.ts'

/** RFC 6749 section 4.1.2: the default. */
export const query: ResponseMode = {
  mode: 'query',
  send: outgoing => inQuery(outgoing.redirectUri, withIssuer(outgoing)),
}

/** By 303, the registered query kept. */
export function inQuery(redirectUri: string, parameters: Readonly<Record<string, string>>): Reply {
  // Added as text: parsing the URI could change how the client registered it.
  const separator = !redirectUri.includes('?') ? '?' : /[?&]$/.test(redirectUri) ? '' : '&'
  return seeOther(`${redirectUri}${separator}${new URLSearchParams(parameters)}`)
}
