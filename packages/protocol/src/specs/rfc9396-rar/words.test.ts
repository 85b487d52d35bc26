import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type AuthorizationDetail, detailLimits } from './detail-type.ts'
import { judgeDetails } from './rules.ts'
import { payment, paymentType, readingType, types } from './sample-types.ts'
import { wordsOf } from './words.ts'

const known = {
  types,
  clientTypes: [...types.keys()],
  clientResources: [paymentType.audience, readingType.audience],
}

const plain = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 70 })
const anyDetail: fc.Arbitrary<object> = fc.oneof(
  fc.record({
    type: fc.constant('payment_initiation'),
    instructedAmount: fc.record({
      currency: fc.constantFrom('EUR', 'GBP'),
      amount: fc.integer({ min: 1, max: 1_000_000 }).map(cents => (cents / 100).toFixed(2)),
    }),
    creditorName: plain,
    creditorAccount: fc.constant(payment.creditorAccount),
  }),
  fc.record(
    {
      type: fc.constant('account_reading'),
      actions: fc.subarray(['list', 'read', 'history'], { minLength: 1 }),
      limit: fc.integer({ min: 1, max: 1000 }),
      history: fc.boolean(),
    },
    { requiredKeys: ['type', 'actions'] },
  ),
)

describe('a detail in words', () => {
  test('says every value under its label, in the order of the type', () => {
    const detail = { ...payment, instructedAmount: { currency: 'EUR', amount: '1234.50' } }
    assert.deepEqual(wordsOf(detail, paymentType), {
      title: 'Make a payment',
      description: 'Move money from one of your accounts, once.',
      parts: [
        { label: 'Amount', values: ['EUR 1\u202f234.50'] },
        { label: 'To', values: ['Merchant A'] },
        { label: 'Account: IBAN', values: ['DE89 3704 0044 0532 0130 00'] },
      ],
    })
  })

  test('has the words of choices, and yes and no', () => {
    const detail = {
      type: 'account_reading',
      actions: ['read', 'list'],
      history: false,
      period: 'month',
      limit: 7,
    }
    assert.deepEqual(wordsOf(detail, readingType).parts, [
      { label: 'It may', values: ['read balances', 'list your accounts'] },
      { label: 'Entries at most', values: ['7'] },
      { label: 'Closed accounts too', values: ['No'] },
      { label: 'Per', values: ['calendar month'] },
    ])
  })

  test('leaves out no member of anything that was accepted', () => {
    fc.assert(
      fc.property(anyDetail, sent => {
        const judged = judgeDetails(JSON.stringify([sent]), known)
        if (!judged.ok) return
        const [detail] = judged.value as [AuthorizationDetail]
        const type = types.get(detail.type)
        assert.ok(type)
        const members = Object.keys(detail).filter(name => name !== 'type')
        assert.equal(wordsOf(detail, type).parts.length, members.length)
        assert.ok(
          wordsOf(detail, type).parts.every(({ values }) => values.length > 0 && !values.includes('')),
        )
      }),
    )
  })
})

describe('the parser', () => {
  test('never throws, and what it accepts it accepts again when written out', () => {
    const noise = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.json({ maxDepth: 8 }),
      fc
        .jsonValue({ maxDepth: 5 })
        .map(value => JSON.stringify([{ type: 'payment_initiation', creditorName: value }])),
      fc
        .tuple(anyDetail, fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 2 }))
        .map(([detail, name, value]) => JSON.stringify([{ ...detail, [name]: value }])),
      anyDetail.map(detail => JSON.stringify([detail])),
    )
    fc.assert(
      fc.property(noise, text => {
        const judged = judgeDetails(text, known)
        if (!judged.ok) return assert.equal(judged.error, 'invalid_authorization_details')
        const again = judgeDetails(JSON.stringify(judged.value), known)
        assert.ok(again.ok)
        assert.deepEqual(again.value, judged.value)
        return assert.ok(judged.value.length <= detailLimits.entriesMax)
      }),
      { numRuns: 500 },
    )
  })

  test('takes a hostile 4 KiB in a moment', () => {
    const hostile = [
      `[${'['.repeat(4000)}`,
      `[{"type":"payment_initiation","creditorName":"${'\\u0301'.repeat(600)}"}]`,
      `[{"type":"payment_initiation","creditorName":"${' '.repeat(3900)}"}]`,
      `[${Array(60).fill('{"type":"account_reading","actions":["list"]}').join(',')}]`,
    ]
    const before = process.hrtime.bigint()
    for (const text of hostile)
      for (let round = 0; round < 20; round++) assert.ok(!judgeDetails(text, known).ok)
    assert.ok(Number(process.hrtime.bigint() - before) / 80 < 50e6)
  })
})
