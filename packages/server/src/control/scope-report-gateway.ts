import { profiles, type SecurityProfile } from '@holdfast/protocol'
import { meetUnchecked } from '@holdfast/protocol/profile.ts'
import { tiers } from '@holdfast/protocol/profiles/index.ts'
import { z } from 'zod'
import type { DocumentOf } from './document.ts'
import { type Checked, wrong } from './problem.ts'
import { readYaml } from './read-yaml.ts'
import type { ApiOperation } from './resources/api-operations.ts'
import type { Drift } from './scope-report-api.ts'
import { checkShape } from './shape.ts'

/** Below this tier a route without a tier demands enough: a token that is bound. */
const demandingTier = 2

/** What of `gateway.yaml` says who is let in; the rest is the gateway's own to check. */
const gatewayFile = z.object({
  apis: z
    .array(z.object({ name: z.string(), audience: z.string(), profile: z.string().optional() }))
    .max(200),
  routes: z
    .array(
      z.object({
        api: z.string(),
        methods: z.array(z.string()).max(7),
        path: z.string().max(2048),
        scopes: z.array(z.string()).max(50).default([]),
        profile: z.string().optional(),
      }),
    )
    .max(1000),
})

type GatewayFile = z.infer<typeof gatewayFile>
type Route = GatewayFile['routes'][number]

export function readGatewayFile(text: string): Checked<GatewayFile> {
  const [yaml, ...more] = readYaml(text)
  const problem = (message: string): Checked<never> => wrong({ document: 'gateway.yaml', field: '', message })
  if (yaml === undefined || more.length > 0) return problem('is not one document')
  if ('error' in yaml) return problem(yaml.error)
  if (yaml.value === undefined) return problem('uses aliases')
  return checkShape('gateway.yaml', '', gatewayFile, yaml.value)
}

/** One segment of a route or of an operation. */
type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'any'; readonly fits: RegExp }
  | { readonly kind: 'rest' }

function segmentsOf(path: string): readonly Segment[] {
  return path
    .slice(1)
    .split('/')
    .map((text): Segment => {
      if (/^\{[^{}]+\.\.\.\}$/.test(text)) return { kind: 'rest' }
      if (!text.includes('{')) return { kind: 'literal', text }
      const parts = text.split(/\{[^{}]*\}/).map(part => part.replaceAll(/[.*+?^$()[\]\\|]/g, '\\$&'))
      return { kind: 'any', fits: new RegExp(`^${parts.join('[^/]+')}$`) }
    })
}

/**
 * How a route takes the requests of an operation. `all`: every one. `some`: a literal of the route is one value of what
 * varies in the operation.
 */
function overlap(route: readonly Segment[], operation: readonly Segment[]): 'all' | 'some' | undefined {
  let found: 'all' | 'some' = 'all'
  for (const [index, segment] of route.entries()) {
    if (segment.kind === 'rest') return operation.length > index ? found : undefined
    const asked = operation[index]
    if (asked === undefined || asked.kind === 'rest') return undefined
    if (segment.kind === 'any') continue
    if (asked.kind === 'any') {
      if (!asked.fits.test(segment.text)) return undefined
      found = 'some'
    } else if (asked.text !== segment.text) return undefined
  }
  return route.length === operation.length ? found : undefined
}

/** The order in which a gateway prefers routes: a literal to a name, a name to a rest, from the front. */
function precedence(route: readonly Segment[]): string {
  return route.map(({ kind }) => ({ literal: '2', any: '1', rest: '0' })[kind]).join('')
}

interface Routed {
  readonly route: Route
  readonly segments: readonly Segment[]
}

/** Where the routes of a gateway and the catalogues say different things. */
export function driftOfGateway(
  { apis, routes }: GatewayFile,
  servers: readonly DocumentOf<'ResourceServer'>[],
  catalogues: readonly DocumentOf<'ApiOperations'>[],
): readonly Drift[] {
  const routed = routes.map(route => ({ route, segments: segmentsOf(route.path) }))
  return apis.flatMap((api): readonly Drift[] => {
    const server = servers.find(({ spec }) => spec.audience === api.audience)
    const say = (kind: string, message: string): readonly Drift[] => [{ kind, name: api.name, message }]
    if (server === undefined) return say('api', `no ResourceServer has the audience \`${api.audience}\``)
    const catalogue = catalogues.find(({ name }) => name === server.name)
    if (catalogue === undefined) return say('api', `there is no document ApiOperations/${server.name}`)
    const { operations } = catalogue.spec
    const asked = operations.map(operation => ({ operation, segments: segmentsOf(operation.path) }))
    return [
      ...routed.filter(({ route }) => route.api === api.name).flatMap(one => driftOfRoute(one, asked)),
      ...asked.flatMap(one => driftOfOperation(one, api, routed)),
    ]
  })
}

interface Asked {
  readonly operation: ApiOperation
  readonly segments: readonly Segment[]
}

function driftOfRoute({ route, segments }: Routed, asked: readonly Asked[]): readonly Drift[] {
  const described = (method: string): number =>
    asked.filter(one => one.operation.method === method && overlap(segments, one.segments) !== undefined)
      .length
  return route.methods.flatMap((method): readonly Drift[] => {
    const name = `${route.api} ${method} ${route.path}`
    const count = described(method)
    if (count === 0) return [{ kind: 'route-without-operation', name, message: 'no operation describes it' }]
    const message = `takes every path below it; operations describe ${count} of them`
    return segments.at(-1)?.kind === 'rest' ? [{ kind: 'route-wider', name, message }] : []
  })
}

function driftOfOperation(
  { operation, segments }: Asked,
  api: GatewayFile['apis'][number],
  routed: readonly Routed[],
): readonly Drift[] {
  const { id, method, path } = operation
  const name = `${api.name} ${id} ${method} ${path}`
  const taking = routed
    .filter(({ route }) => route.methods.includes(method))
    .map(one => ({ ...one, how: overlap(one.segments, segments) }))
    .filter(({ how }) => how !== undefined)
    .toSorted((left, right) => (precedence(left.segments) < precedence(right.segments) ? 1 : -1))
  const first = taking.findIndex(({ how }) => how === 'all')
  const whole = taking[first]
  if (whole === undefined)
    return [{ kind: 'operation-without-route', name, message: 'no route reaches all of it' }]
  if (whole.route.api !== api.name)
    return [
      {
        kind: 'operation-without-route',
        name,
        message: `\`${whole.route.path}\` takes it to ${whole.route.api}`,
      },
    ]
  // Those before it take some of its requests away from it, and must demand as much.
  return taking
    .slice(0, first + 1)
    .filter(({ route }) => route.api === api.name)
    .flatMap(({ route }) => lessThan(operation, route, api.profile, name))
}

function lessThan(
  { coveredBy, tier, public: isPublic }: ApiOperation,
  route: Route,
  apiProfile: string | undefined,
  name: string,
): readonly Drift[] {
  if (isPublic) return []
  const demanded = coveredBy.filter(way => way.scopes.every(scope => route.scopes.includes(scope)))
  const ways = coveredBy
    .map(way => [...way.scopes, ...way.authorizationDetailsTypes].join(' + '))
    .join(', or ')
  const scopes = route.scopes.length === 0 ? 'no scope' : route.scopes.join(', ')
  const kind = 'route-demands-less'
  const drifts: Drift[] = []
  if (demanded.length === 0)
    drifts.push({ kind, name, message: `\`${route.path}\` demands ${scopes}; the operation wants ${ways}` })
  else if (demanded.every(way => way.authorizationDetailsTypes.length > 0))
    drifts.push({
      kind: 'details-at-api',
      name,
      message: `\`${route.path}\` checks no authorization details; the API itself must: ${ways}`,
      isNote: true,
    })
  const profile = met(apiProfile, route.profile)
  if (tier >= demandingTier && isLooser(profile, tiers[tier]))
    drifts.push({
      kind,
      name,
      message: `\`${route.path}\` demands ${profile?.name ?? 'no tier'}; the operation is of tier ${tier}`,
    })
  return drifts
}

function met(...names: readonly (string | undefined)[]): SecurityProfile | undefined {
  const named = names.flatMap(name => profiles.get(name ?? '') ?? [])
  return named.length === 0 ? undefined : named.reduce(meetUnchecked)
}

/** What a gateway enforces of a profile by itself; everything else is the issuer's. */
const enforced = [
  'signingAlgs',
  'senderConstraint',
  'senderConstraintMethods',
  'proofAgeSeconds',
  'futureSeconds',
  'accessTokenLifetimeSeconds',
  'authenticationMaxAgeSeconds',
  'signedIntrospection',
] as const satisfies readonly (keyof SecurityProfile)[]

function isLooser(profile: SecurityProfile | undefined, tier: SecurityProfile | undefined): boolean {
  if (tier === undefined) return false
  if (profile === undefined) return true
  const together = meetUnchecked(profile, tier)
  return enforced.some(field => inOrder(together[field]) !== inOrder(profile[field]))
}

/** A list says the same in any order. */
function inOrder(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value)
}
