import { firstRefusal } from '@holdfast/protocol'
import { grantedDetailsRules } from '@holdfast/protocol/specs/rfc9396-rar/rules.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AccessTokenRecord } from '../../store/records.ts'
import { isStillSound } from './details.ts'
import { scopesAt } from './order.ts'

/** What an access token says, and for whom. */
export type Said = Pick<
  AccessTokenRecord,
  'audience' | 'scopes' | 'authorizationDetails' | 'grantId' | 'clientId' | 'subject'
>

/**
 * What of an access token could not be issued to its client any more: the API, scopes, types of details. A token says no
 * less because its client may have less, so one that lost anything is good for nothing; a new one says what is left.
 * @param client undefined when it is gone, for which there is a rule of its own
 */
export function lostRights(
  { audience, scopes, authorizationDetails = [], grantId, clientId, subject }: Said,
  client: Client | undefined,
  issuer: IssuerSnapshot,
): readonly string[] {
  if (client === undefined) return []
  const apis = audience.filter(one => one !== issuer.url)
  const left = apis.reduce<readonly string[]>(
    (still, api) => scopesAt(issuer, issuer.resourceServers.get(api), still),
    scopes.filter(scope => client.scopes.includes(scope)),
  )
  // Nobody but people's documents allowed what a client has in its own name.
  const isOwn = grantId === undefined && subject === clientId
  const isAllowed = (detail: (typeof authorizationDetails)[number]): boolean =>
    isStillSound(detail, client, issuer) &&
    (!isOwn ||
      firstRefusal(grantedDetailsRules, {
        details: [detail],
        granted: client.ownAuthorizationDetails,
        types: issuer.detailTypes,
        audience: issuer.detailTypes.get(detail.type)?.audience ?? '',
      }) === undefined)
  return [
    ...apis.filter(api => !client.resources.includes(api)),
    ...scopes.filter(scope => !left.includes(scope)),
    ...authorizationDetails.filter(detail => !isAllowed(detail)).map(({ type }) => type),
  ]
}
