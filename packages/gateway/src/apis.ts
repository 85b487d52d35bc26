import { firstRefusal } from '@holdfast/protocol'
import { passedFieldRules } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import { createResourceServer, type Guard, type ResourceServer } from '@holdfast/resource-server'
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

export interface OpenApis {
  readonly table: RouteTable<Route>
  readonly apis: readonly OpenApi[]
  readonly close: () => Promise<void>
}

/** @throws TypeError that names the API or the route */
export function openApis(options: GatewayOptions): OpenApis {
  const names = options.apis.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new TypeError(`API \`${twice}\` stands twice`)
  const apis = options.apis.map(api => openApi(api, options))
  const table = compileRoutes(options.routes.map(route => routeOf(route, apis)))
  return {
    table,
    apis,
    close: async () => {
      await Promise.all(apis.map(({ upstream }) => upstream?.close()))
    },
  }
}

function openApi(api: ProtectedApi, options: GatewayOptions): OpenApi {
  for (const name of api.requestFields ?? []) {
    const refusal = firstRefusal(passedFieldRules, { name })
    if (refusal !== undefined) throw new TypeError(`requestFields of \`${api.name}\`: ${refusal.reason}`)
  }
  const { issuer, introspection, audit, log, explain, replayMemory, fetch, clock, entropy } = options
  const server = createResourceServer({
    issuer,
    audience: api.audience,
    externalUrl: options.externalUrl,
    tokens: {
      introspection: {
        authentication: introspection,
        signedAnswers: 'required',
        ...(api.cacheSeconds !== undefined && { cacheSeconds: api.cacheSeconds }),
      },
    },
    audit,
    onAlarm: (alarm, cause) => log.warn('gateway.alarm', { api: api.name, alarm, cause }),
    ...(api.profile && { profile: api.profile }),
    ...(api.senderConstraint && { senderConstraint: api.senderConstraint }),
    ...(api.senderConstraintMethods && { senderConstraintMethods: api.senderConstraintMethods }),
    ...(api.dpopNonce && { dpopNonce: api.dpopNonce }),
    ...(api.clients && { clients: api.clients }),
    ...(api.tenant !== undefined && { tenant: api.tenant }),
    ...(explain !== undefined && { explain }),
    ...(replayMemory && { replayMemory }),
    ...(fetch && { fetch }),
    ...(clock && { clock }),
    ...(entropy && { entropy }),
  })
  return {
    options: api,
    server,
    upstream: api.upstream && openUpstream(api.name, api.upstream),
    requestFields: new Set(api.requestFields),
  }
}

function routeOf(route: RouteOptions, apis: readonly OpenApi[]): Route {
  const api = apis.find(({ options }) => options.name === route.api)
  if (api === undefined) throw new TypeError(`route \`${route.path}\`: there is no API \`${route.api}\``)
  const { path, methods, scopes, acrValues, maxAgeSeconds, action } = route
  if (route.webSocket === true && !methods.includes('GET'))
    throw new TypeError(`route \`${path}\`: a WebSocket begins with GET`)
  return {
    ...{ path, methods, api },
    guard: api.server.guard<Asked>({
      ...(scopes && { scopes }),
      ...(acrValues && { acrValues }),
      ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
      ...(action !== undefined && { action }),
    }),
    bodyBytesMax: route.bodyBytesMax ?? bodyBytesMax,
    requestsPerMinute: route.requestsPerMinute,
    isWebSocket: route.webSocket ?? false,
  }
}
