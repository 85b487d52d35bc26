import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, type JwsAlg, mlDsaAlgs } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { compactJws, newTestKey } from '../testing/jws.ts'
import { verifyNothing } from './decoy.ts'

/** Median of some rounds, in microseconds of the monotonic clock; only proportions are asserted. */
function cost(work: () => void): number {
  const times = Array.from({ length: 101 }, () => {
    const before = process.hrtime.bigint()
    work()
    return Number(process.hrtime.bigint() - before) / 1000
  })
  return times.toSorted((left, right) => left - right)[50] ?? 0
}

for (const alg of ['ES256', 'EdDSA', 'PS256', ...mlDsaAlgs] as const satisfies readonly JwsAlg[])
  test(`checking ${alg} for nobody really checks a signature`, () => {
    const text = compactJws({ alg }, { sub: 'c_nobody' }, newTestKey(alg, 'k'))
    const good = parseCompactJws(text, 8192)
    assert.ok(good.ok)
    const nothing = accept({ ...good.value, header: { alg: 'none' } })
    assert.ok(cost(() => verifyNothing(good.value)) > 3 * cost(() => verifyNothing(nothing.value)))
  })
