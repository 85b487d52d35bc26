import type { JsonObject, JsonValue } from '../../wire/json.ts'

/** A member the object itself has: what comes back from a store has a prototype, and `constructor` is no field. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
