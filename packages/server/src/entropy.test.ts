import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openEntropy } from './entropy.ts'

it('bytes never repeat over many pools, in every size', () => {
  const entropy = openEntropy()
  const seen = new Set<string>()
  for (let round = 0; round < 5000; round++) seen.add(entropy.bytes(16).toString('hex'))
  for (const size of [17, 32, 1000, 1024, 1025, 9000]) assert.equal(entropy.bytes(size).length, size)
  assert.equal(seen.size, 5000)
})

it('fewer than 16 bytes are never given', () => {
  assert.throws(() => openEntropy().bytes(15))
})

it('bytes that were handed out stay as they were', () => {
  const entropy = openEntropy()
  const first = entropy.bytes(32)
  const copy = Buffer.from(first)
  for (let round = 0; round < 1000; round++) entropy.bytes(32)
  assert.deepEqual(first, copy)
})
