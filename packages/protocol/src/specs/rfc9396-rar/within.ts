import { isJsonObject, type JsonObject, type JsonValue } from '../../wire/json.ts'
import { amountOf } from './amount.ts'
import type { AuthorizationDetail, DetailField, DetailType, Narrowing } from './detail-type.ts'
import { memberOf } from './member.ts'

/** The same text for the same content, whatever the order of members. */
export function canonicalDetail(value: JsonValue): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    isJsonObject(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : member,
  )
}

/**
 * Whether every entry asked for is no more than an entry of its own among those granted (I14). Two halves of one
 * granted payment are two payments, so each granted entry vouches for one asked at most.
 */
export function areWithin(
  asked: readonly AuthorizationDetail[],
  granted: readonly AuthorizationDetail[],
  types: ReadonlyMap<string, DetailType>,
): boolean {
  // Bipartite matching: an entry that finds its place taken moves whoever took it, when that one can move.
  const takenBy = new Map<number, number>()
  const finds = (one: number, tried: Set<number>): boolean =>
    granted.some((candidate, place) => {
      const detail = asked[one]
      if (tried.has(place) || detail === undefined || !isWithin(detail, candidate, types)) return false
      tried.add(place)
      const taken = takenBy.get(place)
      if (taken !== undefined && !finds(taken, tried)) return false
      takenBy.set(place, one)
      return true
    })
  return asked.every((_, one) => finds(one, new Set()))
}

/** Whether `asked` is no more than `granted`, field by field as their type says. */
export function isWithin(
  asked: AuthorizationDetail,
  granted: AuthorizationDetail,
  types: ReadonlyMap<string, DetailType>,
): boolean {
  const type = types.get(asked.type)
  if (type === undefined || asked.type !== granted.type) return false
  return (
    canonicalDetail(asked.locations ?? null) === canonicalDetail(granted.locations ?? null) &&
    areFieldsWithin(asked, granted, type.fields)
  )
}

/** A field that only one side has may mean anything to an API, so neither side has less. */
function areFieldsWithin(asked: JsonObject, granted: JsonObject, fields: readonly DetailField[]): boolean {
  return fields.every(field => {
    const [left, right] = [memberOf(asked, field.name), memberOf(granted, field.name)]
    if (left === undefined || right === undefined) return left === right
    return isValueWithin(left, right, field)
  })
}

function isValueWithin(asked: JsonValue, granted: JsonValue, field: DetailField): boolean {
  switch (field.kind) {
    case 'object':
      return isJsonObject(asked) && isJsonObject(granted) && areFieldsWithin(asked, granted, field.fields)
    case 'amount':
      return isAmountWithin(asked, granted, field.narrowing)
    case 'list':
      return isListWithin(asked, granted, field.narrowing)
    case 'integer':
    case 'text':
      return isOrderedWithin(asked, granted, field.narrowing)
    case 'boolean':
    case 'choice':
      return asked === granted
    default:
      return field satisfies never
  }
}

/** Numbers, and dates as text: both are in order as they are. */
function isOrderedWithin(asked: JsonValue, granted: JsonValue, narrowing: Narrowing): boolean {
  if (asked === granted) return true
  if (typeof asked !== typeof granted || asked === null || granted === null) return false
  if (narrowing === 'at-most') return asked < granted
  return narrowing === 'at-least' && asked > granted
}

function isListWithin(asked: JsonValue, granted: JsonValue, narrowing: Narrowing): boolean {
  if (!Array.isArray(asked) || !Array.isArray(granted)) return false
  const isSame = asked.length === granted.length
  return (isSame || narrowing === 'subset') && asked.every(item => granted.includes(item))
}

function isAmountWithin(asked: JsonValue, granted: JsonValue, narrowing: Narrowing): boolean {
  if (!isJsonObject(asked) || !isJsonObject(granted) || asked.currency !== granted.currency) return false
  const [left, right] = [amountOf(asked.amount), amountOf(granted.amount)]
  if (left === undefined || right === undefined) return false
  return left === right || (narrowing === 'at-most' && left < right)
}
