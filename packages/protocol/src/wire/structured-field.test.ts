import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isInnerList, parseDictionary, serializeInnerList, serializeItem } from './structured-field.ts'

/** The dictionary in its canonical spelling, or undefined. */
function canonical(field: string): string | undefined {
  const members = parseDictionary(field)
  return (
    members &&
    [...members]
      .map(
        ([name, member]) =>
          `${name}=${isInnerList(member) ? serializeInnerList(member) : serializeItem(member)}`,
      )
      .join(', ')
  )
}

describe('a dictionary', () => {
  const read: readonly (readonly [field: string, canonical: string])[] = [
    ['', ''],
    ['a=1', 'a=1'],
    ['  a=1  ', 'a=1'],
    ['a=1,\t b=-2', 'a=1, b=-2'],
    ['a', 'a=?1'],
    ['a;x;y=?0', 'a=?1;x;y=?0'],
    ['a=999999999999999', 'a=999999999999999'],
    ['a=1.5, b=2.0', 'a=1.5, b=2.0'],
    ['a="x \\" \\\\ y"', 'a="x \\" \\\\ y"'],
    ['a=token/x:y', 'a=token/x:y'],
    ['a=*t', 'a=*t'],
    ['a=:AA==:', 'a=:AA==:'],
    ['a=::', 'a=::'],
    ['a=()', 'a=()'],
    ['a=(  "x"   "y";req );created=1;tag="t"', 'a=("x" "y";req);created=1;tag="t"'],
  ]
  for (const [field, text] of read) it(`reads \`${field}\``, () => assert.equal(canonical(field), text))

  const refused: readonly string[] = [
    ...['=1', 'A=1', 'a=1,', ',a=1', 'a=1 b=2', 'a=1, a=2', 'a=', 'a;x=1;x=2', '1a=1', 'a;=1'],
    ...['a=1000000000000000', 'a=1.', 'a=1.2345', 'a=--1', 'a=.5', 'a=1e3'],
    ...['a="x', 'a="\\x"', 'a="ä"', 'a="x\ty"', "a='x'"],
    ...['a=:AB==:', 'a=:AA:', 'a=:A_==:', 'a=:AA==', 'a=?2', 'a=@1', 'a=%"x"'],
    ...['a=("x" "y"', 'a=("x""y")', 'a=("x",)', 'a=(("x"))', 'a=("x")("y")'],
    `a="${'x'.repeat(8192)}"`,
    Array.from({ length: 17 }, (_, index) => `a${index}`).join(','),
    `a${Array.from({ length: 17 }, (_, index) => `;p${index}`).join('')}`,
    `a=(${'1 '.repeat(65)})`,
  ]
  for (const field of refused)
    it(`refuses \`${field.slice(0, 40)}\``, () => assert.equal(parseDictionary(field), undefined))

  it('has room for 16 members, 16 parameters and 64 items', () => {
    assert.ok(parseDictionary(Array.from({ length: 16 }, (_, index) => `a${index}`).join(',')))
    assert.ok(parseDictionary(`a${Array.from({ length: 16 }, (_, index) => `;p${index}`).join('')}`))
    assert.ok(parseDictionary(`a=(${'1 '.repeat(64)})`))
  })

  it('reads what it wrote to the same, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 60 }),
          fc
            .array(fc.constantFrom('a', 'b', '=', '(', ')', ';', ',', ' ', '"x"', ':AA==:', '1', '?1', '.'))
            .map(parts => parts.join('')),
        ),
        field => {
          const once = canonical(field)
          if (once !== undefined) assert.equal(canonical(once), once)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
