import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DetailType } from './detail-type.ts'
import { paymentType, readingType } from './sample-types.ts'
import { soundnessOf } from './soundness.ts'

/** What is for people only: these members, wherever they stand. */
const words: readonly string[] = ['title', 'description', 'label', 'words']

/** Every way to change one value in it, by its path. */
function changes(value: unknown, path: readonly string[] = []): (readonly [string, unknown])[] {
  const name = path.join('.')
  if (typeof value === 'boolean') return [[name, !value]]
  if (typeof value === 'number') return [[name, value + 1]]
  if (typeof value === 'string') return [[name, `${value}x`]]
  return Object.entries(value as object).flatMap(([member, inner]) =>
    changes(inner, [...path, member]).map(([at, changed]): readonly [string, unknown] => [
      at,
      Array.isArray(value)
        ? value.map((item, index) => (String(index) === member ? changed : item))
        : { ...(value as object), [member]: changed },
    ]),
  )
}

const others = [paymentType, readingType].flatMap(type =>
  changes(type).flatMap(([at, changed]) =>
    at === 'name' ? [] : [{ type, at, changed: changed as DetailType }],
  ),
)
const isForPeople = (at: string): boolean => words.includes(at.split('.').at(-1) ?? '')

describe('what decides about entries of a type', () => {
  for (const { type, at, changed } of others)
    test(`${type.name}: another ${at} ${isForPeople(at) ? 'does not change it' : 'changes it'}`, () => {
      assert.equal(soundnessOf(changed) === soundnessOf(type), isForPeople(at))
    })

  test('fields and choices may stand in another order', () => {
    const turned = readingType.fields.toReversed().map(field => {
      const isChosen = field.kind === 'choice' || field.kind === 'list'
      return isChosen ? { ...field, choices: field.choices.toReversed() } : field
    })
    assert.equal(soundnessOf({ ...readingType, fields: turned }), soundnessOf(readingType))
  })

  for (const type of [paymentType, readingType])
    test(`${type.name}: a field more or less changes it`, () => {
      assert.notEqual(soundnessOf({ ...type, fields: type.fields.slice(1) }), soundnessOf(type))
      const added = { name: 'more', label: 'More', kind: 'boolean', required: false } as const
      assert.notEqual(soundnessOf({ ...type, fields: [...type.fields, added] }), soundnessOf(type))
    })
})
