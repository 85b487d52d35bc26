import assert from 'node:assert/strict'
import type { Store } from '../store.ts'
import type { GuardKind, Write } from '../writes.ts'

/** The list goes through; anything else fails the case. */
export async function committed(store: Store, writes: readonly Write[]): Promise<void> {
  assert.deepEqual(await store.commit(writes), { committed: true })
}

/** The list of this one write does not go through. */
export async function fails(store: Store, guard: GuardKind, write: Write): Promise<void> {
  assert.deepEqual(await store.commit([write]), { committed: false, guard, index: 0 })
}

/** Equal where an absent member and an undefined one are the same. */
export function same(actual: unknown, expected: unknown): void {
  assert.deepEqual(plain(actual), plain(expected))
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
