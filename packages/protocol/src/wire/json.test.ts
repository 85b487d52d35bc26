import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseJson, parseJsonObject } from './json.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const members = (count: number): string =>
  `{${Array.from({ length: count }, (_, index) => `"m${index}":0`).join(',')}}`

describe('strict JSON', () => {
  for (const [name, text] of [
    ['a repeated member', '{"a":1,"a":2}'],
    ['a member repeated in another spelling', '{"a":1,"\\u0061":2}'],
    ['a repeated member further in', '{"a":[{"b":1,"b":1}]}'],
    ['a repeated empty name', '{"":1,"":2}'],
    ['a member named `__proto__`', '{"__proto__":{"admin":true}}'],
    ['`__proto__` in another spelling', '{"\\u005f_proto__":1}'],
    ['a number that is not finite', '{"exp":1e400}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['a lone surrogate in a name', '{"\\udfff":1}'],
    ['a raw lone surrogate', '{"a":"\ud800"}'],
    ['U+0000', '{"a":"\\u0000"}'],
    ['a comment', '{"a":1/**/}'],
    ['a trailing comma', '{"a":1,}'],
    ['single quotes', "{'a':1}"],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['something after the value', '{"a":1}{}'],
    ['an open string', '{"a":"b'],
    ['a string that ends in a backslash', '{"a":"b\\'],
    ['nothing', ''],
  ] as const) {
    it(`refuses ${name}`, () => assert.equal(parseJson(text), undefined))
  }

  it('takes depth 16 and refuses 17', () => {
    assert.notEqual(parseJson(nested(16)), undefined)
    assert.equal(parseJson(nested(17)), undefined)
  })

  it('takes 1000 members and refuses 1001', () => {
    assert.notEqual(parseJson(members(1000)), undefined)
    assert.equal(parseJson(members(1001)), undefined)
  })

  it('takes 1000 elements and refuses 1001', () => {
    assert.notEqual(parseJson(`[${Array(1000).fill(0).join(',')}]`), undefined)
    assert.equal(parseJson(`[${Array(1001).fill(0).join(',')}]`), undefined)
  })

  it('reads a brace, colon or quote inside a string as text', () => {
    const value = { 'a":{': '\\":,{[', 'b\\': ':' }
    assert.deepEqual(plain(parseJson(JSON.stringify(value))), value)
  })

  it('gives objects that inherit nothing', () => {
    const object = parseJsonObject('{"a":{"b":1}}')
    assert.equal(object?.constructor, undefined)
    assert.equal(Object.getPrototypeOf(object), null)
    assert.equal(Object.getPrototypeOf(object?.a), null)
  })

  it('takes only objects where an object is asked for', () => {
    for (const text of ['[]', 'null', '1', '"a"', 'true']) assert.equal(parseJsonObject(text), undefined)
  })

  it('agrees with `JSON.parse` on every value that was written once', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), value => {
        const text = JSON.stringify(value)
        const parsed = parseJson(text)
        if (parsed !== undefined) assert.deepEqual(plain(parsed), JSON.parse(text))
        else assert.match(text, /__proto__|\\u0000|\\ud[89a-f]/)
      }),
    )
  })

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      '\\u00',
      'a',
      '1',
      'e9',
      ' ',
      '-',
      '\u0000',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces).map(list => list.join('')),
        ),
        text => {
          const value = parseJson(text)
          if (value !== undefined) assert.deepEqual(plain(value), JSON.parse(text))
        },
      ),
      { numRuns: 500 },
    )
  })
})

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
