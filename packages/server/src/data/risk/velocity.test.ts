import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { openVelocity } from './velocity.ts'

const hour = epochSeconds(1_800_000_000)
const at = (seconds: number) => epochSeconds(hour + seconds)

describe('tokens within an hour', () => {
  it('are counted by owner, and what is older counts less and less', () => {
    const velocity = openVelocity()
    for (let count = 0; count < 100; count++) velocity.count('a', at(count))
    velocity.count('b', at(0))
    assert.deepEqual(
      [0, 3599, 3600, 5400, 7199, 7200].map(seconds => velocity.within('a', at(seconds))),
      [100, 100, 100, 50, 0, 0],
    )
    assert.equal(velocity.within('b', at(1)), 1)
    assert.equal(velocity.within('nobody', at(1)), 0)
    for (let count = 0; count < 10; count++) velocity.count('a', at(5400))
    assert.equal(velocity.within('a', at(5400)), 60)
    velocity.count('a', at(10 * 3600))
    assert.equal(velocity.within('a', at(10 * 3600)), 1)
  })

  it('of more owners than it keeps the one that asked longest ago is forgotten', () => {
    const velocity = openVelocity()
    velocity.count('first', at(0))
    velocity.count('second', at(0))
    velocity.count('first', at(0))
    for (let count = 0; count < 49_999; count++) velocity.count(`owner ${count}`, at(0))
    assert.deepEqual([velocity.within('first', at(0)), velocity.within('second', at(0))], [2, 0])
  })
})
