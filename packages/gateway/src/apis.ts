import { firstRefusal, meet } from '@holdfast/protocol'
import { passedFieldRules } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import {
  createResourceServer,
  type Guard,
  type ReplayMemory,
  type ResourceServer,
  type ResourceServerOptions,
  type RevocationFeed,
} from '@holdfast/resource-server'
import { routeDecision } from './decisions.ts'
import type { Asked } from './desk.ts'
import type { GatewayOptions, ProtectedApi, RouteOptions } from './options.ts'
import { compileRoutes, type RouteTable } from './route-table.ts'
import { openUpstream, type Upstream } from './upstream.ts'

/** Longest body when a route says nothing. */
export const bodyBytesMax = 1_048_576

/** An API with everything its routes share. */
export interface OpenApi {
  readonly options: ProtectedApi
  readonly server: ResourceServer
  /** Undefined when only checks are made for this API, and another gateway forwards. */
  readonly upstream: Upstream | undefined
  readonly requestFields: ReadonlySet<string>
}

/** @throws TypeError when the API has none; a gateway with a listener does not start then */
export function upstreamOf({ options, upstream }: OpenApi): Upstream {
  if (upstream === undefined) throw new TypeError(`API \`${options.name}\` has no upstream`)
  return upstream
}

/** A route, ready to be asked. */
export interface Route {
  readonly path: string
  readonly methods: readonly string[]
  readonly api: OpenApi
  readonly guard: Guard<Asked>
  readonly bodyBytesMax: number
  readonly requestsPerMinute: number | undefined
  readonly isWebSocket: boolean
}

/** What all APIs of a gateway have together. */
export interface Shared {
  readonly feed?: RevocationFeed | undefined
  readonly replayMemory?: ReplayMemory | undefined
}

export interface OpenApis {
  readonly table: RouteTable<Route>
  readonly apis: readonly OpenApi[]
  /** One for each API, and one for each route with a tier of its own. */
  readonly servers: readonly ResourceServer[]
  /** Opens what forwards, which the first request to each API does otherwise. */
  readonly load: () => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * @param shared what is opened once for all of them
 * @throws TypeError that names the API or the route
 */
export function openApis(options: GatewayOptions, shared: Shared = {}): OpenApis {
  const names = options.apis.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new TypeError(`API \`${twice}\` stands twice`)
  const apis = options.apis.map(api => openApi(api, options, shared))
  const routes = options.routes.map(route => {
    const api = apis.find(({ options: { name } }) => name === route.api)
    if (api === undefined) throw new TypeError(`route \`${route.path}\`: there is no API \`${route.api}\``)
    return routeOf(route, withTier(api, route, options, shared), options.decisionPoints ?? new Map())
  })
  return {
    table: compileRoutes(routes),
    apis,
    servers: [...new Set([...apis, ...routes.map(({ api }) => api)].map(({ server }) => server))],
    load: async () => {
      await Promise.all(apis.map(({ upstream }) => upstream?.pool()))
    },
    close: async () => {
      for (const { server } of apis) server.close()
      await Promise.all(apis.map(({ upstream }) => upstream?.close()))
    },
  }
}

function openApi(api: ProtectedApi, options: GatewayOptions, shared: Shared): OpenApi {
  for (const name of api.requestFields ?? []) {
    const refusal = firstRefusal(passedFieldRules, { name })
    if (refusal !== undefined) throw new TypeError(`requestFields of \`${api.name}\`: ${refusal.reason}`)
  }
  return {
    options: api,
    server: openServer(api, options, shared),
    upstream: api.upstream && openUpstream(api.name, api.upstream),
    requestFields: new Set(api.requestFields),
  }
}

/** A route with a tier of its own: the same API, its tokens judged by the stricter of both. */
function withTier(
  api: OpenApi,
  { path, profile }: RouteOptions,
  options: GatewayOptions,
  shared: Shared,
): OpenApi {
  if (profile === undefined) return api
  const { profile: ofApi = profile } = api.options
  const met = meet([ofApi, profile])
  if (!met.ok) throw new TypeError(`route \`${path}\`: ${met.reason}`)
  const stricter = { ...api.options, profile: met.value }
  return { ...api, options: stricter, server: openServer(stricter, options, shared) }
}

function openServer(
  api: ProtectedApi,
  options: GatewayOptions,
  { feed, replayMemory }: Shared,
): ResourceServer {
  const { issuer, introspection, audit, log, explain, replay, fetch, clock, entropy } = options
  return createResourceServer({
    issuer,
    audience: api.audience,
    externalUrl: options.externalUrl,
    tokens: {
      introspection: {
        authentication: introspection,
        signedAnswers: 'required',
        ...(api.cacheSeconds !== undefined && { cacheSeconds: api.cacheSeconds }),
      },
      ...(feed && { revocationFeed: feed }),
    },
    audit,
    onAlarm: (alarm, cause) => log.warn('gateway.alarm', { api: api.name, alarm, cause }),
    ...(api.profile && { profile: api.profile }),
    ...(api.senderConstraint && { senderConstraint: api.senderConstraint }),
    ...(api.senderConstraintMethods && { senderConstraintMethods: api.senderConstraintMethods }),
    ...dpopNonceOf(api, replayMemory && replay),
    ...(api.clients && { clients: api.clients }),
    ...(api.tenant !== undefined && { tenant: api.tenant }),
    ...(explain !== undefined && { explain }),
    ...(replayMemory && { replayMemory }),
    ...(fetch && { fetch }),
    ...(clock && { clock }),
    ...(entropy && { entropy }),
  })
}

/** A nonce of one gateway serves at the others where they share a secret. */
function dpopNonceOf(
  { dpopNonce }: ProtectedApi,
  replay: GatewayOptions['replay'],
): Pick<ResourceServerOptions, 'dpopNonce'> {
  if (replay !== undefined)
    return { dpopNonce: { secret: replay.nonceSecret, isRequired: dpopNonce === 'required' } }
  return dpopNonce === undefined ? {} : { dpopNonce }
}

function routeOf(
  route: RouteOptions,
  api: OpenApi,
  points: NonNullable<GatewayOptions['decisionPoints']>,
): Route {
  const { path, methods, scopes, acrValues, maxAgeSeconds, action, decision } = route
  if (route.webSocket === true && !methods.includes('GET'))
    throw new TypeError(`route \`${path}\`: a WebSocket begins with GET`)
  return {
    ...{ path, methods, api },
    guard: api.server.guard<Asked>({
      ...(scopes && { scopes }),
      ...(acrValues && { acrValues }),
      ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
      ...(action !== undefined && { action }),
      ...(decision && { decide: routeDecision(path, decision, points) }),
    }),
    bodyBytesMax: route.bodyBytesMax ?? bodyBytesMax,
    requestsPerMinute: route.requestsPerMinute,
    isWebSocket: route.webSocket ?? false,
  }
}
