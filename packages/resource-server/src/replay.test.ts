import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { inMemoryReplayMemory } from './replay.ts'

const now = epochSeconds(1_800_000_000)
const at = (seconds: number) => epochSeconds(now + seconds)

test('full means no, and room comes back with time', () => {
  const memory = inMemoryReplayMemory({ completeSince: now, entriesMax: 2 })
  assert.equal(memory.remember('a', at(60), now), 'first')
  assert.equal(memory.remember('b', at(60), now), 'first')
  assert.equal(memory.remember('c', at(60), now), 'full')
  assert.equal(memory.remember('a', at(60), now), 'seen')
  assert.equal(memory.remember('c', at(150), at(90)), 'first')
})

test('an entry is never forgotten before its time, whatever order the times come in', () => {
  const memory = inMemoryReplayMemory({ completeSince: now })
  for (const seconds of [90, 1, 30, 60, 29, 31]) {
    assert.equal(memory.remember(`k${seconds}`, at(seconds), now), 'first')
  }
  for (const seconds of [1, 29, 30, 31, 60, 90])
    assert.equal(memory.remember(`k${seconds}`, at(seconds), at(seconds - 1)), 'seen')
})

test('the same key with another expiry is the same key', () => {
  const memory = inMemoryReplayMemory({ completeSince: now })
  memory.remember('a', at(10), now)
  assert.equal(memory.remember('a', at(89), now), 'seen')
})
