import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readDocuments } from './documents.ts'
import { readYaml } from './read-yaml.ts'

/** Attack: a text that costs far more to read than to send. */

const read = (text: string) => [...readYaml(text)]
const errors = (text: string) => read(text).map(found => ('error' in found ? found.error : 'read'))
const problemsOf = (text: string) => {
  const found = readDocuments([{ path: 'a', text }])
  return found.ok ? [] : found.problems
}

describe('a text of documents', () => {
  test('is read in time that grows with its length, however many keys one map has', () => {
    const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: 1`).join('\n')
    const timed = (count: number): number => {
      const text = keys(count)
      const started = performance.now()
      assert.deepEqual(errors(text), ['read'])
      return performance.now() - started
    }
    timed(1000)
    const [short, long] = [timed(4000), timed(64_000)]
    // Sixteen times the keys; compared with each other they took more than two hundred times as long.
    assert.ok(long < 80 * Math.max(short, 5), `${short} and ${long} ms`)
  })

  test('has lists and maps inside each other 64 deep, and no deeper', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{a: ', '}'],
      ['- ', ''],
    ] as const) {
      const nested = (depth: number): string => `${open.repeat(depth)}${close.repeat(depth)}`
      assert.deepEqual(errors(nested(64)), ['read'], open)
      assert.match(errors(nested(65)).join(), /more than 64/, open)
      assert.match(errors(nested(100_000)).join(), /more than 64/, open)
    }
    assert.deepEqual(errors(`a: "${'['.repeat(1000)}"`), ['read'], 'in a text they are letters')
  })

  test('with a hundred problems is told of those, and of no more', () => {
    assert.equal(problemsOf('a\n---\n'.repeat(20_000)).length, 100)
    const unknown = Array.from({ length: 5000 }, (_, index) => `k${index}: 1`).join('\n')
    assert.ok(problemsOf(unknown).length <= 100)
    assert.equal(problemsOf('@\n---\n'.repeat(5000)).length, 100)
  })

  test('has each key once, however it is written, and no alias', () => {
    for (const text of ['a: 1\na: 2', '1: a\n"1": b', '{"a": 1, a: 2}', 'x:\n  - a: 1\n    a: 1'])
      assert.match(errors(text).join(), /unique/, text)
    assert.deepEqual(read('a: &b [1]\nc: *b'), [{ line: 1, value: undefined }])
    assert.deepEqual(read('# nothing'), [])
    assert.deepEqual(read('a: 1\n---\n\nb: 2'), [
      { line: 1, value: { a: 1 } },
      { line: 4, value: { b: 2 } },
    ])
  })
})
