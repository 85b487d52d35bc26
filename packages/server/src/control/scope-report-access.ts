import type { Client, IssuerSnapshot } from '../snapshot/snapshot.ts'
import { daySeconds } from './content-approvals.ts'
import type { DocumentOf } from './document.ts'
import type { ApiOperation } from './resources/api-operations.ts'
import type { AccessRow, BroadScope, UncataloguedApi, UnusedRight } from './scope-report-api.ts'
import { type ScopeUsage, usageKey } from './scope-usage.ts'

/** What is looked at: the issuer as it is served at this second, and the documents that say what its scopes mean. */
export interface Governed {
  readonly snapshot: IssuerSnapshot
  readonly servers: readonly DocumentOf<'ResourceServer'>[]
  readonly catalogues: readonly DocumentOf<'ApiOperations'>[]
  readonly grants: readonly DocumentOf<'ScopeGrant'>[]
  readonly now: number
}

/** What one client may have at one API. */
export interface Right {
  readonly client: Client
  readonly server: DocumentOf<'ResourceServer'>
  readonly scopes: readonly string[]
  readonly types: readonly string[]
  readonly grant: DocumentOf<'ScopeGrant'> | undefined
}

const readingMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
/** A scope over more kinds of data than this is broad. */
const dataTypesMax = 5

/** Every active client at every API it may ask for, with what is enforced and not what was registered. */
export function rightsOf(
  { snapshot, servers, grants, now }: Governed,
  only: { readonly client?: string | undefined; readonly resourceServer?: string | undefined } = {},
): readonly Right[] {
  const active = grants.filter(({ spec }) => spec.state === 'active' && spec.content.expiresAt > now)
  const clients = [...snapshot.clients.values()].filter(
    ({ clientId, status }) => status === 'active' && (only.client ?? clientId) === clientId,
  )
  return clients
    .toSorted((left, right) => (left.clientId < right.clientId ? -1 : 1))
    .flatMap(client =>
      servers
        .filter(({ name, spec }) => {
          const isAsked = (only.resourceServer ?? name) === name
          return isAsked && client.resources.includes(spec.audience)
        })
        .map(server => ({
          client,
          server,
          scopes: client.scopes.filter(scope => server.spec.scopes.includes(scope)),
          types: client.authorizationDetailsTypes.filter(
            type => snapshot.detailTypes.get(type)?.audience === server.spec.audience,
          ),
          grant: active.find(
            ({ spec: { content } }) =>
              content.client === client.clientId && content.resourceServer === server.name,
          ),
        })),
    )
    .filter(({ scopes, types }) => scopes.length + types.length > 0)
}

/** Who can do what, operation by operation. */
export function accessOf(
  rights: readonly Right[],
  { catalogues }: Governed,
): { readonly access: readonly AccessRow[]; readonly uncatalogued: readonly UncataloguedApi[] } {
  const uncatalogued = new Map<string, string[]>()
  const access = rights.flatMap(({ client, server, scopes, types, grant }): readonly AccessRow[] => {
    const catalogue = catalogues.find(({ name }) => name === server.name)
    if (catalogue === undefined) {
      uncatalogued.set(server.name, [...(uncatalogued.get(server.name) ?? []), client.clientId])
      return []
    }
    return catalogue.spec.operations.flatMap(operation => {
      const by = waysIn(operation, scopes, types)
      if (by.length === 0) return []
      const { id, method, path, tier, dataTypes } = operation
      const { name, spec } = grant ?? {}
      return [
        {
          ...{ client: client.clientId, api: server.name, operation: id, method, path, tier, dataTypes, by },
          ...(name !== undefined && { grant: name }),
          ...(spec !== undefined && { until: spec.content.expiresAt }),
        },
      ]
    })
  })
  const open = [...uncatalogued].map(([api, clients]) => ({ api, clients }))
  return { access, uncatalogued: open }
}

function waysIn(
  { coveredBy }: ApiOperation,
  scopes: readonly string[],
  types: readonly string[],
): AccessRow['by'] {
  return coveredBy
    .filter(
      way =>
        way.scopes.every(scope => scopes.includes(scope)) &&
        way.authorizationDetailsTypes.every(type => types.includes(type)),
    )
    .map(way => [...way.scopes, ...way.authorizationDetailsTypes])
}

/** The keys of all rights, for the audit to be asked about. */
export function usageKeys(rights: readonly Right[]): ReadonlySet<string> {
  return new Set(
    rights.flatMap(({ client, server, scopes, types }) =>
      [...scopes, ...types].map(right => usageKey(client.clientId, server.spec.audience, right)),
    ),
  )
}

/** Rights that no token was issued for lately. One whose grant is younger than that had no time yet. */
export function unusedOf(
  rights: readonly Right[],
  { lastAt }: ScopeUsage,
  unusedDays: number,
  now: number,
): readonly UnusedRight[] {
  const since = now - unusedDays * daySeconds
  return rights.flatMap(({ client: { clientId }, server, scopes, types, grant }): readonly UnusedRight[] => {
    if ((grant?.spec.activated?.at ?? 0) > since) return []
    return [...scopes, ...types].flatMap(right => {
      const last = lastAt.get(usageKey(clientId, server.spec.audience, right))
      if (last !== undefined && last >= since) return []
      return [
        {
          ...{ client: clientId, api: server.name, right },
          ...(grant !== undefined && { grant: grant.name }),
          ...(last !== undefined && { lastUsedAt: last }),
        },
      ]
    })
  })
}

/** Scopes that let into more than one kind of thing. */
export function broadOf(
  { catalogues }: Governed,
  rights: readonly Right[],
  operationsMax: number,
): readonly BroadScope[] {
  return catalogues.flatMap(({ name, spec }) => {
    const holders = rights.filter(({ server }) => server.name === name)
    const scopes = new Set(spec.operations.flatMap(({ coveredBy }) => coveredBy.flatMap(way => way.scopes)))
    return [...scopes].toSorted().flatMap((scope): readonly BroadScope[] => {
      const operations = spec.operations.filter(({ coveredBy }) =>
        coveredBy.some(way => way.scopes.includes(scope)),
      )
      const tiers = [...new Set(operations.map(({ tier }) => tier))].toSorted()
      const dataTypes = [...new Set(operations.flatMap(one => one.dataTypes))].toSorted()
      const reads = operations.filter(({ method }) => readingMethods.has(method)).length
      const reasons: readonly BroadScope['reasons'][number][] = [
        ...(operations.length > operationsMax ? (['operations'] as const) : []),
        ...(tiers.length > 1 ? (['tiers'] as const) : []),
        ...(reads > 0 && reads < operations.length ? (['reads-and-writes'] as const) : []),
        ...(dataTypes.length > dataTypesMax ? (['data-types'] as const) : []),
      ]
      const clients = holders.filter(right => right.scopes.includes(scope)).length
      const found = { api: name, scope, operations: operations.length, tiers, dataTypes, clients, reasons }
      return reasons.length === 0 ? [] : [found]
    })
  })
}
