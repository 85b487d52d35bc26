import { Reader } from './reader.ts'

/** One challenge of a `WWW-Authenticate` field (RFC 9110 section 11.6.1). */
export interface Challenge {
  /** As written; compare in lower case. */
  readonly scheme: string
  readonly token68: string | undefined
  /** By lower-case parameter name. */
  readonly params: ReadonlyMap<string, string>
}

/** Longest field value that is read, and most challenges and parameters in it. */
const fieldLengthMax = 8192
const itemsMax = 64

/** A challenge with every value as a quoted-string; what cannot stand in one is replaced by `?`. */
export function challenge(scheme: string, params: readonly (readonly [string, string])[]): string {
  if (params.length === 0) return scheme
  return `${scheme} ${params.map(([name, value]) => `${name}=${quotedString(value)}`).join(', ')}`
}

function quotedString(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`
}

const scheme = /([!#$%&'*+.^_`|~\w-]+)(?= |,|$)/y
const token68 = /([A-Za-z0-9._~+/-]+=*)(?=[ \t]*(?:,|$))/y
const param =
  /([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*)"|([!#$%&'*+.^_`|~\w-]+))(?=[ \t]*(?:,|$))/y
const separator = /[ \t]*(?:,[ \t]*)+/y
const spaces = / +/y

/**
 * The challenges of one field value.
 * @returns undefined when the text does not follow the grammar, or repeats a parameter in a challenge
 */
export function parseChallenges(field: string): readonly Challenge[] | undefined {
  if (field.length > fieldLengthMax) return undefined
  const reader = new Reader(field.trim())
  const challenges: Challenge[] = []
  reader.take(separator)
  while (!reader.isAtEnd) {
    const one = challenges.length < itemsMax ? readChallenge(reader) : undefined
    if (one === undefined) return undefined
    challenges.push(one)
  }
  return challenges
}

function readChallenge(reader: Reader): Challenge | undefined {
  const name = reader.take(scheme)?.[1]
  if (name === undefined) return undefined
  const params = new Map<string, string>()
  let token: string | undefined
  if (reader.take(spaces) !== undefined) {
    token = reader.take(token68)?.[1]
    if (token === undefined && !readParams(reader, params)) return undefined
  }
  if (reader.take(separator) === undefined && !reader.isAtEnd) return undefined
  return { scheme: name, token68: token, params }
}

/** Reads `name=value` pairs until the next thing is no pair; at least one must stand there. */
function readParams(reader: Reader, params: Map<string, string>): boolean {
  for (let count = 0; count < itemsMax; count++) {
    const before = reader.position
    if (count > 0 && reader.take(separator) === undefined) return true
    const match = reader.take(param)
    if (match === undefined) {
      reader.position = before
      return count > 0
    }
    const name = (match[1] ?? '').toLowerCase()
    if (params.has(name)) return false
    params.set(name, match[2] === undefined ? (match[3] ?? '') : match[2].replace(/\\(.)/g, '$1'))
  }
  return false
}
