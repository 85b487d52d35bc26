import { EvaluationError } from './evaluation-error.ts'
import { extensionFunctions } from './extension-functions.ts'
import { type CedarRecord, type EntityUid, entityUid, setOf, type Value } from './value.ts'

/** Cedar's JSON data format, strictly: what is not written down here is refused, not guessed. */

/** Values in one document of data: entities, or the context of a question. */
export const dataValuesMax = 100_000

/** How deep the values of a document may nest. */
export const dataDepthMax = 32

/** Characters in one string of a document. */
export const dataStringLengthMax = 65_536

/** Data that cannot be read. `place` is a JSON path, `$` the document. */
export class DataProblem extends Error {
  readonly place: string

  constructor(place: string, message: string) {
    super(message)
    this.place = place
  }
}

export type JsonObject = Readonly<Record<string, unknown>>

/** What one document may still hold. */
export interface Budget {
  values: number
}

export function newBudget(): Budget {
  return { values: dataValuesMax }
}

export function objectAt(value: unknown, place: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DataProblem(place, 'expected an object')
  return value as JsonObject
}

export function arrayAt(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new DataProblem(place, 'expected a list')
  return value
}

export function stringAt(value: unknown, place: string): string {
  if (typeof value !== 'string') throw new DataProblem(place, 'expected a string')
  if (value.length > dataStringLengthMax) throw new DataProblem(place, 'the string is too long')
  if (!value.isWellFormed()) throw new DataProblem(place, 'the string is no well-formed Unicode')
  return value
}

export function onlyMembers(object: JsonObject, allowed: readonly string[], place: string): void {
  for (const name of Object.keys(object))
    if (!allowed.includes(name)) throw new DataProblem(place, `unknown member \`${name.slice(0, 64)}\``)
}

const typePattern = /^[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)*$/

/** `{ "type": "User", "id": "ada" }`, or the same under `__entity`. */
export function entityUidAt(value: unknown, place: string): EntityUid {
  const outer = objectAt(value, place)
  const isWrapped = Object.hasOwn(outer, '__entity')
  if (isWrapped) onlyMembers(outer, ['__entity'], place)
  const inner = isWrapped ? objectAt(outer.__entity, place) : outer
  onlyMembers(inner, ['type', 'id'], place)
  const type = stringAt(inner.type, `${place}.type`)
  if (!typePattern.test(type)) throw new DataProblem(`${place}.type`, 'not the name of an entity type')
  return entityUid(type, stringAt(inner.id, `${place}.id`))
}

/** Reads one value: `true`, `1`, `"text"`, lists, records, `{ "__entity": … }`, `{ "__extn": … }`. */
export function valueAt(value: unknown, place: string, budget: Budget, depth = 0): Value {
  if (--budget.values < 0) throw new DataProblem(place, 'too many values in one document')
  if (depth > dataDepthMax) throw new DataProblem(place, 'nested too deeply')
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') return stringAt(value, place)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value))
      throw new DataProblem(place, 'not a whole number that JSON carries exactly')
    return value
  }
  if (Array.isArray(value))
    return setOf(value.map((item, index) => valueAt(item, `${place}[${index}]`, budget, depth + 1)))
  const object = objectAt(value, place)
  if (Object.hasOwn(object, '__entity')) return entityUidAt(object, place)
  if (Object.hasOwn(object, '__extn')) return extensionAt(object, place)
  if (Object.hasOwn(object, '__expr')) throw new DataProblem(place, '`__expr` is not data')
  return recordAt(object, place, budget, depth)
}

export function recordAt(object: JsonObject, place: string, budget: Budget, depth = 0): CedarRecord {
  const fields = new Map<string, Value>()
  for (const [name, field] of Object.entries(object))
    fields.set(stringAt(name, place), valueAt(field, `${place}.${name.slice(0, 64)}`, budget, depth + 1))
  return { kind: 'record', fields }
}

const constructors: ReadonlySet<string> = new Set(['decimal', 'ip', 'datetime', 'duration'])

function extensionAt(object: JsonObject, place: string): Value {
  onlyMembers(object, ['__extn'], place)
  const call = objectAt(object.__extn, place)
  onlyMembers(call, ['fn', 'arg'], place)
  const name = stringAt(call.fn, `${place}.fn`)
  const make = constructors.has(name) ? extensionFunctions.get(name) : undefined
  if (make === undefined) throw new DataProblem(`${place}.fn`, 'not the constructor of an extension')
  try {
    return make.call(stringAt(call.arg, `${place}.arg`), false)
  } catch (thrown) {
    if (thrown instanceof EvaluationError) throw new DataProblem(`${place}.arg`, thrown.message)
    throw thrown
  }
}
