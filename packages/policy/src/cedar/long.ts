/**
 * Cedar's Long: 64-bit signed, every overflow an error. A safe integer is a JavaScript number, everything beyond it a
 * bigint, and never the other way round: so `===` compares Longs, and nearly all arithmetic stays fast.
 */
export type Long = number | bigint

const longMin = -(2n ** 63n)
const longMax = 2n ** 63n - 1n

/** @returns undefined when the value does not fit 64 bits */
export function longOf(value: bigint): Long | undefined {
  if (value < longMin || value > longMax) return undefined
  const near = Number(value)
  return Number.isSafeInteger(near) ? near : value
}

/** @returns undefined on overflow */
export function addLongs(left: Long, right: Long): Long | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(sum)) return sum
  }
  return longOf(BigInt(left) + BigInt(right))
}

/** @returns undefined on overflow */
export function subtractLongs(left: Long, right: Long): Long | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    if (Number.isSafeInteger(difference)) return difference
  }
  return longOf(BigInt(left) - BigInt(right))
}

/** @returns undefined on overflow */
export function multiplyLongs(left: Long, right: Long): Long | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right
    if (Number.isSafeInteger(product)) return product
  }
  return longOf(BigInt(left) * BigInt(right))
}

/** Quotient rounded toward zero; `divisor` is a positive constant, so nothing overflows. */
export function divideLong(value: Long, divisor: number): Long {
  if (typeof value === 'number') return Math.trunc(value / divisor)
  const quotient = longOf(value / BigInt(divisor))
  return quotient ?? value
}

/** Remainder that is never negative; `divisor` is a positive constant. */
export function remainderOfLong(value: Long, divisor: number): number {
  if (typeof value === 'number') return ((value % divisor) + divisor) % divisor
  const wide = BigInt(divisor)
  return Number(((value % wide) + wide) % wide)
}
