import type { Keys } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { sidFor } from '../mint/pairwise.ts'
import { withQuery } from '../render/with-query.ts'

/** A page with more frames than this would keep the browser busier than its user has patience. */
export const framesMax = 20

/**
 * The addresses by which the browser tells clients that their session is over (OpenID Connect Front-Channel Logout 2):
 * issuer and session always together, behind the query the client registered.
 */
export function framesFor(
  clientIds: readonly string[],
  { url: issuer, clients }: Pick<IssuerSnapshot, 'url' | 'clients'>,
  sid: string,
  keys: Keys,
): readonly string[] {
  return clientIds
    .flatMap(clientId => {
      const client = clients.get(clientId)
      const uri = client?.status === 'active' ? client.frontchannelLogoutUri : undefined
      if (uri === undefined) return []
      return [withQuery(uri, { iss: issuer, sid: sidFor(keys, issuer, client?.sector, sid) })]
    })
    .slice(0, framesMax)
}
