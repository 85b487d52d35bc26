import type { Attributes, AttributeValue } from '@holdfast/policy'
import type { SourcedAttribute } from '../snapshot/snapshot.ts'
import { UnusableAnswer } from './unusable.ts'

/** Characters of a text, and of one text of a list. */
export const textLengthMax = 1024
const listedTextLengthMax = 256
/** Texts of a list. */
const listLengthMax = 64
/** Bytes of all that one answer tells: no token could carry more, and ten thousand answers are remembered. */
const answerBytesMax = 4096

/**
 * What a source said, as attributes.
 * @param told what stands at the place of an attribute; undefined and null: nothing
 * @throws UnusableAnswer when something is of another type, or too long; never with the value in it
 */
export function attributesOf(
  attributes: ReadonlyMap<string, SourcedAttribute>,
  told: (claim: string) => unknown,
): Attributes {
  const found: [string, AttributeValue][] = []
  for (const [claim, { type }] of attributes) {
    const value = told(claim)
    if (value === undefined || value === null) continue
    const attribute = attributeOf(type, value)
    if (attribute === undefined) throw new UnusableAnswer(`\`${claim}\` is no ${type} within its bounds`)
    found.push([claim, attribute])
  }
  const read = Object.fromEntries(found)
  if (Buffer.byteLength(JSON.stringify(read)) > answerBytesMax)
    throw new UnusableAnswer(`it tells more than ${answerBytesMax} bytes`)
  return read
}

function attributeOf(type: SourcedAttribute['type'], value: unknown): AttributeValue | undefined {
  switch (type) {
    case 'string':
      return isText(value, textLengthMax) ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'integer': {
      // Databases give integers of eight bytes as texts.
      const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
      return Number.isSafeInteger(number) ? Number(number) : undefined
    }
    case 'strings': {
      if (!Array.isArray(value) || value.length > listLengthMax) return undefined
      const texts = value.filter((one): one is string => isText(one, listedTextLengthMax))
      return texts.length === value.length ? texts : undefined
    }
    default:
      return type satisfies never
  }
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax && value.isWellFormed()
}
