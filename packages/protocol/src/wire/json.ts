export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

/** Has no prototype: a member that was not sent is never found by inheritance. */
export interface JsonObject {
  readonly [member: string]: JsonValue
}

export interface JsonLimits {
  readonly depthMax: number
  /** Object members and array elements together, over the whole text. */
  readonly membersMax: number
}

export const jsonLimits: JsonLimits = { depthMax: 16, membersMax: 1000 }

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
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
  if (namesWritten === undefined) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  const tally: Tally = { names: 0 }
  const value = purified(parsed, tally)
  // `JSON.parse` keeps the last of two equal names, so fewer names than colons means one was repeated.
  return tally.names === namesWritten ? value : undefined
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
      case quote: {
        index = endOfString(text, index)
        break
      }
      case colon:
        names++
        break
      case comma:
        commas++
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
    if (names > limits.membersMax || commas >= limits.membersMax) return undefined
  }
  return names
}

/** Index of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  let index = start + 1
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (code === quote) return index
    index += code === backslash ? 2 : 1
  }
  return index
}

interface Tally {
  names: number
}

/** A copy without prototypes; undefined when something inside is not acceptable. */
function purified(value: unknown, tally: Tally): JsonValue | undefined {
  if (typeof value === 'string') return isPlainText(value) ? value : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (value === null || typeof value === 'boolean') return value
  if (Array.isArray(value)) return purifiedList(value, tally)
  return purifiedObject(value as Record<string, unknown>, tally)
}

function purifiedList(list: readonly unknown[], tally: Tally): JsonValue | undefined {
  const copy: JsonValue[] = []
  for (const element of list) {
    const value = purified(element, tally)
    if (value === undefined) return undefined
    copy.push(value)
  }
  return copy
}

function purifiedObject(object: Record<string, unknown>, tally: Tally): JsonValue | undefined {
  const copy: Record<string, JsonValue> = Object.create(null)
  for (const name of Object.keys(object)) {
    if (name === '__proto__' || !isPlainText(name)) return undefined
    const value = purified(object[name], tally)
    if (value === undefined) return undefined
    copy[name] = value
    tally.names++
  }
  return copy
}

// U+0000 cannot be stored by every database and has no honest use in a protocol message.
function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
