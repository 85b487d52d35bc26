import type { Refusal } from '@holdfast/protocol'
import { isSoundState } from '@holdfast/protocol/specs/rfc6749-authorization/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { seeOther } from '../pages/page.ts'
import { publicSentence } from '../render/public-sentence.ts'

/** Where an authorization response goes. */
export interface ResponseTarget {
  readonly redirectUri: string
  readonly state: string | undefined
}

/**
 * The one way an authorization response leaves: by 303 to a judged redirect URI, its query kept, with `state`
 * as sent and `iss` (RFC 9207).
 */
export function authorizationResponse(
  exchange: Exchange,
  target: ResponseTarget,
  parameters: Readonly<Record<string, string>>,
  extraHeaders: Reply['headers'] = [],
): Reply {
  const { redirectUri, state } = target
  const response = new URLSearchParams({
    ...parameters,
    ...(state !== undefined && { state }),
    iss: exchange.issuer.url,
  })
  // Added as text: parsing the URI could change how the client registered it.
  const separator = !redirectUri.includes('?') ? '?' : /[?&]$/.test(redirectUri) ? '' : '&'
  return seeOther(`${redirectUri}${separator}${response}`, extraHeaders)
}

/** An error for the client; the user only passes through. */
export function authorizationError(
  exchange: Exchange,
  target: ResponseTarget,
  refusal: Refusal,
  extraHeaders: Reply['headers'] = [],
): Reply {
  const { error } = refusal
  const parameters = { error, error_description: publicSentence(exchange, refusal) }
  // A state that was refused is not sent back.
  const state = isSoundState(target.state) ? target.state : undefined
  return authorizationResponse(exchange, { ...target, state }, parameters, extraHeaders)
}
