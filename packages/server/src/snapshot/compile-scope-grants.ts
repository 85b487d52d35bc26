import type { EpochSeconds } from '@holdfast/protocol'
import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import { brokenSteps } from '../control/scope-grant-state.ts'
import { endingsByClient, type Governance } from './governed.ts'
import type { AuthorizationDetailsType } from './snapshot.ts'

export interface GovernanceDocuments {
  readonly servers: readonly DocumentOf<'ResourceServer'>[]
  readonly catalogues: readonly DocumentOf<'ApiOperations'>[]
  readonly grants: readonly DocumentOf<'ScopeGrant'>[]
}

/** Names that only a grant gives, and what the grants give. */
export function compileScopeGrants(
  { servers, catalogues, grants }: GovernanceDocuments,
  detailTypes: ReadonlyMap<string, AuthorizationDetailsType>,
  clients: ReadonlyMap<string, unknown>,
  problems: Problem[],
): Governance {
  const governed = servers.filter(({ spec }) => spec.governed)
  const typesAt = ({ spec }: DocumentOf<'ResourceServer'>): readonly string[] =>
    [...detailTypes.values()].filter(({ audience }) => audience === spec.audience).map(({ name }) => name)
  for (const server of governed) {
    const catalogue = catalogues.find(({ name }) => name === server.name)
    problems.push(...ungovernable(server, typesAt(server), catalogue, servers))
  }
  const active = grants.filter(({ spec }) => spec.state === 'active')
  problems.push(...unsound(grants), ...homeless(active, clients, servers), ...doubled(active))
  return {
    scopes: new Set(governed.flatMap(({ spec }) => spec.scopes)),
    authorizationDetailsTypes: new Set(governed.flatMap(typesAt)),
    endings: endingsByClient(
      active.map(({ spec: { content } }) => ({
        clientId: content.client,
        scopes: content.scopes,
        authorizationDetailsTypes: content.authorizationDetailsTypes,
        at: content.expiresAt as EpochSeconds,
      })),
    ),
  }
}

/** Nobody can approve a scope of which nobody says what it opens, or which opens something else as well. */
function ungovernable(
  { name, spec }: DocumentOf<'ResourceServer'>,
  types: readonly string[],
  catalogue: DocumentOf<'ApiOperations'> | undefined,
  servers: readonly DocumentOf<'ResourceServer'>[],
): readonly Problem[] {
  const document = `ResourceServer/${name}`
  if (catalogue === undefined)
    return [{ document, field: 'spec.governed', message: `needs a document ApiOperations/${name}` }]
  const ways = catalogue.spec.operations.flatMap(({ coveredBy }) => coveredBy)
  const used = new Set(ways.flatMap(way => [...way.scopes, ...way.authorizationDetailsTypes]))
  const unused = [...spec.scopes, ...types]
    .filter(one => !used.has(one))
    .map(one => ({
      document,
      field: 'spec.governed',
      message: `no operation of ApiOperations/${name} uses \`${one}\``,
    }))
  const shared = spec.scopes.flatMap((scope, index) => {
    const other = servers.find(server => server.name !== name && server.spec.scopes.includes(scope))
    const message = `\`${scope}\` is also a scope of \`${other?.name}\`; a governed scope belongs to one API`
    return other === undefined ? [] : [{ document, field: `spec.scopes[${index}]`, message }]
  })
  return [...unused, ...shared]
}

function unsound(grants: readonly DocumentOf<'ScopeGrant'>[]): readonly Problem[] {
  return grants.flatMap(({ name, spec }) => {
    const message = brokenSteps(name, spec)
    const document = `ScopeGrant/${name}`
    return message === undefined ? [] : [{ document, field: 'spec', message, ruleId: 'scope-grant.steps' }]
  })
}

/** Who takes the name of a client or an API that is gone must not find its approvals. */
function homeless(
  active: readonly DocumentOf<'ScopeGrant'>[],
  clients: ReadonlyMap<string, unknown>,
  servers: readonly DocumentOf<'ResourceServer'>[],
): readonly Problem[] {
  return active.flatMap(({ name, spec: { content } }) => {
    const document = `ScopeGrant/${name}`
    const say = (field: string, what: string) => ({
      ...{ document, field: `spec.content.${field}` },
      message: `is active, and ${what} is not there: revoke the grant first, or remove it when it expired`,
    })
    return [
      ...(clients.has(content.client) ? [] : [say('client', `the client \`${content.client}\``)]),
      ...(servers.some(server => server.name === content.resourceServer)
        ? []
        : [say('resourceServer', `the resource server \`${content.resourceServer}\``)]),
    ]
  })
}

function doubled(active: readonly DocumentOf<'ScopeGrant'>[]): readonly Problem[] {
  const seen = new Set<string>()
  return active.flatMap(({ name, spec: { content } }) => {
    const pair = `${content.client} ${content.resourceServer}`
    const isSecond = seen.has(pair)
    seen.add(pair)
    const message = `is active beside another one of \`${content.client}\` at \`${content.resourceServer}\``
    return isSecond ? [{ document: `ScopeGrant/${name}`, field: 'spec.state', message }] : []
  })
}
