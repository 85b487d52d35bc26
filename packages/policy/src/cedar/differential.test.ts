import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareWithReference, type Tally } from '../testing/differential.ts'

/**
 * Cedar's answers to twelve thousand questions, of a dozen policies and more each.
 * Millions: `node packages/policy/src/testing/differential.ts --cases …`.
 * A seed that once found a difference is added to `kept` and stays.
 */
const casesPerRun = 3_000
const kept: readonly number[] = [1, 20_000, 40_000, 60_000]

describe('our evaluator answers as cedar-wasm does', () => {
  for (const seed of kept)
    it(`from seed ${seed}`, () => {
      const tally = compareWithReference({ cases: casesPerRun, seed })
      assert.deepEqual(tally.disagreements, [])
      assert.ok(isWorthIt(tally), JSON.stringify(tally))
    })
})

/** Cases that all deny, or never fail, would show nothing. */
function isWorthIt({ cases, allowed, withErrors, determining }: Tally): boolean {
  return allowed > cases / 10 && withErrors > cases / 4 && determining > cases / 5
}
