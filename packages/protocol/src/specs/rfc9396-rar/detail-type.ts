import type { JsonValue } from '../../wire/json.ts'

/** One entry of `authorization_details` that its type found good; every member of it is shown before it is allowed. */
export interface AuthorizationDetail {
  readonly type: string
  readonly [member: string]: JsonValue
}

/** Formats of text. Data, not patterns: a pattern of an operator could take longer than a request may. */
export const textFormats = ['plain', 'identifier', 'iban', 'bic', 'date', 'uri'] as const
export type TextFormat = (typeof textFormats)[number]

/** When a value counts as no more than the one that was granted. `same` unless said. */
export type Narrowing = 'same' | 'at-most' | 'at-least' | 'subset'

interface NamedField {
  readonly name: string
  /** Short plain words that stand before the value on the consent page. */
  readonly label: string
  readonly required: boolean
}

export interface TextField extends NamedField {
  readonly kind: 'text'
  readonly format: TextFormat
  /** Characters, not bytes. */
  readonly lengthMax: number
  /** `at-most` and `at-least` are for dates: not later, not earlier. */
  readonly narrowing: Exclude<Narrowing, 'subset'>
}

export interface IntegerField extends NamedField {
  readonly kind: 'integer'
  readonly least: number
  readonly most: number
  readonly narrowing: Exclude<Narrowing, 'subset'>
}

/** `{ "currency": "EUR", "amount": "12.50" }`, as in the examples of RFC 9396: text, so that no digit is lost. */
export interface AmountField extends NamedField {
  readonly kind: 'amount'
  /** ISO 4217 codes. */
  readonly currencies: readonly string[]
  /** Decimal text; the bound holds in every currency of the list. */
  readonly most: string
  readonly narrowing: Extract<Narrowing, 'same' | 'at-most'>
}

export interface BooleanField extends NamedField {
  readonly kind: 'boolean'
}

/** A value on the wire and the words for it. */
export interface Choice {
  readonly value: string
  readonly words: string
}

export interface ChoiceField extends NamedField {
  readonly kind: 'choice'
  readonly choices: readonly Choice[]
}

/** Distinct items: choices when there are any, else text of a format. */
export interface ListField extends NamedField {
  readonly kind: 'list'
  readonly choices: readonly Choice[]
  readonly format: TextFormat
  readonly lengthMax: number
  readonly itemsMax: number
  readonly narrowing: Extract<Narrowing, 'same' | 'subset'>
}

export interface ObjectField extends NamedField {
  readonly kind: 'object'
  readonly fields: readonly DetailField[]
}

export type DetailField =
  | TextField
  | IntegerField
  | AmountField
  | BooleanField
  | ChoiceField
  | ListField
  | ObjectField

/** What an entry of `authorization_details` of one type may say, where it counts, and how it reads. */
export interface DetailType {
  readonly name: string
  /** Short plain words for the consent page, e.g. `Make a payment`. */
  readonly title: string
  /** What exactly it lets the application do. */
  readonly description: string
  /** Resource identifier of the one resource server the type belongs to: only its tokens carry such details. */
  readonly audience: string
  readonly fields: readonly DetailField[]
}

/** Members of every type, so no field may be named like them. */
export const commonMembers: readonly string[] = ['type', 'locations']

export const detailLimits = {
  /** Bytes of the parameter. Leaves a JWT access token with all of it under the 8 KiB an API reads. */
  bytesMax: 4096,
  entriesMax: 20,
  depthMax: 6,
  membersMax: 400,
  /** Characters of one text, and items of one list. */
  textMax: 400,
  itemsMax: 50,
} as const
