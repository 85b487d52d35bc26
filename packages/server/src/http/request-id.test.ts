import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock } from '../clock.ts'
import { openEntropy } from '../entropy.ts'
import { newRequestId } from './request-id.ts'

it('a reference id is 28 characters with 128 random bits of its own, however many are made at once', () => {
  const entropy = openEntropy()
  const ids = Array.from({ length: 1000 }, () => newRequestId(systemClock, entropy))
  for (const id of ids) assert.match(id, /^[\w-]{28}$/)
  // The time leads; none shares what follows, nor a long part of it, with another.
  for (const part of [6, 14, 20]) assert.equal(new Set(ids.map(id => id.slice(part, part + 8))).size, 1000)
})
