import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Gate } from './gate.ts'

/** Work that ends when it is told to, in the order it began. */
function work() {
  const ends: (() => void)[] = []
  let running = 0
  let most = 0
  const one = async (): Promise<string> => {
    most = Math.max(most, ++running)
    await new Promise<void>(resolve => ends.push(resolve))
    running--
    return 'done'
  }
  const endNext = async (): Promise<void> => {
    ends.shift()?.()
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }
  return { one, endNext, running: () => running, most: () => most }
}

describe('a gate', () => {
  it('lets so many run and so many wait, turns others away at once, and hands places over', async () => {
    const gate = new Gate(2, 3)
    const { one, endNext, running, most } = work()
    const asked = Array.from({ length: 7 }, () => gate.run(one))
    assert.deepEqual(await Promise.all(asked.slice(5)), [undefined, undefined])
    assert.equal(running(), 2)
    for (let count = 0; count < 5; count++) await endNext()
    assert.deepEqual(
      await Promise.all(asked.slice(0, 5)),
      Array.from({ length: 5 }, () => 'done'),
    )
    assert.deepEqual([running(), most()], [0, 2])
  })

  it('gives a place back when work fails', async () => {
    const gate = new Gate(1, 0)
    const broken = gate.run(async () => assert.fail('a bug'))
    assert.equal(await gate.run(async () => 1), undefined)
    await assert.rejects(broken, /a bug/)
    assert.equal(await gate.run(async () => 1), 1)
  })
})
