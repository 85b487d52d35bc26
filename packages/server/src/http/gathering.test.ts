import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Gathering } from './gathering.ts'

test('requests of one turn go on together, in the order they came, step by step', async () => {
  const gathering = new Gathering()
  const seen: string[] = []
  const request = async (name: string): Promise<void> => {
    await gathering.turn()
    seen.push(`${name} parsed`)
    await undefined
    seen.push(`${name} verified`)
  }
  await Promise.all([request('a'), request('b')])
  assert.deepEqual(seen, ['a parsed', 'b parsed', 'a verified', 'b verified'])
})

test('a request alone waits one turn', async () => {
  const gathering = new Gathering()
  let isThrough = false
  gathering.turn().then(() => {
    isThrough = true
  })
  await Promise.resolve()
  assert.equal(isThrough, false)
  await nextTurn()
  assert.equal(isThrough, true)
})

test('nobody waits for more than three further turns, however many still arrive', async () => {
  const gathering = new Gathering()
  let turns = 0
  let isThrough = false
  gathering.turn().then(() => {
    isThrough = true
  })
  while (!isThrough && turns < 100) {
    gathering.turn()
    await nextTurn()
    turns++
  }
  assert.equal(turns, 4)
})

test('when 256 have come together they wait no longer, and who comes later begins anew', async () => {
  const gathering = new Gathering()
  gathering.turn()
  const first = gathering.turn()
  for (let count = 2; count < 256; count++) assert.equal(gathering.turn(), first)
  await nextTurn()
  assert.notEqual(gathering.turn(), first)
  await first
})
