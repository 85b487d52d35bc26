import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import type { Clock, Log } from '../ports.ts'
import { watchClock } from './clock-watch.ts'

describe('the watch over the clock', () => {
  let wall = 0
  let monotonicMs = 0
  let alarms: unknown[] = []
  let sweepTime: () => EpochSeconds
  const clock: Clock = { now: () => wall as EpochSeconds, monotonicMs: () => monotonicMs }
  const silent: Log = {
    info: () => {},
    warn: () => {},
    error: (_event, fields) => alarms.push(fields?.seconds),
  }

  beforeEach(() => {
    wall = 1_800_000_000
    monotonicMs = 0
    alarms = []
    sweepTime = watchClock(clock, silent, { count: () => {} })
  })
  const pass = (seconds: number, step = 0): EpochSeconds => {
    monotonicMs += seconds * 1000
    wall += seconds + step
    return sweepTime()
  }

  it('says the time, and nothing else, while the clock runs', () => {
    for (let turn = 0; turn < 10; turn++) assert.equal(pass(5), wall)
    assert.equal(pass(3600), wall)
    assert.deepEqual(alarms, [])
  })

  it('forgives five seconds, in either direction, and alarms at six', () => {
    pass(5, 5)
    pass(5, -5)
    assert.deepEqual(alarms, [])
    pass(5, 6)
    pass(5, -6)
    assert.deepEqual(alarms, [6, -6])
  })

  it('leaves a jump ahead out of the time to sweep by, until the clock comes back', () => {
    const before = wall
    assert.equal(pass(5, 3600), before + 5)
    assert.equal(pass(5), before + 10)
    assert.equal(pass(5, -3600), before + 15)
    assert.equal(pass(5), wall)
  })

  it('believes a jump ahead that lasts longer than anything the memory guards', () => {
    pass(5, 3600)
    assert.equal(pass(899), wall - 3600)
    assert.equal(pass(1), wall)
  })

  it('goes back with a clock that steps back: the store itself remembers how far it was swept', () => {
    assert.equal(pass(5, -3600), wall)
    assert.deepEqual(alarms, [-3600])
  })
})
