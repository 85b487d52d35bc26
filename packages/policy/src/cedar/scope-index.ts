import type { Entity } from './entities.ts'
import type { Environment } from './expression.ts'
import type { PartyScope, Scope } from './scope.ts'
import type { EntityUid } from './value.ts'

/**
 * Finds the policies whose scope may match, without looking at the others. Every policy stands in one place: under
 * the rarest entity its scope names, else under a type, else with those that name neither; and there under its
 * actions. The index only ever leaves out policies whose scope cannot match: what it finds is still checked.
 */
export interface ScopeIndex {
  /** Positions of the candidates, ascending, each once. */
  readonly candidates: (at: Environment) => readonly number[]
}

/** Policies of one place, by action. */
interface Bucket {
  readonly anyAction: number[]
  readonly byAction: Map<string, number[]>
}

type Buckets = Map<string, Bucket>

export function indexScopes(scopes: readonly Scope[]): ScopeIndex {
  const popularity = countEntities(scopes)
  const places: Readonly<Record<Place['by'], Buckets>> = {
    principal: new Map(),
    resource: new Map(),
    principalType: new Map(),
    resourceType: new Map(),
    nothing: new Map(),
  }
  for (const [position, scope] of scopes.entries()) {
    const { by, key } = placeOf(scope, popularity)
    const bucket: Bucket = places[by].get(key) ?? { anyAction: [], byAction: new Map() }
    places[by].set(key, bucket)
    if (scope.action.relation === 'any') bucket.anyAction.push(position)
    for (const action of scope.action.entities) {
      const listed = bucket.byAction.get(action.key) ?? []
      bucket.byAction.set(action.key, listed)
      listed.push(position)
    }
  }
  return {
    candidates: at => {
      const actions = at.entities.get(at.action.key)
      const found: number[] = []
      const take = (bucket: Bucket | undefined): void => {
        if (bucket !== undefined) takeFrom(bucket, at.action, actions, found)
      }
      takeWithin(places.principal, at.principal, at, take)
      takeWithin(places.resource, at.resource, at, take)
      take(places.principalType.get(at.principal.type))
      take(places.resourceType.get(at.resource.type))
      take(places.nothing.get(''))
      return found.length < 2 ? found : ascending(found)
    },
  }
}

interface Place {
  readonly by: 'principal' | 'resource' | 'principalType' | 'resourceType' | 'nothing'
  readonly key: string
}

function placeOf({ principal, resource }: Scope, popularity: ReadonlyMap<string, number>): Place {
  const [who, what] = [principal.entity?.key, resource.entity?.key]
  if (who !== undefined && what !== undefined)
    return (popularity.get(`p${who}`) ?? 0) <= (popularity.get(`r${what}`) ?? 0)
      ? { by: 'principal', key: who }
      : { by: 'resource', key: what }
  if (who !== undefined) return { by: 'principal', key: who }
  if (what !== undefined) return { by: 'resource', key: what }
  if (principal.type !== undefined) return { by: 'principalType', key: principal.type }
  if (resource.type !== undefined) return { by: 'resourceType', key: resource.type }
  return { by: 'nothing', key: '' }
}

function countEntities(scopes: readonly Scope[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const count = (prefix: string, { entity }: PartyScope): void => {
    if (entity === undefined) return
    const key = prefix + entity.key
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  for (const { principal, resource } of scopes) {
    count('p', principal)
    count('r', resource)
  }
  return counts
}

function takeWithin(
  buckets: Buckets,
  party: EntityUid,
  at: Environment,
  take: (bucket: Bucket | undefined) => void,
): void {
  if (buckets.size === 0) return
  take(buckets.get(party.key))
  for (const key of at.entities.get(party.key)?.ancestors.keys() ?? []) take(buckets.get(key))
}

function takeFrom(
  { anyAction, byAction }: Bucket,
  action: EntityUid,
  known: Entity | undefined,
  into: number[],
): void {
  for (const position of anyAction) into.push(position)
  if (byAction.size === 0) return
  for (const position of byAction.get(action.key) ?? []) into.push(position)
  for (const key of known?.ancestors.keys() ?? [])
    for (const position of byAction.get(key) ?? []) into.push(position)
}

/** A policy that lists an action and its group is found by both. */
function ascending(found: readonly number[]): readonly number[] {
  const sorted = found.toSorted((left, right) => left - right)
  return sorted.filter((position, index) => position !== sorted[index - 1])
}
