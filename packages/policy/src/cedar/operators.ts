import type { Entity, EntityLookup } from './entities.ts'
import { EvaluationError, wrongType } from './evaluation-error.ts'
import { addLongs, type Long, multiplyLongs, subtractLongs } from './long.ts'
import { type CedarSet, type EntityUid, isSubset, keyOf, typeOf, type Value } from './value.ts'

/** Cedar's operators on values. Each throws an EvaluationError where Cedar has one. */

function long(value: Value): Long {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrongType('long', value)
  return value
}

function set(value: Value): CedarSet {
  if (typeof value !== 'object' || value.kind !== 'set') throw wrongType('set', value)
  return value
}

function uid(value: Value): EntityUid {
  if (typeof value !== 'object' || value.kind !== 'entity') throw wrongType('entity', value)
  return value
}

function fits(result: Long | undefined): Long {
  if (result === undefined) throw new EvaluationError('overflow', 'integer overflow')
  return result
}

export const negate = (value: Value): Long => fits(subtractLongs(0, long(value)))
export const add = (left: Value, right: Value): Long => fits(addLongs(long(left), long(right)))
export const subtract = (left: Value, right: Value): Long => fits(subtractLongs(long(left), long(right)))
export const multiply = (left: Value, right: Value): Long => fits(multiplyLongs(long(left), long(right)))

/** Longs compare with Longs, datetimes with datetimes, durations with durations; nothing else has an order. */
export function less(left: Value, right: Value, orEqual: boolean): boolean {
  const [first, second] = comparable(left, right)
  return orEqual ? first <= second : first < second
}

function comparable(left: Value, right: Value): readonly [Long, Long] {
  if (typeof left === 'object' && (left.kind === 'datetime' || left.kind === 'duration')) {
    if (typeof right === 'object' && right.kind === left.kind) return [left.amount, right.amount]
    throw wrongType(left.kind, right)
  }
  return [long(left), long(right)]
}

export const isEmpty = (value: Value): boolean => set(value).elements.length === 0
export const contains = (left: Value, right: Value): boolean => set(left).keys.has(keyOf(right))

export function containsAll(left: Value, right: Value): boolean {
  const [outer, inner] = [set(left), set(right)]
  return isSubset(inner.keys, outer.keys)
}

export function containsAny(left: Value, right: Value): boolean {
  const [one, other] = [set(left), set(right)]
  for (const key of one.keys) if (other.keys.has(key)) return true
  return false
}

/** The set on the right is read whole before anything is decided: one element that is no entity is an error. */
export function isIn(left: Value, right: Value, entities: EntityLookup): boolean {
  const child = uid(left)
  if (typeof right !== 'object' || (right.kind !== 'entity' && right.kind !== 'set'))
    throw wrongType('entity or set of entities', right)
  const parents = right.kind === 'entity' ? [right] : right.elements.map(uid)
  const ancestors = entities.get(child.key)?.ancestors
  return parents.some(({ key }) => key === child.key || ancestors?.has(key) === true)
}

function found(value: EntityUid, entities: EntityLookup): Entity {
  const entity = entities.get(value.key)
  if (entity === undefined)
    throw new EvaluationError(
      'entity',
      `entity \`${value.type}::${JSON.stringify(value.id)}\` does not exist`,
    )
  return entity
}

export function has(value: Value, name: string, entities: EntityLookup): boolean {
  if (typeof value === 'object') {
    if (value.kind === 'record') return value.fields.has(name)
    if (value.kind === 'entity') return entities.get(value.key)?.attributes.has(name) === true
  }
  throw wrongType('record or entity', value)
}

export function getAttribute(value: Value, name: string, entities: EntityLookup): Value {
  if (typeof value !== 'object' || (value.kind !== 'record' && value.kind !== 'entity'))
    throw wrongType('record or entity', value)
  const fields = value.kind === 'record' ? value.fields : found(value, entities).attributes
  const field = fields.get(name)
  if (field === undefined)
    throw new EvaluationError('attribute', `${typeOf(value)} has no attribute \`${name}\``)
  return field
}

function tagName(value: Value): string {
  if (typeof value !== 'string') throw wrongType('string', value)
  return value
}

export function hasTag(left: Value, right: Value, entities: EntityLookup): boolean {
  const [entity, name] = [uid(left), tagName(right)]
  return entities.get(entity.key)?.tags.has(name) === true
}

export function getTag(left: Value, right: Value, entities: EntityLookup): Value {
  const [entity, name] = [uid(left), tagName(right)]
  const tag = found(entity, entities).tags.get(name)
  if (tag === undefined) throw new EvaluationError('tag', `${typeOf(entity)} has no tag \`${name}\``)
  return tag
}
