import type { Entity, EntityLookup } from '../cedar/entities.ts'

/** A few entities over many, without copying those. */
export function layer(over: ReadonlyMap<string, Entity>, under: EntityLookup): EntityLookup {
  if (over.size === 0) return under
  return {
    get: key => over.get(key) ?? under.get(key),
    has: key => over.has(key) || under.has(key),
  }
}
