export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

/** Has no prototype: a member that was not sent is never found by inheritance. */
export interface JsonObject {
  readonly [member: string]: JsonValue
}

export interface JsonLimits {
  readonly depthMax: number
  /** Members of objects, and values between commas, each counted over the whole text. */
  readonly membersMax: number
}

export const jsonLimits: JsonLimits = { depthMax: 16, membersMax: 1000 }

const comma = 0x2c
const colon = 0x3a
const quote = 0x22
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * Strict JSON: duplicate member names, `__proto__`, numbers that do not stay finite, text that is not well-formed
 * Unicode or holds U+0000, too much depth and too many members all give undefined.
 * @param text already bounded in length by the caller
 */
export function parseJson(text: string, limits: JsonLimits = jsonLimits): JsonValue | undefined {
  const namesWritten = countNames(text, limits)
  if (namesWritten === undefined || !text.isWellFormed()) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  // Only an escape can bring in what the text itself did not show.
  const reading: Reading = { names: 0, hasEscapes: text.includes('\\') }
  const value = purified(parsed, reading)
  // `JSON.parse` keeps the last of two equal names, so fewer names than colons means one was repeated.
  return reading.names === namesWritten ? value : undefined
}

/** `parseJson` for texts whose value must be an object. */
export function parseJsonObject(text: string, limits: JsonLimits = jsonLimits): JsonObject | undefined {
  const value = parseJson(text, limits)
  return isJsonObject(value) ? value : undefined
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Counts the colons outside strings; undefined when a limit is passed. Syntax is left to `JSON.parse`. */
function countNames(text: string, limits: JsonLimits): number | undefined {
  let names = 0
  let commas = 0
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case quote:
        index = endOfString(text, index)
        if (index < 0) return undefined
        break
      case colon:
        if (++names > limits.membersMax) return undefined
        break
      case comma:
        if (++commas >= limits.membersMax) return undefined
        break
      case openBrace:
      case openBracket:
        if (++depth > limits.depthMax) return undefined
        break
      case closeBrace:
      case closeBracket:
        depth--
        break
    }
  }
  return names
}

/** Index of the quote that closes the string opened at `start`; -1 when none does. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

/** Whether an odd number of backslashes stands before `index`. */
function isEscaped(text: string, index: number): boolean {
  let before = index - 1
  while (text.charCodeAt(before) === backslash) before--
  return (index - before) % 2 === 0
}

interface Reading {
  names: number
  readonly hasEscapes: boolean
}

/**
 * The value, its prototypes taken off; undefined when something inside is not acceptable. In place: what `JSON.parse`
 * made is nobody else's, and a copy without prototype would be a slow dictionary to every rule that reads it.
 */
function purified(value: unknown, reading: Reading): JsonValue | undefined {
  if (typeof value === 'string') return isPlainText(value, reading) ? value : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (value === null || typeof value === 'boolean') return value
  if (Array.isArray(value)) return purifiedList(value, reading)
  return purifiedObject(value as Record<string, unknown>, reading)
}

function purifiedList(list: readonly unknown[], reading: Reading): JsonValue | undefined {
  for (const element of list) if (purified(element, reading) === undefined) return undefined
  return list as readonly JsonValue[]
}

function purifiedObject(object: Record<string, unknown>, reading: Reading): JsonValue | undefined {
  for (const name of Object.keys(object)) {
    if (name === '__proto__' || !isPlainText(name, reading)) return undefined
    if (purified(object[name], reading) === undefined) return undefined
    reading.names++
  }
  return Object.setPrototypeOf(object, null) as JsonObject
}

// U+0000 cannot be stored by every database and has no honest use in a protocol message.
function isPlainText(text: string, reading: Reading): boolean {
  return !reading.hasEscapes || (text.isWellFormed() && !text.includes('\0'))
}
