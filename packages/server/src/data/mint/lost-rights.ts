import { firstRefusal } from '@holdfast/protocol'
import { grantedDetailsRules } from '@holdfast/protocol/specs/rfc9396-rar/rules.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AccessTokenRecord, SaidRights } from '../../store/records.ts'
import { isStillSound } from './details.ts'
import { scopesAt } from './order.ts'

/** What an access token says, and for whom. */
export type Said = SaidRights & SaidFor
type SaidFor = Pick<AccessTokenRecord, 'grantId' | 'clientId' | 'subject'>

/** Whether a client has it in its own name: nobody but people's documents allowed what it has there. */
export function isOwn({ grantId, clientId, subject }: SaidFor): boolean {
  return grantId === undefined && subject === clientId
}

/**
 * What of an access token could not be issued to its client any more: the API, scopes, types of details. A token says no
 * less because its client may have less, so one that lost anything is good for nothing; a new one says what is left.
 * @param client undefined when it is gone, for which there is a rule of its own
 */
export function lostRights(
  said: Said,
  client: Client | undefined,
  issuer: IssuerSnapshot,
): readonly string[] {
  if (client === undefined) return []
  const { audience, scopes, authorizationDetails = [] } = said
  const apis = audience.filter(one => one !== issuer.url)
  const left = apis.reduce<readonly string[]>(
    (still, api) => scopesAt(issuer, issuer.resourceServers.get(api), still),
    scopes.filter(scope => client.scopes.includes(scope)),
  )
  const isItsOwn = isOwn(said)
  const isAllowed = (detail: (typeof authorizationDetails)[number]): boolean =>
    isStillSound(detail, client, issuer) &&
    (!isItsOwn ||
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
