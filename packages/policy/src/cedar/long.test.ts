import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  addLongs,
  divideLong,
  type Long,
  longOf,
  multiplyLongs,
  remainderOfLong,
  subtractLongs,
} from './long.ts'

const edges = [
  0n,
  1n,
  -1n,
  2n ** 53n - 1n,
  2n ** 53n,
  -(2n ** 53n),
  2n ** 63n - 1n,
  -(2n ** 63n),
  3037000500n,
]
const wide = fc.oneof(
  fc.constantFrom(...edges),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }),
)

function must(value: bigint): Long {
  const long = longOf(value)
  assert.ok(long !== undefined)
  return long
}

/** As 64-bit hardware would have it, with a look at whether it fitted. */
function exact(value: bigint): Long | undefined {
  return BigInt.asIntN(64, value) === value ? must(value) : undefined
}

describe('Long', () => {
  it('adds, subtracts and multiplies as 64-bit integers do, and tells every overflow', () => {
    fc.assert(
      fc.property(wide, wide, (left, right) => {
        const [a, b] = [must(left), must(right)]
        assert.ok(Object.is(Number(addLongs(a, b)), Number(exact(left + right))))
        assert.equal(addLongs(a, b), exact(left + right))
        assert.equal(subtractLongs(a, b), exact(left - right))
        const product = multiplyLongs(a, b)
        assert.ok(product === exact(left * right))
      }),
      { numRuns: 5000 },
    )
  })

  it('a safe integer is always a number and anything beyond always a bigint, so that `===` compares', () => {
    fc.assert(
      fc.property(wide, wide, (left, right) => {
        for (const result of [addLongs(must(left), must(right)), multiplyLongs(must(left), must(right))])
          assert.ok(
            result === undefined || (typeof result === 'bigint') === !Number.isSafeInteger(Number(result)),
          )
      }),
      { numRuns: 2000 },
    )
  })

  it('divides toward zero and takes remainders that are never negative', () => {
    fc.assert(
      fc.property(wide, fc.constantFrom(1, 1000, 86_400_000), (value, divisor) => {
        const by = BigInt(divisor)
        assert.equal(BigInt(divideLong(must(value), divisor)), value / by)
        assert.equal(BigInt(remainderOfLong(must(value), divisor)), ((value % by) + by) % by)
      }),
      { numRuns: 2000 },
    )
  })

  it('63 bits and a sign, not one more', () => {
    assert.equal(longOf(2n ** 63n), undefined)
    assert.equal(longOf(-(2n ** 63n) - 1n), undefined)
    assert.equal(longOf(2n ** 63n - 1n), 2n ** 63n - 1n)
  })
})
