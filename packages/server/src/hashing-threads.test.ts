import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { test } from 'node:test'
import { openEntropy } from './entropy.ts'
import { hashingPriority, putHashingBehind } from './hashing-threads.ts'
import { openPasswords } from './passwords.ts'

/** Priority of each thread of this process, by name. */
function priorities(): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, readonly number[]>()
  for (const id of readdirSync('/proc/self/task')) {
    const name = readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
    found.set(name, [...(found.get(name) ?? []), getPriority(Number(id))])
  }
  return found
}

const skip = process.platform === 'linux' ? false : 'no priorities of threads on this system'

test('after the first hash, threads that hash stand behind every other', { skip }, async () => {
  const usual = getPriority()
  const passwords = openPasswords({ entropy: openEntropy() })
  assert.equal(await passwords.verify('right', await passwords.hash('right')), true)
  passwords.close()
  const { 'libuv-worker': hashing, ...others } = Object.fromEntries(priorities())
  assert.deepEqual(hashing, hashing?.map(hashingPriority))
  assert(hashing !== undefined && hashing.length > 0)
  assert(hashingPriority() > usual || usual === 19)
  for (const [name, all] of Object.entries(others))
    assert.deepEqual(
      all,
      all.map(() => usual),
      name,
    )
  assert.equal(putHashingBehind(), hashing.length)
})
