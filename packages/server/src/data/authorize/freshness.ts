import { type SecurityProfile, unlimitedAgeSeconds } from '@holdfast/protocol'
import { interactionLifetimeSeconds } from '../interaction/record.ts'

/**
 * How recent a sign-in a request needs: what the client asks, and what the profile asks. The latter is asked so much
 * earlier that a token is still fresh when a slow reader has decided and the token is used to its end.
 * @param asked `max_age` of the request
 */
export function neededMaxAgeSeconds(asked: number | undefined, profile: SecurityProfile): number | undefined {
  const { authenticationMaxAgeSeconds, codeLifetimeSeconds, accessTokenLifetimeSeconds } = profile
  if (authenticationMaxAgeSeconds >= unlimitedAgeSeconds) return asked
  const spent = interactionLifetimeSeconds + codeLifetimeSeconds + accessTokenLifetimeSeconds
  const needed = Math.max(0, authenticationMaxAgeSeconds - spent)
  return asked === undefined ? needed : Math.min(asked, needed)
}
