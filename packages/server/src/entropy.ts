import assert from 'node:assert/strict'
import { randomBytes, randomFillSync } from 'node:crypto'
import type { Entropy } from './ports.ts'

/** One call of the generator fills this many bytes; most of the cost of `randomBytes` is the call. */
const poolBytes = 8192
/** I35: no identifier of ours is shorter. */
const countMin = 16

/** The machine's random generator, drawn in pools. Bytes are handed out once and wiped from the pool. */
export function openEntropy(): Entropy {
  const pool = Buffer.alloc(poolBytes)
  let used = poolBytes

  const bytes = (count: number): Buffer => {
    assert(count >= countMin)
    if (count > poolBytes / 8) return randomBytes(count)
    if (used + count > poolBytes) {
      randomFillSync(pool)
      used = 0
    }
    const taken = Buffer.allocUnsafe(count)
    for (let index = 0; index < count; index++) {
      taken[index] = pool[used + index] as number
      pool[used + index] = 0
    }
    used += count
    return taken
  }
  return { bytes }
}
