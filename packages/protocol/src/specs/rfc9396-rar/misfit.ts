import { isJsonObject, type JsonObject, type JsonValue } from '../../wire/json.ts'
import { amountOf } from './amount.ts'
import { commonMembers, type DetailField, type DetailType, type ListField } from './detail-type.ts'
import { memberOf } from './member.ts'
import { hasFormat } from './text-format.ts'

/** Why an entry is not what its type describes, in words with the path of the member; undefined when it is. */
export function misfitOfDetail(detail: JsonObject, type: DetailType): string | undefined {
  const { locations } = detail
  if (locations !== undefined && !isSoleLocation(locations, type.audience))
    return '`locations` does not name the resource server of the type alone'
  return misfitOfFields(detail, type.fields, commonMembers, '')
}

function isSoleLocation(locations: JsonValue, audience: string): boolean {
  return Array.isArray(locations) && locations.length === 1 && locations[0] === audience
}

function misfitOfFields(
  object: JsonObject,
  fields: readonly DetailField[],
  known: readonly string[],
  path: string,
): string | undefined {
  const unknown = Object.keys(object).find(
    member => !known.includes(member) && !fields.some(({ name }) => name === member),
  )
  if (unknown !== undefined) return `unknown field \`${path}${shown(unknown)}\``
  for (const field of fields) {
    const place = `${path}${field.name}`
    const value = memberOf(object, field.name)
    if (value === undefined) {
      if (field.required) return `field \`${place}\` is missing`
      continue
    }
    const wrong = misfitOf(value, field, place)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function misfitOf(value: JsonValue, field: DetailField, place: string): string | undefined {
  switch (field.kind) {
    case 'object':
      return isJsonObject(value)
        ? misfitOfFields(value, field.fields, [], `${place}.`)
        : `field \`${place}\` is not an object`
    case 'amount':
      return misfitOfAmount(value, field, place)
    case 'list':
      return isFittingList(value, field) ? undefined : `field \`${place}\` is not a list the type allows`
    default:
      return isFittingScalar(value, field) ? undefined : `field \`${place}\` has no value the type allows`
  }
}

type ScalarField = Exclude<DetailField, { kind: 'object' | 'amount' | 'list' }>

function isFittingScalar(value: JsonValue, field: ScalarField): boolean {
  switch (field.kind) {
    case 'text':
      return isFittingText(value, field)
    case 'integer':
      return Number.isSafeInteger(value) && Number(value) >= field.least && Number(value) <= field.most
    case 'boolean':
      return typeof value === 'boolean'
    case 'choice':
      return field.choices.some(choice => choice.value === value)
    default:
      return field satisfies never
  }
}

function isFittingText(
  value: JsonValue,
  { format, lengthMax }: Pick<ListField, 'format' | 'lengthMax'>,
): boolean {
  return typeof value === 'string' && [...value].length <= lengthMax && hasFormat(format, value)
}

function isFittingList(value: JsonValue, field: ListField): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > field.itemsMax) return false
  if (new Set(value).size !== value.length) return false
  return value.every(item =>
    field.choices.length > 0
      ? field.choices.some(choice => choice.value === item)
      : isFittingText(item, field),
  )
}

function misfitOfAmount(
  value: JsonValue,
  { currencies, most }: Extract<DetailField, { kind: 'amount' }>,
  place: string,
): string | undefined {
  if (!isJsonObject(value) || Object.keys(value).some(name => name !== 'currency' && name !== 'amount'))
    return `field \`${place}\` is not an amount`
  const amount = amountOf(value.amount)
  if (amount === undefined) return `field \`${place}.amount\` is not a decimal above zero`
  if (typeof value.currency !== 'string' || !currencies.includes(value.currency))
    return `field \`${place}.currency\` is not one of ${currencies.join(', ')}`
  return amount <= (amountOf(most) ?? 0n) ? undefined : `field \`${place}.amount\` is more than ${most}`
}

/** A name that a client made up, fit for a reason. */
function shown(name: string): string {
  return name.slice(0, 64).replaceAll(/[^\w.:-]/g, '?')
}
