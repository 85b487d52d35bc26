import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { entityUid, equals, keyOf, setOf, type Value } from './value.ts'

/** All different, many alike: the same digits, names and ids under other kinds. */
const different: readonly Value[] = [
  true,
  false,
  0,
  1,
  2n ** 60n,
  '',
  '1',
  'true',
  'a',
  's',
  entityUid('User', 'a'),
  entityUid('Team', 'a'),
  entityUid('User', 'Team::"a'),
  entityUid('A::B', 'c'),
  entityUid('A', 'B::c'),
  { kind: 'decimal', amount: 1 },
  { kind: 'datetime', amount: 1 },
  { kind: 'duration', amount: 1 },
  { kind: 'ipaddr', version: 4, address: 1n, prefix: 32 },
  { kind: 'ipaddr', version: 6, address: 1n, prefix: 32 },
  { kind: 'ipaddr', version: 4, address: 1n, prefix: 31 },
  setOf([]),
  setOf([1]),
  setOf(['1']),
  setOf([1, 2]),
  setOf([setOf([1]), 2]),
  { kind: 'record', fields: new Map() },
  { kind: 'record', fields: new Map([['a', 1]]) },
  { kind: 'record', fields: new Map([['a', '1']]) },
  {
    kind: 'record',
    fields: new Map<string, Value>([
      ['a', 1],
      ['b', 2],
    ]),
  },
  { kind: 'record', fields: new Map<string, Value>([['a":1,"b', 2]]) },
]

describe('values', () => {
  it('have one key each, and are equal exactly when their keys are', () => {
    for (const [row, left] of different.entries())
      for (const [column, right] of different.entries()) {
        assert.equal(equals(left, right), row === column, `${row} and ${column}`)
        assert.equal(keyOf(left) === keyOf(right), row === column, `keys of ${row} and ${column}`)
      }
    assert.equal(setOf([...different, ...different]).elements.length, different.length)
  })

  it('order and repetition in sets, and order in records, do not count', () => {
    assert.ok(equals(setOf([1, 'a', 1]), setOf(['a', 1])))
    const record = (...fields: [string, Value][]): Value => ({ kind: 'record', fields: new Map(fields) })
    assert.ok(equals(record(['a', 1], ['b', 0]), record(['b', -0], ['a', 1])))
    assert.equal(keyOf(record(['a', 1], ['b', 0])), keyOf(record(['b', -0], ['a', 1])))
  })
})
