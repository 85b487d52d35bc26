import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { AuthorizationRequest } from '../../store/records.ts'

/** Time a user has from opening the page to the answer. */
export const interactionLifetimeSeconds = 600

export function interactionEndsAt(now: EpochSeconds): EpochSeconds {
  return secondsAfter(now, interactionLifetimeSeconds)
}

/** Where a step of an interaction is shown and answered. */
export function stepUrl(issuer: string, id: string, step: string): string {
  return `${issuer}/interaction/${id}/${step}`
}

/** An interaction that no client's request began: its answer stays on a page of ours. */
export function requestOfOurs(
  url: string,
  asked: Pick<AuthorizationRequest, 'clientId' | 'scopes' | 'resources'> & {
    readonly maxAgeSeconds?: number
  },
): AuthorizationRequest {
  const { clientId, scopes, resources, maxAgeSeconds } = asked
  return {
    clientId,
    redirectUri: url,
    redirectUriSent: false,
    responseType: 'code',
    responseMode: undefined,
    scopes,
    resources,
    state: undefined,
    nonce: undefined,
    codeChallenge: undefined,
    dpopJkt: undefined,
    prompt: [],
    maxAgeSeconds,
    acrValues: [],
    loginHint: undefined,
    uiLocales: [],
    requestObject: undefined,
    requestObjectJti: undefined,
  }
}
