import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Breaker } from './breaker.ts'

function opened(failuresMax = 3, failingMsMin = 0) {
  let now = 1000
  const breaker = new Breaker({ failuresMax, failingMsMin, pauseMs: 500, monotonicMs: () => now })
  const pass = (ms: number): void => {
    now += ms
  }
  return { breaker, pass, now: () => now }
}

describe('a breaker', () => {
  it('opens at the last failure in a row, closes at the first answer, and says so once', () => {
    const { breaker } = opened()
    const seen = [false, false, true, false, false, false, false, true, true].map(one => breaker.saw(one))
    const [, , , , , fifth, , eighth] = seen
    assert.deepEqual([fifth, eighth], ['opened', 'closed'])
    assert.equal(seen.filter(one => one !== undefined).length, 2)
  })

  it('lets one question through after each pause, to the millisecond', () => {
    const { breaker, pass } = opened(1)
    assert.equal(breaker.mayAsk(), true)
    assert.equal(breaker.saw(false), 'opened')
    assert.equal(breaker.mayAsk(), false)
    pass(499)
    assert.equal(breaker.mayAsk(), false)
    pass(1)
    assert.deepEqual([breaker.mayAsk(), breaker.mayAsk()], [true, false])
    assert.equal(breaker.saw(false), undefined, 'it was open')
    pass(500)
    assert.equal(breaker.mayAsk(), true)
    assert.equal(breaker.saw(true), 'closed')
    assert.deepEqual([breaker.mayAsk(), breaker.mayAsk()], [true, true])
  })

  it('does not open for many failures of one moment', () => {
    const { breaker, pass, now } = opened(2, 100)
    const asked = now()
    for (let turn = 0; turn < 5; turn++) assert.equal(breaker.saw(false, asked), undefined)
    pass(99)
    assert.equal(breaker.saw(false, asked), undefined)
    pass(1)
    assert.equal(breaker.saw(false, asked), 'opened')
  })
})
