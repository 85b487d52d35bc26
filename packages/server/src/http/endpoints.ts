import type { Route } from './route.ts'

/** One path of one issuer with all that may be done there. */
export interface Endpoint {
  readonly issuerUrl: string
  /** As the router reads it, with `:name` segments. */
  readonly url: string
  /** The one spelling that is served; undefined when the path has parameters. */
  readonly exactPath: string | undefined
  /** What stands around its one parameter; undefined when it has none or several. */
  readonly around: { readonly before: string; readonly param: string; readonly after: string } | undefined
  /** Name in metrics and logs: the path as written in the table. */
  readonly name: string
  readonly routes: readonly Route[]
  readonly allow: string
}

/** The table laid under an issuer's path, or under another one. */
export function endpointsOf(
  issuerUrl: string,
  routes: readonly Route[],
  baseUrl: string = issuerUrl,
): readonly Endpoint[] {
  const { pathname } = new URL(baseUrl)
  const issuerPath = pathname === '/' ? '' : pathname
  const byUrl = Map.groupBy(
    routes.flatMap(route => urlsOf(route, issuerPath).map(url => ({ url, route }))),
    ({ url }) => url,
  )
  return [...byUrl].map(([url, placed]) => {
    const own = placed.map(({ route }) => route)
    const exactPath = url.includes('/:') ? undefined : url
    const around = aroundParameter(url)
    return { issuerUrl, url, exactPath, around, name: own[0]?.path ?? url, routes: own, allow: allowOf(own) }
  })
}

function aroundParameter(url: string): Endpoint['around'] {
  const [, before, param, after] = /^([^:]*\/):([^/:]+)([^:]*)$/.exec(url) ?? []
  return before === undefined || param === undefined || after === undefined
    ? undefined
    : { before, param, after }
}

/** The endpoint of a path and the values of its parameters. */
export interface Place {
  readonly endpoint: Endpoint
  readonly params: Readonly<Record<string, string>>
}

const noParams: Place['params'] = {}
/** Values of which there is one spelling, and that the router would take as well: it stops at a hundred characters. */
const plainValue = /^[\w-]{1,100}$/

/** Finds what needs no router: most paths have one spelling, and its work shows under load. */
export function finderOf(endpoints: readonly Endpoint[]): (path: string) => Place | undefined {
  const exact = new Map<string, Place>()
  for (const endpoint of endpoints)
    if (endpoint.exactPath !== undefined) exact.set(endpoint.exactPath, { endpoint, params: noParams })
  const open = endpoints.flatMap(endpoint =>
    endpoint.around === undefined ? [] : [{ ...endpoint.around, endpoint }],
  )
  return path => {
    const known = exact.get(path)
    if (known !== undefined) return known
    for (const { before, param, after, endpoint } of open) {
      if (!path.startsWith(before) || !path.endsWith(after)) continue
      const value = path.slice(before.length, path.length - after.length)
      if (plainValue.test(value)) return { endpoint, params: { [param]: value } }
    }
    return undefined
  }
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
