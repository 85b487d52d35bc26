import { type AuthenticationDemand, reachesLevel } from '@holdfast/protocol'
import { idTokenWish } from '@holdfast/protocol/specs/oidc-core-claims/claims-request.ts'
import type { IssuerSnapshot, Scope } from '../../snapshot/snapshot.ts'
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
  const acrs: string[] = []
  const ages: number[] = []
  const add = (asking: Pick<Scope, 'acr' | 'maxAuthenticationAgeSeconds'> | undefined): void => {
    if (asking?.acr !== undefined) acrs.push(asking.acr)
    if (asking?.maxAuthenticationAgeSeconds !== undefined) ages.push(asking.maxAuthenticationAgeSeconds)
  }
  for (const name of scopes) add(issuer.scopes.get(name))
  for (const audience of resources) add(issuer.resourceServers.get(audience))
  const strictest = acrs.find(acr =>
    acrs.every(other => reachesLevel(issuer.authenticationLevels, acr, other)),
  )
  return { leastAcr: strictest, maxAgeSeconds: ages.length === 0 ? undefined : Math.min(...ages) }
}

/** Every `acr` that an answer to the request can state: a level of the issuer, none below what documents ask. */
export function possibleAcrs(request: AuthorizationRequest, issuer: IssuerSnapshot): readonly string[] {
  const { leastAcr } = documentedDemand(request, issuer)
  const levels = issuer.authenticationLevels
  return levels
    .map(({ acr }) => acr)
    .filter(acr => leastAcr === undefined || reachesLevel(levels, acr, leastAcr))
}

/**
 * What a request asks of the user's authentication. `acr_values` is a wish where only the user's identity is asked
 * for (OpenID Connect Core 15.1), and necessary where an API is to be called (RFC 9470 section 5). An essential `acr`
 * claim and what documents ask are always necessary, and nothing weaker than the latter is left of the wish.
 */
export function demandOf(request: AuthorizationRequest, issuer: IssuerSnapshot): Demand {
  const documented = documentedDemand(request, issuer)
  const { leastAcr } = documented
  const { acrValues, resources, maxAgeSeconds } = request
  const essential = essentialAcrs(request)
  const named = essential ?? acrValues
  const wished =
    leastAcr === undefined
      ? named
      : named.filter(acr => reachesLevel(issuer.authenticationLevels, acr, leastAcr))
  return {
    acrValues: wished.length === 0 && leastAcr !== undefined ? [leastAcr] : wished,
    isNecessary:
      leastAcr !== undefined || essential !== undefined || (acrValues.length > 0 && resources.length > 0),
    maxAgeSeconds,
    documented,
  }
}

/** Values of an essential `acr` claim (OpenID Connect Core 5.5.1.1), those that `acr_values` prefers first. */
function essentialAcrs({ claims, acrValues }: AuthorizationRequest): readonly string[] | undefined {
  const wish = idTokenWish(claims, 'acr')
  if (wish?.essential !== true || wish.values === undefined) return undefined
  const values = wish.values.filter(value => typeof value === 'string')
  return [...acrValues.filter(acr => values.includes(acr)), ...values.filter(acr => !acrValues.includes(acr))]
}

/** The demand with what policies want, too: of what is asked for already, whatever reaches that. */
export function steppedUp(
  demand: Demand,
  policyAcrs: readonly string[] | undefined,
  { authenticationLevels: levels }: IssuerSnapshot,
): Demand {
  if (policyAcrs === undefined) return demand
  const both = demand.acrValues.filter(acr => policyAcrs.some(wanted => reachesLevel(levels, acr, wanted)))
  return { ...demand, acrValues: both.length > 0 ? both : policyAcrs, isNecessary: true }
}
