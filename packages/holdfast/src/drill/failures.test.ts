import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { failuresOf as ofRevocation } from './revocation/drill.ts'
import { failuresOf as ofRotation } from './rotation/drill.ts'

/** A drill that cannot say no proves nothing. */

const figures = { count: 10, p50Ms: 20, p99Ms: 249.9, maxMs: 999.9 }
const load = { tokens: 5, requests: 50, took: figures, refusedCount: 0, unansweredCount: 0, failed: [] }

describe('a revocation drill says no', () => {
  const aims = { aimP99Ms: 250, aimMaxMs: 1000 }
  const kinds = { token: figures, grant: figures, client: figures, user: figures, session: figures }
  const propagation = {
    ...{ count: 10, seconds: 1, places: { 'api-1': figures }, kinds },
    ...{ lastLetInMs: 0, never: 0, letInAgain: 0 },
  }
  const cut = {
    stays: 'introspection' as const,
    ...{ ended: 5, places: {}, honest: { 200: 9 }, recoveredMs: 50 },
    ...{ lastLetInMs: 5000, letInAgain: 0 },
  }
  const good = { propagation, load, cuts: [cut] }
  const withPlace = (more: object) => ({
    ...good,
    propagation: { ...propagation, places: { 'api-1': { ...figures, ...more } } },
  })

  test('and yes to what is just good enough', () => assert.deepEqual(ofRevocation(aims, good), []))

  for (const [name, report, said] of [
    ['to a p99 that is not below the aim', withPlace({ p99Ms: 250 }), /api-1: p99 is 250 ms/],
    ['to one that took too long', withPlace({ maxMs: 1000 }), /api-1: the longest was 1000 ms/],
    [
      'to one that is never refused',
      { ...good, propagation: { ...propagation, never: 1 } },
      /1 were let in for/,
    ],
    [
      'to one that is let in again',
      { ...good, propagation: { ...propagation, letInAgain: 1 } },
      /1 were let in after/,
    ],
    ['to an honest request refused', { ...good, load: { ...load, refusedCount: 1 } }, /1 honest requests/],
    ['to one let in beyond the bound', { ...good, cuts: [{ ...cut, lastLetInMs: 5001 }] }, /not within 5000/],
    ['to one let in again meanwhile', { ...good, cuts: [{ ...cut, letInAgain: 2 }] }, /2 were let in after/],
    [
      'to good tokens refused that could be asked about',
      { ...good, cuts: [{ ...cut, honest: { 200: 9, 503: 1 } }] },
      /good tokens were answered/,
    ],
  ] as const)
    test(name, () => {
      const [first, ...more] = ofRevocation(aims, report)
      assert.match(String(first), said)
      assert.deepEqual(more, [])
    })
})

describe('a rotation drill says no', () => {
  const plan = { rotations: 10 }
  const stale = { waitedMs: 1, because: ['stale/x does not hold the key'], audited: {}, promotedAfterMs: 1 }
  const broken = { rolledBackMs: 11_000, audited: {} }
  const removal = { cut: [], places: { 'api-1': { letInMs: 9999, refusedMs: 12_000 } }, replacedMs: 1 }
  const good = { rotations: figures, load, stale, broken, removals: [removal] }

  test('and yes to what is just good enough', () => assert.deepEqual(ofRotation(plan, good), []))

  for (const [name, report, said] of [
    ['to fewer rotations', { ...good, rotations: { ...figures, count: 9 } }, /9 rotations, not 10/],
    ['to an honest request refused', { ...good, load: { ...load, refusedCount: 3 } }, /3 honest requests/],
    [
      'to a wait for nobody named',
      { ...good, stale: { ...stale, because: [] } },
      /does not say whom it waits for/,
    ],
    ['to a broken key that signs on', { ...good, broken: { ...broken, rolledBackMs: 11_001 } }, /11001 ms/],
    [
      'to a key that is believed after it was taken back',
      {
        ...good,
        removals: [removal, { ...removal, places: { 'api-2': { letInMs: 10_000, refusedMs: 10_001 } } }],
      },
      /api-2 let in what a key signed 10000 ms/,
    ],
  ] as const)
    test(name, () => {
      const [first, ...more] = ofRotation(plan, report)
      assert.match(String(first), said)
      assert.deepEqual(more, [])
    })
})
