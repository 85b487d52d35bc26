import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CheckAnswer, Decisions } from './decisions.ts'

const answer = (isAllowed: boolean): CheckAnswer => ({
  isAllowed,
  status: isAllowed ? 200 : 401,
  headers: [],
  body: '',
})

function counting(isAllowed = true): { readonly judge: () => Promise<CheckAnswer>; calls: number } {
  const counted = {
    calls: 0,
    judge: async () => {
      counted.calls++
      return answer(isAllowed)
    },
  }
  return counted
}

test('an answer is remembered for just under five seconds', async () => {
  let now = 0
  const decisions = new Decisions(() => now)
  const counted = counting()
  assert.equal((await decisions.decide('a', counted.judge)).isRepeated, false)
  now = 4999
  assert.equal((await decisions.decide('a', counted.judge)).isRepeated, true)
  now = 5000
  assert.equal((await decisions.decide('a', counted.judge)).isRepeated, false)
  assert.equal(counted.calls, 2)
})

test('a refusal and a failure are not remembered', async () => {
  const decisions = new Decisions(() => 0)
  const refusing = counting(false)
  await decisions.decide('a', refusing.judge)
  await decisions.decide('a', refusing.judge)
  assert.equal(refusing.calls, 2)
  await assert.rejects(
    decisions.decide('b', () => Promise.reject(new Error('broken'))),
    /broken/,
  )
  assert.equal((await decisions.decide('b', counting().judge)).isRepeated, false)
})

test('ten thousand answers are remembered, and then the oldest is forgotten', async () => {
  const decisions = new Decisions(() => 0)
  const { judge } = counting()
  for (let index = 0; index < 10_000; index++) await decisions.decide(String(index), judge)
  assert.equal((await decisions.decide('9999', judge)).isRepeated, true)
  await decisions.decide('one more', judge)
  assert.equal((await decisions.decide('9999', judge)).isRepeated, true)
  assert.equal((await decisions.decide('0', judge)).isRepeated, false)
})
