import { addLongs, type Long } from './long.ts'

/** The values of Cedar. Data that travels is JSON (`json.ts`); this is what evaluation works on. */
export type Value = boolean | Long | string | EntityUid | CedarSet | CedarRecord | Scalar | IpRange

/** Stands for a value in a set. */
export type Key = string | Long | boolean

export interface EntityUid {
  readonly kind: 'entity'
  readonly type: string
  readonly id: string
  /** Equal for equal ids only: a type's name holds no quotation mark. */
  readonly key: string
}

export interface CedarSet {
  readonly kind: 'set'
  /** Without duplicates. */
  readonly elements: readonly Value[]
  readonly keys: ReadonlySet<Key>
}

export interface CedarRecord {
  readonly kind: 'record'
  readonly fields: ReadonlyMap<string, Value>
}

/** A `decimal` (in ten-thousandths), `datetime` or `duration` (in milliseconds). */
export interface Scalar {
  readonly kind: 'decimal' | 'datetime' | 'duration'
  readonly amount: Long
}

export interface IpRange {
  readonly kind: 'ipaddr'
  readonly version: 4 | 6
  readonly address: bigint
  readonly prefix: number
}

export function entityKey(type: string, id: string): string {
  return `${type}::"${id}`
}

export function entityUid(type: string, id: string): EntityUid {
  return { kind: 'entity', type, id, key: entityKey(type, id) }
}

/** One key for every value: equal keys, equal values. Longs and booleans stand for themselves, the rest is text. */
export function keyOf(value: Value): Key {
  if (typeof value === 'string') return `s${value}`
  if (typeof value !== 'object') return value
  switch (value.kind) {
    case 'entity':
      return `e${value.key}`
    case 'set':
      return `[${[...value.keys].map(keyText).toSorted().join()}]`
    case 'record':
      return `{${[...value.fields]
        .map(([name, field]) => `${JSON.stringify(name)}:${keyText(keyOf(field))}`)
        .toSorted()
        .join()}}`
    case 'ipaddr':
      return `i${value.version}/${value.address}/${value.prefix}`
    case 'decimal':
    case 'datetime':
    case 'duration':
      return `${value.kind}/${value.amount}`
    default:
      return value satisfies never
  }
}

function keyText(key: Key): string {
  if (typeof key === 'string') return JSON.stringify(key)
  // `-0` is the Long 0: added to zero it loses its sign.
  return typeof key === 'boolean' ? String(key) : String(addLongs(key, 0))
}

export function setOf(values: readonly Value[]): CedarSet {
  const keys = new Set<Key>()
  const elements = values.filter(value => {
    const before = keys.size
    return keys.add(keyOf(value)).size > before
  })
  return { kind: 'set', elements, keys }
}

export function isSubset(inner: ReadonlySet<Key>, outer: ReadonlySet<Key>): boolean {
  if (inner.size > outer.size) return false
  for (const key of inner) if (!outer.has(key)) return false
  return true
}

export function equals(left: Value, right: Value): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object') return false
  switch (left.kind) {
    case 'entity':
      return right.kind === 'entity' && left.key === right.key
    case 'set':
      return right.kind === 'set' && left.keys.size === right.keys.size && isSubset(left.keys, right.keys)
    case 'record':
      return right.kind === 'record' && sameFields(left.fields, right.fields)
    case 'ipaddr':
      return (
        right.kind === 'ipaddr' &&
        left.version === right.version &&
        left.address === right.address &&
        left.prefix === right.prefix
      )
    case 'decimal':
    case 'datetime':
    case 'duration':
      return right.kind === left.kind && left.amount === right.amount
    default:
      return left satisfies never
  }
}

function sameFields(left: ReadonlyMap<string, Value>, right: ReadonlyMap<string, Value>): boolean {
  if (left.size !== right.size) return false
  for (const [name, value] of left) {
    const other = right.get(name)
    if (other === undefined || !equals(value, other)) return false
  }
  return true
}

/** The name of a value's type, for messages. */
export function typeOf(value: Value): string {
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value !== 'object') return 'long'
  return value.kind === 'entity' ? `(entity of type \`${value.type}\`)` : value.kind
}
