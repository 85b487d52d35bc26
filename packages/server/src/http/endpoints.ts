import type { Route } from './route.ts'

/** One path of one issuer with all that may be done there. */
export interface Endpoint {
  readonly issuerUrl: string
  /** As the router reads it, with `:name` segments. */
  readonly url: string
  /** The one spelling that is served; undefined when the path has parameters. */
  readonly exactPath: string | undefined
  /** Name in metrics and logs: the path as written in the table. */
  readonly name: string
  readonly routes: readonly Route[]
  readonly allow: string
}

/** The table laid under an issuer's path. */
export function endpointsOf(issuerUrl: string, routes: readonly Route[]): readonly Endpoint[] {
  const { pathname } = new URL(issuerUrl)
  const issuerPath = pathname === '/' ? '' : pathname
  const byUrl = Map.groupBy(
    routes.flatMap(route => urlsOf(route, issuerPath).map(url => ({ url, route }))),
    ({ url }) => url,
  )
  return [...byUrl].map(([url, placed]) => {
    const own = placed.map(({ route }) => route)
    const exactPath = url.includes('/:') ? undefined : url
    return { issuerUrl, url, exactPath, name: own[0]?.path ?? url, routes: own, allow: allowOf(own) }
  })
}

/**
 * MD-01, MD-02: RFC 8414 puts the well-known part between host and issuer path, OpenID Connect Discovery
 * after it. Clients mix the two up, so both documents stand at both.
 */
function urlsOf(route: Route, issuerPath: string): readonly string[] {
  if (route.placement !== 'well-known' || issuerPath === '') return [issuerPath + route.path]
  return [issuerPath + route.path, route.path + issuerPath]
}

function allowOf(routes: readonly Route[]): string {
  const methods = routes.flatMap(({ method, cors }) =>
    method === 'GET' && cors === 'public' ? ['GET', 'HEAD'] : [method],
  )
  if (routes.some(route => route.cors !== 'none')) methods.push('OPTIONS')
  return methods.join(', ')
}
