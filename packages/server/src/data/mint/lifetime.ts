import type { EpochSeconds } from '@holdfast/protocol'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Client } from '../../snapshot/snapshot.ts'

export interface StandsOn {
  readonly client: Pick<Client, 'scopeEndings' | 'servedUntil'>
  readonly scopes: readonly string[]
  readonly authorizationDetails: readonly AuthorizationDetail[]
  /** End of what the user granted; undefined for a client's own token. */
  readonly grantExpiresAt: EpochSeconds | undefined
}

/**
 * How long an access token may live: no longer than the user's grant, the client's onboarding, and each grant of a scope
 * or type that it carries. What ends by time is known when the token is made, so nobody has to be told of it.
 * @param mostSeconds of its profile
 * @param now before all that: what has ended is in no snapshot
 * @returns seconds
 */
export function lifetimeOf(
  { client, scopes, authorizationDetails, grantExpiresAt }: StandsOn,
  mostSeconds: number,
  now: EpochSeconds,
): number {
  const types = authorizationDetails.map(({ type }) => type)
  const ends = client.scopeEndings
    .filter(
      ending =>
        ending.scopes.some(scope => scopes.includes(scope)) ||
        ending.authorizationDetailsTypes.some(type => types.includes(type)),
    )
    .map(({ at }) => at)
  const { servedUntil } = client
  return [grantExpiresAt, servedUntil, ...ends].reduce<number>(
    (least, end) => (end === undefined ? least : Math.min(least, end - now)),
    mostSeconds,
  )
}
