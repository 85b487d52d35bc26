import { type ControlDocument, canonicalJson, type DocumentOf } from './document.ts'
import type { ApiOperation } from './resources/api-operations.ts'
import type { Drift } from './scope-report-api.ts'

/** The documents of one issuer in one environment. */
export interface Side {
  /** What the report calls it. */
  readonly label: string
  readonly documents: readonly ControlDocument[]
}

/**
 * Where two environments say different things about the same: APIs, operations, what covers them, and what clients
 * registered for. What people approved is each environment's own, and nothing of it is compared.
 */
export function driftBetween(here: Side, there: Side): readonly Drift[] {
  return [...driftOfApis(here, there), ...driftOfOperations(here, there), ...driftOfClients(here, there)]
}

function ofKind<K extends ControlDocument['kind']>(
  { documents }: Side,
  kind: K,
): ReadonlyMap<string, DocumentOf<K>> {
  const found = documents.filter(one => one.kind === kind) as unknown as readonly DocumentOf<K>[]
  return new Map(found.map(document => [document.name, document]))
}

/** Both sides by name; what stands on one side only is a drift by itself. */
function pairs<T>(
  kind: string,
  here: Side,
  there: Side,
  of: (side: Side) => ReadonlyMap<string, T>,
): { readonly alone: readonly Drift[]; readonly both: readonly (readonly [name: string, T, T])[] } {
  const [ours, theirs] = [of(here), of(there)]
  const only = (name: string, { label }: Side): Drift => ({ kind, name, message: `only in ${label}` })
  const alone = [
    ...[...ours.keys()].filter(name => !theirs.has(name)).map(name => only(name, here)),
    ...[...theirs.keys()].filter(name => !ours.has(name)).map(name => only(name, there)),
  ]
  const both = [...ours].flatMap(([name, left]) => {
    const right = theirs.get(name)
    return right === undefined ? [] : [[name, left, right] as const]
  })
  return { alone, both }
}

/** One drift for each of these members that is not the same. */
function unlike(
  kind: string,
  name: string,
  [here, there]: readonly [Side, Side],
  members: Readonly<Record<string, readonly [unknown, unknown]>>,
): readonly Drift[] {
  return Object.entries(members).flatMap(([member, [left, right]]) => {
    const [ours, theirs] = [canonicalJson(left), canonicalJson(right)]
    const message = `\`${member}\` is ${ours} in ${here.label} and ${theirs} in ${there.label}`
    return ours === theirs ? [] : [{ kind, name, message }]
  })
}

function driftOfApis(here: Side, there: Side): readonly Drift[] {
  const { alone, both } = pairs('api', here, there, side => ofKind(side, 'ResourceServer'))
  return [
    ...alone,
    ...both.flatMap(([name, { spec: left }, { spec: right }]) =>
      unlike('api', name, [here, there], {
        governed: [left.governed, right.governed],
        profile: [left.profile ?? 'none', right.profile ?? 'none'],
        scopes: [left.scopes.toSorted(), right.scopes.toSorted()],
      }),
    ),
  ]
}

function driftOfOperations(here: Side, there: Side): readonly Drift[] {
  const operationsOf = (side: Side): ReadonlyMap<string, ApiOperation> =>
    new Map(
      [...ofKind(side, 'ApiOperations')].flatMap(([api, { spec }]) =>
        spec.operations.map(operation => [`${api} ${operation.id}`, operation] as const),
      ),
    )
  const { alone, both } = pairs('operation', here, there, operationsOf)
  return [
    ...alone,
    ...both.flatMap(([name, left, right]) =>
      unlike('operation', name, [here, there], {
        request: [`${left.method} ${left.path}`, `${right.method} ${right.path}`],
        tier: [left.tier, right.tier],
        public: [left.public, right.public],
        coveredBy: [waysOf(left), waysOf(right)],
        dataTypes: [left.dataTypes.toSorted(), right.dataTypes.toSorted()],
      }),
    ),
  ]
}

/** In one order, so that only what lets in is compared and not how it was written. */
function waysOf({ coveredBy }: ApiOperation): readonly string[] {
  return coveredBy
    .map(way => [...way.scopes.toSorted(), ...way.authorizationDetailsTypes.toSorted()].join(' + '))
    .toSorted()
}

function driftOfClients(here: Side, there: Side): readonly Drift[] {
  const { alone, both } = pairs('client', here, there, side => ofKind(side, 'Client'))
  return [
    ...alone,
    ...both.flatMap(([name, { spec: left }, { spec: right }]) =>
      unlike('client', name, [here, there], {
        status: [left.status, right.status],
        resources: [left.resources.toSorted(), right.resources.toSorted()],
        scope: [namesIn(left.metadata.scope), namesIn(right.metadata.scope)],
        authorization_details_types: [
          (left.metadata.authorization_details_types ?? []).toSorted(),
          (right.metadata.authorization_details_types ?? []).toSorted(),
        ],
      }),
    ),
  ]
}

function namesIn(scope: string | undefined): readonly string[] {
  return (scope ?? '')
    .split(' ')
    .filter(name => name !== '')
    .toSorted()
}
