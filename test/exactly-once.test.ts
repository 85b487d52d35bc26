import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { grants } from '@holdfast/server/data/token/grants/index.ts'
import { killCycles } from './harness/kill.ts'
import { type RaceReport, race } from './harness/race.ts'
import { type RaceName, races } from './harness/races.ts'
import {
  anotherNode,
  forkNode,
  postgresAnswers,
  prepareProduct,
  type StoreKind,
  stopNode,
  withoutFailureLimits,
} from './product/start.ts'

/** A few rounds of what `test/harness` runs by the hundred. */

async function raceOn(store: StoreKind, rounds: number): Promise<RaceReport> {
  const prepared = await prepareProduct(store, { limits: withoutFailureLimits })
  const configs =
    store === 'postgres' ? [prepared.config, await anotherNode(prepared.config)] : [prepared.config]
  const nodes = []
  for (const config of configs) nodes.push(await forkNode(config))
  try {
    const origins = configs.map(config => `https://localhost:${config.publicPort}`)
    return await race({ product: prepared.product, origins, rounds, simultaneous: 64 })
  } finally {
    await Promise.all(nodes.map(stopNode))
    await prepared.remove()
  }
}

function assertOnce(report: RaceReport, rounds: number): void {
  for (const [name, { replayRevokes }] of Object.entries(races)) {
    const { winners, alive } = report.races[name as RaceName]
    if (replayRevokes) {
      const more = Object.keys(winners).filter(count => Number(count) > 1)
      assert.deepEqual([more, alive], [[], 0], name)
    } else assert.deepEqual([winners, alive], [{ 1: rounds }, rounds], name)
  }
  assert.deepEqual(report.surprises, {})
}

describe('64 simultaneous redemptions', () => {
  it('are run for every grant there is', () => {
    const raced = new Set(Object.values(races).map(({ grantType }) => grantType))
    assert.deepEqual([...raced].toSorted(), [...grants.keys()].toSorted())
  })

  it('of every one-time value have at most one winner on SQLite', async () => {
    assertOnce(await raceOn('sqlite', 3), 3)
  })

  it('have at most one winner over two processes on PostgreSQL', async test => {
    if (!(await postgresAnswers())) return test.skip('no PostgreSQL answers')
    assertOnce(await raceOn('postgres', 3), 3)
  })
})

describe('kill -9 under load', () => {
  it('loses nothing acknowledged, spends nothing twice, accepts no replay and leaves no gap in the audit', async () => {
    const prepared = await prepareProduct('sqlite', { limits: withoutFailureLimits })
    try {
      const report = await killCycles({ prepared, cycles: 3, codesPerCycle: 4 })
      assert.ok(report.acknowledgedTokens > 0)
      assert.ok(Object.values(report.acknowledgedRedemptions).some(count => count > 0))
      assert.ok(report.auditRecords > report.acknowledgedTokens)
      const { lostTokens, lostRedemptions, doubleRedemptions, replaysAccepted, auditProblems } = report
      assert.deepEqual(
        { lostTokens, lostRedemptions, doubleRedemptions, replaysAccepted, auditProblems },
        { lostTokens: 0, lostRedemptions: 0, doubleRedemptions: 0, replaysAccepted: 0, auditProblems: [] },
      )
    } finally {
      await prepared.remove()
    }
  })
})
