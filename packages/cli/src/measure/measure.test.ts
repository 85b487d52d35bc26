import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { measureAcceptance, summaryOf } from './acceptance.ts'
import type { Caller } from './caller.ts'
import { figuresOf, measureRevocation } from './revocation.ts'

const fast = new URL('https://fast.example/a')
const slow = new URL('https://slow.example/b')

/** A system whose places refuse so many milliseconds after a revocation, on a clock that moves with every wait. */
function system(delays: ReadonlyMap<string, number>, more: Partial<Caller> = {}) {
  let at = 0
  let issued = 0
  const revoked = new Map<string, number>()
  const caller: Caller = {
    newToken: async () => `t${++issued}`,
    call: async (url, token) => {
      const since = revoked.get(token)
      return since !== undefined && at - since >= (delays.get(url.href) ?? 0) ? 401 : 200
    },
    revoke: async token => void revoked.set(token, at),
    close: async () => {},
    ...more,
  }
  const pause = async (ms: number): Promise<void> => {
    at += ms
  }
  return { caller, now: () => at, pause }
}

describe('how long a revoked token is let in', () => {
  test('is told for each place', async () => {
    const progress: number[] = []
    const figures = await measureRevocation({
      ...system(
        new Map([
          [fast.href, 0],
          [slow.href, 100],
        ]),
      ),
      ...{
        places: [fast, slow],
        count: 5,
        atOnce: 1,
        patienceMs: 1000,
        onProgress: done => progress.push(done),
      },
    })
    assert.deepEqual(figures.get(fast.href), { count: 5, p50Ms: 0, p99Ms: 0, maxMs: 0, never: 0 })
    assert.deepEqual(figures.get(slow.href)?.maxMs, 100)
    assert.deepEqual(progress, [1, 2, 3, 4, 5])
  })

  test('is never, when nobody waits any longer', async () => {
    const figures = await measureRevocation({
      ...system(new Map([[slow.href, 5000]])),
      ...{ places: [slow], count: 2, atOnce: 2, patienceMs: 100, onProgress: () => {} },
    })
    assert.deepEqual([figures.get(slow.href)?.never, figures.get(slow.href)?.maxMs], [2, 0])
  })

  test('cannot be told of a place that does not let a good token in', async () => {
    for (const status of [401, 404, 503]) {
      const plan = { places: [fast], count: 1, atOnce: 1, patienceMs: 100, onProgress: () => {} }
      const measuring = measureRevocation({ ...system(new Map(), { call: async () => status }), ...plan })
      await assert.rejects(measuring, new RegExp(`answered ${status} to a good token`))
    }
  })

  test('is a percentile of what was measured', () => {
    const list = Array.from({ length: 100 }, (_, index) => 100 - index)
    assert.deepEqual(figuresOf(list), { count: 100, p50Ms: 50, p99Ms: 99, maxMs: 100, never: 0 })
    assert.deepEqual(figuresOf([]), { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0, never: 0 })
  })
})

describe('whether honest tokens are let in', () => {
  const times = { durationMs: 1000, tokenAgeMaxMs: 500, onProgress: () => {} }

  test('all of them', async () => {
    const found = await measureAcceptance({ ...system(new Map()), places: [fast], ...times })
    assert.equal(found.refusedCount, 0)
    assert.equal(found.tokens, 10)
    assert.ok(found.requests > 20)
  })

  test('no answer and no token count, too', async () => {
    const broken = { call: () => Promise.reject(new Error('gone')) }
    const gone = await measureAcceptance({ ...system(new Map(), broken), places: [fast], ...times })
    assert.ok(gone.requests > 20)
    assert.equal(gone.refusedCount, gone.requests)
    const without = { newToken: () => Promise.reject(new Error('gone')) }
    const none = await measureAcceptance({ ...system(new Map(), without), places: [fast], ...times })
    assert.deepEqual([none.tokens, none.requests, none.refusedCount], [0, 0, 10])
    assert.deepEqual(none.refused[0], { place: 'token endpoint', status: 0, tokenAgeMs: 0 })
    assert.deepEqual(summaryOf(none.refused), ['10 × no answer at token endpoint, with tokens 0 to 0 ms old'])
    const held = { newToken: () => Promise.reject(Object.assign(new Error('no'), { status: 401 })) }
    const suspended = await measureAcceptance({ ...system(new Map(), held), places: [fast], ...times })
    assert.equal(suspended.refused[0]?.status, 401)
  })

  test('and which were not, at which place, how old', async () => {
    const world = system(new Map(), {
      call: async (url, token) => (url.href === slow.href && token === 't2' ? 401 : 200),
    })
    const { refused, refusedCount } = await measureAcceptance({ ...world, places: [fast, slow], ...times })
    assert.ok(refusedCount >= 1)
    assert.deepEqual(refused[0], { place: slow.href, status: 401, tokenAgeMs: 0 })
    assert.ok(refused.every(({ place, tokenAgeMs }) => place === slow.href && tokenAgeMs < 500))
  })
})
