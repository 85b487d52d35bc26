import { isJsonObject, type JsonObject, type JsonValue } from '../../wire/json.ts'
import type { AuthorizationDetail, Choice, DetailField, DetailType, TextFormat } from './detail-type.ts'
import { memberOf } from './member.ts'

/** A label and what is asked for under it: a part of a sentence, in no language but that of the document. */
export interface DetailPart {
  readonly label: string
  readonly values: readonly string[]
}

/** One entry in plain words. */
export interface DetailWords {
  readonly title: string
  readonly description: string
  readonly parts: readonly DetailPart[]
}

/** Every member of an entry in words, made from the fields that judged it: nothing is allowed that is not shown (I13). */
export function wordsOf(detail: AuthorizationDetail, type: DetailType): DetailWords {
  const { title, description, fields } = type
  return { title, description, parts: partsOf(detail, fields) }
}

function partsOf(object: JsonObject, fields: readonly DetailField[]): readonly DetailPart[] {
  return fields.flatMap(field => {
    const value = memberOf(object, field.name)
    if (value === undefined) return []
    if (field.kind === 'object')
      return isJsonObject(value)
        ? partsOf(value, field.fields).map(part => ({ ...part, label: `${field.label}: ${part.label}` }))
        : []
    return [{ label: field.label, values: valuesOf(value, field) }]
  })
}

function valuesOf(value: JsonValue, field: Exclude<DetailField, { kind: 'object' }>): readonly string[] {
  switch (field.kind) {
    case 'amount':
      return isJsonObject(value) ? [`${value.currency} ${grouped(String(value.amount))}`] : []
    case 'integer':
      return [String(value)]
    case 'boolean':
      return [value === true ? 'Yes' : 'No']
    case 'text':
      return [readable(field.format, String(value))]
    case 'choice':
      return [wordsFor(field.choices, value)]
    case 'list':
      return Array.isArray(value)
        ? value.map(item =>
            field.choices.length > 0 ? wordsFor(field.choices, item) : readable(field.format, String(item)),
          )
        : []
    default:
      return field satisfies never
  }
}

function wordsFor(choices: readonly Choice[], value: JsonValue): string {
  return choices.find(choice => choice.value === value)?.words ?? String(value)
}

/** An IBAN in groups of four, as on paper; everything else as it is. */
function readable(format: TextFormat, text: string): string {
  return format === 'iban' ? text.replaceAll(/(.{4})(?=.)/g, '$1 ') : text
}

/** Thin gaps between thousands, which no locale takes for a decimal sign. */
function grouped(amount: string): string {
  const [whole = '', fraction] = amount.split('.')
  const parted = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202f')
  return fraction === undefined ? parted : `${parted}.${fraction}`
}
