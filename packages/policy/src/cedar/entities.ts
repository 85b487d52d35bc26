import {
  arrayAt,
  type Budget,
  DataProblem,
  entityUidAt,
  newBudget,
  objectAt,
  onlyMembers,
  recordAt,
} from './json.ts'
import type { EntityUid, Value } from './value.ts'

export interface Entity {
  readonly uid: EntityUid
  readonly attributes: ReadonlyMap<string, Value>
  readonly tags: ReadonlyMap<string, Value>
  /** Every ancestor by its key, near and far; never the entity itself. */
  readonly ancestors: ReadonlyMap<string, EntityUid>
}

/** Everything a decision may know about principals, resources and their groups, by `EntityUid.key`. */
export type EntityStore = ReadonlyMap<string, Entity>

/** What evaluation asks of entities; a store may also be layered (`pdp/layer.ts`). */
export type EntityLookup = Pick<EntityStore, 'get' | 'has'>

/** Entities that are prepared together. */
export const entitiesMax = 100_000

/** Pairs of an entity and one above it, over all that are prepared together: what the hierarchy costs in memory. */
export const hierarchyPairsMax = 2_000_000

/** Entities above one, near and far. */
export const ancestorsMax = 1_000

interface Draft {
  readonly uid: EntityUid
  readonly attributes: ReadonlyMap<string, Value>
  readonly tags: ReadonlyMap<string, Value>
  readonly parents: readonly EntityUid[]
}

/**
 * Reads Cedar's JSON entities format and closes the hierarchy over it.
 * @throws DataProblem for anything malformed, an entity given twice, or a hierarchy that runs in a circle
 */
export function entitiesAt(json: unknown, place = '$'): EntityStore {
  const list = arrayAt(json, place)
  if (list.length > entitiesMax) throw new DataProblem(place, 'too many entities')
  const budget = newBudget()
  const drafts = new Map<string, Draft>()
  for (const [index, item] of list.entries()) {
    const draft = draftAt(item, `${place}[${index}]`, budget)
    if (drafts.has(draft.uid.key)) throw new DataProblem(`${place}[${index}]`, 'this entity is given twice')
    drafts.set(draft.uid.key, draft)
  }
  return closed(drafts, place)
}

function draftAt(json: unknown, place: string, budget: Budget): Draft {
  const object = objectAt(json, place)
  onlyMembers(object, ['uid', 'attrs', 'parents', 'tags'], place)
  const uid = entityUidAt(object.uid, `${place}.uid`)
  const record = (name: 'attrs' | 'tags'): ReadonlyMap<string, Value> =>
    object[name] === undefined
      ? new Map()
      : recordAt(objectAt(object[name], `${place}.${name}`), `${place}.${name}`, budget).fields
  const parents = object.parents === undefined ? [] : arrayAt(object.parents, `${place}.parents`)
  if (parents.length > ancestorsMax) throw new DataProblem(place, 'an entity has too many ancestors')
  return {
    uid,
    attributes: record('attrs'),
    tags: record('tags'),
    parents: parents.map((parent, index) => entityUidAt(parent, `${place}.parents[${index}]`)),
  }
}

/** Children after their parents, so that each entity unions closures that are complete. */
function closed(drafts: ReadonlyMap<string, Draft>, place: string): EntityStore {
  const store = new Map<string, Entity>()
  const open = new Set<string>()
  let pairs = 0
  for (const start of drafts.values()) {
    const path: Draft[] = [start]
    for (let draft = path.at(-1); draft !== undefined; draft = path.at(-1)) {
      const waiting = store.has(draft.uid.key) ? undefined : nextParent(draft, drafts, store)
      if (waiting === undefined) {
        if (!store.has(draft.uid.key)) {
          const entity = entityOf(draft, store, place)
          store.set(draft.uid.key, entity)
          pairs += entity.ancestors.size
          if (pairs > hierarchyPairsMax) throw new DataProblem(place, 'the hierarchy is too large')
        }
        open.delete(draft.uid.key)
        path.pop()
        continue
      }
      open.add(draft.uid.key)
      if (open.has(waiting.uid.key)) throw new DataProblem(place, 'the hierarchy runs in a circle')
      path.push(waiting)
    }
  }
  return store
}

function nextParent(
  { parents }: Draft,
  drafts: ReadonlyMap<string, Draft>,
  store: ReadonlyMap<string, Entity>,
): Draft | undefined {
  for (const { key } of parents) if (!store.has(key) && drafts.has(key)) return drafts.get(key)
  return undefined
}

function entityOf({ uid, attributes, tags, parents }: Draft, store: EntityStore, place: string): Entity {
  const ancestors = new Map<string, EntityUid>()
  for (const parent of parents) {
    ancestors.set(parent.key, parent)
    for (const [key, ancestor] of store.get(parent.key)?.ancestors ?? []) ancestors.set(key, ancestor)
    if (ancestors.size > ancestorsMax) throw new DataProblem(place, 'an entity has too many ancestors')
  }
  return { uid, attributes, tags, ancestors }
}
