import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import { isStale } from '@holdfast/protocol/specs/oidc-core-request/rules.ts'
import type { AuthorizationRequest, InteractionRecord } from '../../store/records.ts'
import { type Demands, judgeSubject } from './assurance.ts'
import type { LiveSession } from './session.ts'

/** Time a user has from opening the page to the answer. */
export const interactionLifetimeSeconds = 600

export function interactionEndsAt(now: EpochSeconds): EpochSeconds {
  return secondsAfter(now, interactionLifetimeSeconds)
}

/** Where a step of an interaction is shown and answered. */
export function stepUrl(issuer: string, id: string, step: string): string {
  return `${issuer}/interaction/${id}/${step}`
}

/**
 * Whether the user must authenticate for this request: nobody is signed in, or somebody it does not name, or too
 * long ago. What the interaction itself asked for and got counts as fresh, or `max_age=0` would never end.
 */
export function needsLogin(
  request: Pick<AuthorizationRequest, 'prompt' | 'maxAgeSeconds'> & Demands,
  session: LiveSession | undefined,
  authenticatedAt: InteractionRecord['authenticatedAt'],
  now: EpochSeconds,
): boolean {
  if (session === undefined || judgeSubject(request, session.record.subject) !== undefined) return true
  if (authenticatedAt !== undefined) return false
  const { prompt, maxAgeSeconds } = request
  return isStale({ prompt, maxAgeSeconds, authTime: session.record.authTime, now })
}
