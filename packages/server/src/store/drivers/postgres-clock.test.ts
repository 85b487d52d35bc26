import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import { audit, newHash, standingClock } from '../contract/samples.ts'
import type { Store } from '../store.ts'
import { openPostgresStore } from './postgres.ts'
import { dropSchema, newSchema, postgresAbsence, testConnectionString } from './postgres-for-tests.ts'

describe('a node whose clock is off the store’s', { skip: await postgresAbsence() }, () => {
  const schema = newSchema()
  let offsetSeconds = 0
  let skippedMs = 0
  const monotonicMs = (): number => performance.now() + skippedMs
  const fencedClock = {
    now: () => Math.floor(Date.now() / 1000 + offsetSeconds + skippedMs / 1000) as EpochSeconds,
    monotonicMs,
  }
  let store: Store

  const commit = async (): Promise<string> => {
    try {
      await store.commit([audit('a decision')])
      return 'committed'
    } catch (error) {
      return (error as { readonly code: string }).code
    }
  }

  before(async () => {
    store = await openPostgresStore({
      connectionString: testConnectionString,
      schema,
      clock: standingClock,
      fencedClock,
    })
  })
  after(async () => {
    await store?.close()
    await dropSchema(schema)
  })

  test('29 seconds off it writes, 32 seconds off, ahead or behind, it does not, and afterwards it does', async () => {
    // Two seconds of room for the rounding of `now` and for a step to be told from it.
    for (const [off, outcome] of [
      [0, 'committed'],
      [29, 'committed'],
      [32, 'store.clock'],
      [32, 'store.clock'],
      [-28, 'committed'],
      [-32, 'store.clock'],
      [0, 'committed'],
    ] as const) {
      offsetSeconds = off
      assert.equal(await commit(), outcome, `${off} s off`)
    }
  })

  test('reading goes on meanwhile', async () => {
    offsetSeconds = 60
    assert.equal(await commit(), 'store.clock')
    assert.equal(await store.findCode(newHash()), undefined)
    offsetSeconds = 0
  })

  test('a clock that drifts without a step is found out at the next check', async () => {
    assert.equal(await commit(), 'committed')
    // As after a pause in which this machine's clock and its monotonic time went on, and the store's did not.
    skippedMs = 40_000
    assert.equal(await commit(), 'store.clock')
    skippedMs = 0
    assert.equal(await commit(), 'committed')
  })
})
