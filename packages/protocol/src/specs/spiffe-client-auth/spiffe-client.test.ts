import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  isSpiffeClient,
  overlap,
  parseSpiffeClientId,
  type SpiffeClientId,
  unfitSpiffeClientId,
} from './spiffe-client.ts'

const parsed = (text: string): SpiffeClientId => {
  const id = parseSpiffeClientId(text)
  assert.ok(id, text)
  return id
}

describe('what a client registers as `spiffe_id`', () => {
  it('is one workload, to the character', () => {
    const one = parsed('spiffe://prod.example/billing')
    assert.ok(isSpiffeClient('spiffe://prod.example/billing', one))
    for (const other of ['billing/a', 'billin', 'billings', 'Billing'])
      assert.ok(!isSpiffeClient(`spiffe://prod.example/${other}`, one), other)
    assert.ok(!isSpiffeClient('spiffe://staging.example/billing', one))
  })

  it('with a trailing `/*` is everything below whole segments', () => {
    const all = parsed('spiffe://prod.example/client/*')
    for (const below of ['client/123', 'client/a/b'])
      assert.ok(isSpiffeClient(`spiffe://prod.example/${below}`, all))
    for (const other of ['client123', 'client', 'client/', 'clients/1'])
      assert.ok(!isSpiffeClient(`spiffe://prod.example/${other}`, all), other)
  })

  for (const wrong of [
    '',
    '*',
    '/*',
    'spiffe://*',
    'spiffe://prod.example',
    'spiffe://prod.example/*',
    'spiffe://prod.example/a*',
    'spiffe://prod.example/*/a',
    'spiffe://prod.example/a/**',
    'spiffe://prod.example/a/*/*',
    'spiffe://*.example/a/*',
    'spiffe://prod.example/a/',
  ])
    it(`is not \`${wrong}\``, () => {
      assert.equal(parseSpiffeClientId(wrong), undefined)
      assert.notEqual(unfitSpiffeClientId(wrong), undefined)
    })

  it('overlaps with another exactly when some workload would be both', () => {
    const segments = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 })
    const registered = fc
      .tuple(segments, fc.boolean())
      .map(([path, isPrefix]) => parsed(`spiffe://d/${path.join('/')}${isPrefix ? '/*' : ''}`))
    const workloads = [1, 2, 3, 4].flatMap(depth =>
      Array.from({ length: 2 ** depth }, (_, index) =>
        [...index.toString(2).padStart(depth, '0')].map(bit => (bit === '0' ? 'a' : 'b')).join('/'),
      ),
    )
    fc.assert(
      fc.property(registered, registered, (left, right) => {
        const isShared = workloads.some(path =>
          [left, right].every(one => isSpiffeClient(`spiffe://d/${path}`, one)),
        )
        assert.equal(overlap(left, right), isShared)
      }),
    )
  })
})
