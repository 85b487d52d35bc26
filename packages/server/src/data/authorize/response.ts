import type { Refusal, SecurityProfile } from '@holdfast/protocol'
import {
  isQueryMode,
  isResponseMode,
  isSignedMode,
  modeOf,
  type ResponseModeName,
  usualMode,
} from '@holdfast/protocol/specs/jarm/rules.ts'
import { isSoundState } from '@holdfast/protocol/specs/rfc6749-authorization/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { publicSentence } from '../render/public-sentence.ts'
import { responseModeOf } from './response-modes/index.ts'

/** Where an authorization response goes, and how. */
export interface ResponseTarget {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string | undefined
  readonly responseType: string | undefined
  /** Undefined: the mode of the response type. */
  readonly responseMode: ResponseModeName | undefined
}

/** The one way an authorization response leaves: in its mode, to a judged redirect URI, with `state` as sent. */
export async function authorizationResponse(
  exchange: Exchange,
  ports: Ports,
  target: ResponseTarget,
  parameters: Readonly<Record<string, string>>,
): Promise<Reply> {
  const { clientId, redirectUri, state, responseType, responseMode } = target
  const sent = { ...parameters, ...(state !== undefined && { state }) }
  const mode = responseModeOf(modeOf(responseMode, responseType))
  return await mode.send({ exchange, ports, clientId, redirectUri, parameters: sent })
}

/** An error for the client; the user only passes through. */
export async function authorizationError(
  exchange: Exchange,
  ports: Ports,
  target: ResponseTarget,
  refusal: Refusal,
): Promise<Reply> {
  const { error } = refusal
  const parameters = { error, error_description: publicSentence(exchange, refusal) }
  // A state that was refused is not sent back.
  const state = isSoundState(target.state) ? target.state : undefined
  return await authorizationResponse(exchange, ports, { ...target, state }, parameters)
}

/** The mode of an error about a request whose own mode may be what is wrong with it. */
export function modeForError(
  asked: string | undefined,
  responseType: string | undefined,
  redirectUri: string,
  profile: Pick<SecurityProfile, 'signedAuthorizationResponses'>,
): ResponseModeName {
  const isSigned = profile.signedAuthorizationResponses === 'required'
  const usual = isSigned ? 'jwt' : usualMode(responseType)
  if (!isResponseMode(asked) || (isSigned && !isSignedMode(asked))) return usual
  if (responseType === 'code id_token' && isQueryMode(asked, responseType)) return usual
  return asked.startsWith('form_post') && !/^https?:/i.test(redirectUri) ? usual : asked
}
