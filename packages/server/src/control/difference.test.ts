import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { difference } from './difference.ts'

describe('the fields of a change', () => {
  test('name each place as no other: a member whose name looks like a path hides none', () => {
    const before = { claims: { address: { country: 'DE' } } }
    const after = { claims: { address: { country: 'US' }, 'address.country': 'DE', 'a[0]': 1 } }
    assert.deepEqual(difference(before, after), [
      { field: 'claims.address.country', from: '"DE"', to: '"US"' },
      { field: 'claims["a[0]"]', from: undefined, to: '1' },
      { field: 'claims["address.country"]', from: undefined, to: '"DE"' },
    ])
  })

  test('are none when, and only when, two documents are the same', () => {
    const key = fc.constantFrom('a', 'b', 'a.b', 'a[0]', '"a"', '["a"]', 'b.a', '', ' ')
    const { value } = fc.letrec<{ value: unknown }>(tie => ({
      value: fc.oneof(
        { maxDepth: 3, depthSize: 'small' },
        fc.constantFrom(0, 1, 'x'),
        fc.array(tie('value'), { minLength: 1, maxLength: 2 }),
        fc.dictionary(key, tie('value'), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
      ),
    }))
    const isSame = (one: unknown, other: unknown): boolean => {
      try {
        assert.deepStrictEqual(one, other)
        return true
      } catch {
        return false
      }
    }
    fc.assert(
      fc.property(value, value, (one, other) => {
        assert.equal(difference({ spec: one }, { spec: other }).length === 0, isSame(one, other))
      }),
      { numRuns: 3000 },
    )
  })
})
