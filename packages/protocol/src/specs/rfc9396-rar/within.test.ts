import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AuthorizationDetail } from './detail-type.ts'
import { payment, types } from './sample-types.ts'
import { areWithin, canonicalDetail, isWithin } from './within.ts'

const pay = (amount: string, more: object = {}): AuthorizationDetail => ({
  ...payment,
  instructedAmount: { currency: 'EUR', amount },
  ...more,
})
const read = (actions: readonly string[], more: object = {}): AuthorizationDetail => ({
  type: 'account_reading',
  actions,
  ...more,
})

describe('one detail within another', () => {
  const pairs: readonly (readonly [string, AuthorizationDetail, AuthorizationDetail, boolean])[] = [
    ['the same', pay('100'), pay('100'), true],
    ['the same, written with cents', pay('100.00'), pay('100'), true],
    ['a cent less', pay('99.99'), pay('100'), true],
    ['a cent more', pay('100.01'), pay('100'), false],
    ['less by text and more by value', pay('1000'), pay('999'), false],
    [
      'another currency',
      { ...pay('1'), instructedAmount: { currency: 'GBP', amount: '1' } },
      pay('100'),
      false,
    ],
    ['another name', pay('100', { creditorName: 'Mallory' }), pay('100'), false],
    ['another account', pay('1', { creditorAccount: { iban: 'GB82WEST12345698765432' } }), pay('1'), false],
    ['a date that was not there', pay('1', { executionDate: '2027-01-01' }), pay('1'), false],
    ['no date where there was one', pay('1'), pay('1', { executionDate: '2027-01-01' }), false],
    ['earlier', pay('1', { executionDate: '2026-12-31' }), pay('1', { executionDate: '2027-01-01' }), true],
    ['later', pay('1', { executionDate: '2027-01-02' }), pay('1', { executionDate: '2027-01-01' }), false],
    [
      'not before a later day',
      read(['list'], { startDate: '2027-01-02' }),
      read(['list'], { startDate: '2027-01-01' }),
      true,
    ],
    [
      'not before an earlier day',
      read(['list'], { startDate: '2027-01-01' }),
      read(['list'], { startDate: '2027-01-02' }),
      false,
    ],
    ['fewer actions', read(['list']), read(['list', 'read']), true],
    ['more actions', read(['list', 'read']), read(['list']), false],
    ['other actions', read(['history']), read(['list', 'read']), false],
    ['a lower limit', read(['list'], { limit: 9 }), read(['list'], { limit: 10 }), true],
    ['a higher limit', read(['list'], { limit: 11 }), read(['list'], { limit: 10 }), false],
    ['another truth', read(['list'], { history: true }), read(['list'], { history: false }), false],
    ['another choice', read(['list'], { period: 'month' }), read(['list'], { period: 'day' }), false],
    ['a place more', pay('1', { locations: ['https://payments.example'] }), pay('1'), false],
    ['another type', read(['list']), pay('1'), false],
    ['a type nobody knows', { type: 'x' }, { type: 'x' }, false],
  ]
  for (const [name, asked, granted, expected] of pairs)
    test(`${expected ? 'is' : 'is not'}: ${name}`, () => {
      assert.equal(isWithin(asked, granted, types), expected)
    })

  test('text is compared by its characters, never by its look', () => {
    assert.equal(
      isWithin(pay('1', { creditorName: 'Caf\u00e9' }), pay('1', { creditorName: 'Cafe\u0301' }), types),
      false,
    )
    assert.equal(isWithin(pay('1', { creditorName: 'ADA' }), pay('1', { creditorName: 'Ada' }), types), false)
  })
})

describe('details within details', () => {
  test('two halves of one payment are two payments', () => {
    assert.equal(areWithin([pay('40'), pay('60')], [pay('100')], types), false)
    assert.equal(areWithin([pay('40')], [pay('100')], types), true)
  })

  test('each finds an entry of its own, also when the first choice was taken', () => {
    assert.equal(areWithin([pay('40'), pay('90')], [pay('100'), pay('50')], types), true)
    assert.equal(areWithin([pay('90'), pay('40')], [pay('100'), pay('50')], types), true)
    assert.equal(areWithin([pay('60'), pay('90')], [pay('100'), pay('50')], types), false)
  })

  const amounts = fc.integer({ min: 1, max: 10_000 })
  const detail = fc.oneof(
    amounts.map(cents => pay((cents / 100).toFixed(2))),
    fc
      .subarray(['list', 'read', 'history'], { minLength: 1 })
      .chain(actions => amounts.map(limit => read(actions, { limit }))),
  )
  const details = fc.array(detail, { maxLength: 8 })

  test('nothing ever grows: what is within has no more entries and no more money', () => {
    const total = (list: readonly AuthorizationDetail[]): number =>
      list.reduce((sum, { instructedAmount: one }) => {
        const { amount = '0' } = (one ?? {}) as { amount?: string }
        return sum + Number(amount)
      }, 0)
    fc.assert(
      fc.property(details, details, (asked, granted) => {
        if (!areWithin(asked, granted, types)) return
        assert.ok(asked.length <= granted.length)
        assert.ok(total(asked) <= total(granted) + 1e-6)
      }),
    )
  })

  test('being within is reflexive and transitive, and any part is within the whole', () => {
    fc.assert(
      fc.property(details, details, details, (a, b, c) => {
        assert.ok(areWithin(a, a, types))
        assert.ok(areWithin(a.slice(1), a, types))
        if (areWithin(a, b, types) && areWithin(b, c, types)) assert.ok(areWithin(a, c, types))
      }),
    )
  })
})

test('one content has one canonical text', () => {
  assert.equal(
    canonicalDetail({ b: 1, a: { d: [1, 2], c: null } }),
    canonicalDetail({ a: { c: null, d: [1, 2] }, b: 1 }),
  )
  assert.notEqual(canonicalDetail({ a: [1, 2] }), canonicalDetail({ a: [2, 1] }))
})
