import { type AuthenticationDemand, reachesLevel } from '@holdfast/protocol'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest } from '../../store/records.ts'

/** What scopes and resource servers ask by their documents, whoever sends the request. */
export interface DocumentedDemand {
  readonly leastAcr: string | undefined
  readonly maxAgeSeconds: number | undefined
}

export interface Demand extends AuthenticationDemand {
  readonly documented: DocumentedDemand
}

/** The strictest of what the scopes and the resource servers of a request or a token ask. */
export function documentedDemand(
  { scopes, resources }: Pick<AuthorizationRequest, 'scopes' | 'resources'>,
  issuer: IssuerSnapshot,
): DocumentedDemand {
  const asking = [
    ...scopes.flatMap(name => issuer.scopes.get(name) ?? []),
    ...resources.flatMap(audience => issuer.resourceServers.get(audience) ?? []),
  ]
  const acrs = asking.flatMap(({ acr }) => acr ?? [])
  const ages = asking.flatMap(({ maxAuthenticationAgeSeconds: age }) => age ?? [])
  const strictest = acrs.find(acr =>
    acrs.every(other => reachesLevel(issuer.authenticationLevels, acr, other)),
  )
  return { leastAcr: strictest, maxAgeSeconds: ages.length === 0 ? undefined : Math.min(...ages) }
}

/**
 * What a request asks of the user's authentication. `acr_values` is a wish where only the user's identity is asked
 * for (OpenID Connect Core 15.1), and necessary where an API is to be called (RFC 9470 section 5). What documents ask
 * is always necessary, and nothing weaker is left of the wish.
 */
export function demandOf(request: AuthorizationRequest, issuer: IssuerSnapshot): Demand {
  const documented = documentedDemand(request, issuer)
  const { leastAcr } = documented
  const { acrValues, resources, maxAgeSeconds } = request
  const wished =
    leastAcr === undefined
      ? acrValues
      : acrValues.filter(acr => reachesLevel(issuer.authenticationLevels, acr, leastAcr))
  return {
    acrValues: wished.length === 0 && leastAcr !== undefined ? [leastAcr] : wished,
    isNecessary: leastAcr !== undefined || (acrValues.length > 0 && resources.length > 0),
    maxAgeSeconds,
    documented,
  }
}
