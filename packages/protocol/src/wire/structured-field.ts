import { Reader } from './reader.ts'

/**
 * Structured fields (RFC 9651) as far as signatures and digests need them: dictionaries of items and inner lists. Stricter
 * than the parser of the document: a key that comes twice is refused, and so are dates and display strings.
 */
export type BareItem =
  | { readonly type: 'integer' | 'decimal'; readonly value: number }
  | { readonly type: 'string' | 'token'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Buffer }
  | { readonly type: 'boolean'; readonly value: boolean }

export type Parameters = ReadonlyMap<string, BareItem>

export interface Item {
  readonly item: BareItem
  readonly params: Parameters
}

export interface InnerList {
  readonly items: readonly Item[]
  readonly params: Parameters
}

export type Dictionary = ReadonlyMap<string, Item | InnerList>

/** Longest field that is read, and most members, items of a list and parameters in it. */
export const structuredFieldBytesMax = 8192
const membersMax = 16
const itemsMax = 64
const parametersMax = 16

const key = /[a-z*][a-z0-9_\-.*]*/y
const number = /-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y
const string = /"((?:[ !#-[\]-~]|\\["\\])*)"/y
const token = /[A-Za-z*][\w!#$%&'*+\-.^`|~:/]*/y
const bytes = /:([A-Za-z0-9+/]*={0,2}):/y
const boolean = /\?([01])/y
const equals = /=/y
const semicolon = /; */y
const comma = /[ \t]*,[ \t]*/y
const open = /\( */y
const close = / *\)/y
const spaces = / +/y

/** @param field value of the field, its lines joined by a comma @returns undefined when it is not a dictionary */
export function parseDictionary(field: string): Dictionary | undefined {
  if (field.length > structuredFieldBytesMax) return undefined
  const reader = new Reader(field.replace(/^ +| +$/g, ''))
  const members = new Map<string, Item | InnerList>()
  while (!reader.isAtEnd) {
    if (members.size > 0 && reader.take(comma) === undefined) return undefined
    const name = members.size < membersMax ? reader.take(key)?.[0] : undefined
    if (name === undefined || members.has(name)) return undefined
    const member = readMember(reader)
    if (member === undefined) return undefined
    members.set(name, member)
  }
  return members
}

/** A member without a value is the boolean `true`. */
function readMember(reader: Reader): Item | InnerList | undefined {
  if (reader.take(equals) === undefined) return withParameters(reader, { item: yes })
  if (reader.take(open) === undefined) return readItem(reader)
  const items: Item[] = []
  while (reader.take(close) === undefined) {
    if (items.length === itemsMax || (items.length > 0 && reader.take(spaces) === undefined)) return undefined
    const item = readItem(reader)
    if (item === undefined) return undefined
    items.push(item)
  }
  return withParameters(reader, { items })
}

function readItem(reader: Reader): Item | undefined {
  const item = readBareItem(reader)
  return item && withParameters(reader, { item })
}

function withParameters<T extends object>(
  reader: Reader,
  value: T,
): (T & { readonly params: Parameters }) | undefined {
  const params = new Map<string, BareItem>()
  while (reader.take(semicolon) !== undefined) {
    const name = params.size < parametersMax ? reader.take(key)?.[0] : undefined
    if (name === undefined || params.has(name)) return undefined
    const item = reader.take(equals) === undefined ? yes : readBareItem(reader)
    if (item === undefined) return undefined
    params.set(name, item)
  }
  return { ...value, params }
}

const yes: BareItem = { type: 'boolean', value: true }

function readBareItem(reader: Reader): BareItem | undefined {
  const digits = reader.take(number)?.[0]
  if (digits !== undefined)
    return { type: digits.includes('.') ? 'decimal' : 'integer', value: Number(digits) }
  const text = reader.take(string)?.[1]
  if (text !== undefined) return { type: 'string', value: text.replaceAll(/\\(.)/g, '$1') }
  const encoded = reader.take(bytes)?.[1]
  if (encoded !== undefined) return bytesOf(encoded)
  const flag = reader.take(boolean)?.[1]
  if (flag !== undefined) return { type: 'boolean', value: flag === '1' }
  const word = reader.take(token)?.[0]
  return word === undefined ? undefined : { type: 'token', value: word }
}

/** Canonical base64 only: two spellings of one value would be two signatures of one message. */
function bytesOf(encoded: string): BareItem | undefined {
  const value = Buffer.from(encoded, 'base64')
  return value.toString('base64') === encoded ? { type: 'bytes', value } : undefined
}

export function isInnerList(member: Item | InnerList): member is InnerList {
  return 'items' in member
}

/** The one canonical spelling (RFC 9651 section 4.1). */
export function serializeInnerList({ items, params }: InnerList): string {
  return `(${items.map(serializeItem).join(' ')})${serializeParameters(params)}`
}

export function serializeItem({ item, params }: Item): string {
  return serializeBareItem(item) + serializeParameters(params)
}

function serializeParameters(params: Parameters): string {
  let text = ''
  for (const [name, item] of params)
    text += item.type === 'boolean' && item.value ? `;${name}` : `;${name}=${serializeBareItem(item)}`
  return text
}

function serializeBareItem(item: BareItem): string {
  switch (item.type) {
    case 'integer':
    case 'token':
      return String(item.value)
    case 'decimal':
      return Number.isInteger(item.value) ? `${item.value}.0` : String(item.value)
    case 'string':
      return `"${item.value.replaceAll(/["\\]/g, '\\$&')}"`
    case 'bytes':
      return `:${item.value.toString('base64')}:`
    case 'boolean':
      return item.value ? '?1' : '?0'
    default:
      return item satisfies never
  }
}
