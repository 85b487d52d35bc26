import type { Reply } from '../../../http/exchange.ts'
import { seeOther } from '../../pages/page.ts'
import { type ResponseMode, withIssuer } from '../response-mode.ts'

/** After `#`: what servers on the way and their logs do not see. */
export const fragment: ResponseMode = {
  mode: 'fragment',
  send: outgoing => inFragment(outgoing.redirectUri, withIssuer(outgoing)),
}

/** A judged redirect URI has no fragment of its own. */
export function inFragment(redirectUri: string, parameters: Readonly<Record<string, string>>): Reply {
  return seeOther(`${redirectUri}#${new URLSearchParams(parameters)}`)
}
