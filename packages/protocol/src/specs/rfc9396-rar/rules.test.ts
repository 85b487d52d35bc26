import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { parseJson } from '../../wire/json.ts'
import { type AuthorizationDetail, detailLimits } from './detail-type.ts'
import {
  type DetailsInput,
  detailsRules,
  type GrantedDetailsInput,
  grantedDetailsRules,
  judgeDetails,
  protectedDetailsRules,
} from './rules.ts'
import { payment, paymentType, readingType, types } from './sample-types.ts'

const known = {
  types,
  clientTypes: [paymentType.name, readingType.name],
  clientResources: [paymentType.audience, readingType.audience],
}

function inputOf(value: unknown, change: Partial<DetailsInput> = {}): DetailsInput {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return { ...known, text, value: parseJson(text, detailLimits), ...change }
}

const reading = { type: 'account_reading', actions: ['list', 'read'] }
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    type: 'account_reading',
    actions: ['list'],
    limit: index + 1,
  }))
const spoiled = (change: object) => inputOf([{ ...payment, ...change }])
const amount = (change: object) =>
  spoiled({ instructedAmount: { currency: 'EUR', amount: '1.00', ...change } })

const refusals: readonly Refused<DetailsInput>[] = [
  { name: 'a byte over 4096', input: inputOf(`[${' '.repeat(4095)}]`), ruleId: 'authorization-details.size' },
  {
    name: 'numbers that grow when they are written out',
    input: inputOf(`[${Array(200).fill('{"type":1e15}').join(',')}]`),
    ruleId: 'authorization-details.size',
  },
  { name: 'an object', input: inputOf(payment), ruleId: 'authorization-details.form' },
  { name: 'no JSON', input: inputOf('['), ruleId: 'authorization-details.form' },
  { name: 'an empty array', input: inputOf([]), ruleId: 'authorization-details.form' },
  { name: 'text in the array', input: inputOf([payment, 'x']), ruleId: 'authorization-details.form' },
  { name: 'null in the array', input: inputOf([null]), ruleId: 'authorization-details.form' },
  { name: 'an array in the array', input: inputOf([[payment]]), ruleId: 'authorization-details.form' },
  {
    name: 'a member twice',
    input: inputOf('[{"type":"account_reading","type":"payment_initiation","actions":["list"]}]'),
    ruleId: 'authorization-details.form',
  },
  {
    name: '__proto__',
    input: inputOf('[{"type":"account_reading","actions":["list"],"__proto__":{"limit":1}}]'),
    ruleId: 'authorization-details.form',
  },
  {
    name: 'seven levels',
    input: inputOf('[{"type":"account_reading","a":[[[[[1]]]]]}]'),
    ruleId: 'authorization-details.form',
  },
  { name: '21 entries', input: inputOf(many(21)), ruleId: 'authorization-details.count' },
  { name: 'no type', input: inputOf([{ actions: ['list'] }]), ruleId: 'authorization-details.type' },
  { name: 'a number as type', input: inputOf([{ type: 1 }]), ruleId: 'authorization-details.type' },
  { name: 'an unknown type', input: inputOf([{ type: 'x' }]), ruleId: 'authorization-details.known-type' },
  {
    name: 'another case of a type',
    input: inputOf([{ ...reading, type: 'Account_reading' }]),
    ruleId: 'authorization-details.known-type',
  },
  {
    name: 'an inherited name as type',
    input: inputOf([{ type: 'constructor' }]),
    ruleId: 'authorization-details.known-type',
  },
  {
    name: 'a type of others',
    input: inputOf([reading], { clientTypes: ['payment_initiation'] }),
    ruleId: 'authorization-details.client-type',
  },
  {
    name: 'a type of a resource server the client may not use',
    input: inputOf([reading], { clientResources: [paymentType.audience] }),
    ruleId: 'authorization-details.client-type',
  },
  { name: 'twice the same', input: inputOf([payment, payment]), ruleId: 'authorization-details.duplicate' },
  {
    name: 'twice the same in another order of members',
    input: inputOf([reading, { actions: reading.actions, type: reading.type }]),
    ruleId: 'authorization-details.duplicate',
  },
  ...(
    [
      ['an unknown field', spoiled({ urgent: true })],
      ['an inherited name as field', spoiled({ constructor: 'x' })],
      ['no required field', spoiled({ creditorName: undefined })],
      ['null', spoiled({ creditorName: null })],
      ['a number for text', spoiled({ creditorName: 7 })],
      ['empty text', spoiled({ creditorName: '' })],
      ['71 characters', spoiled({ creditorName: 'a'.repeat(71) })],
      ['an outer space', spoiled({ creditorName: 'Merchant ' })],
      ['two spaces', spoiled({ creditorName: 'Mer  chant' })],
      ['a line end', spoiled({ creditorName: 'Mer\nchant' })],
      ['a direction override', spoiled({ creditorName: 'Mer\u202echant' })],
      ['a direction isolate', spoiled({ creditorName: 'Mer\u2066chant' })],
      ['a zero-width space', spoiled({ creditorName: 'Mer\u200bchant' })],
      ['a soft hyphen', spoiled({ creditorName: 'Mer\u00adchant' })],
      ['a tag character', spoiled({ creditorName: 'Merchant\u{e0041}' })],
      ['a Hangul filler', spoiled({ creditorName: 'Mer\u3164chant' })],
      ['four marks on a letter', spoiled({ creditorName: 'Z\u0489\u0489\u0489\u0489algo' })],
      ['text that is not composed', spoiled({ creditorName: 'Cafe\u0301' })],
      ['a wrong check digit', spoiled({ creditorAccount: { iban: 'DE89370400440532013001' } })],
      ['spaces in an IBAN', spoiled({ creditorAccount: { iban: 'DE89 3704 0044 0532 0130 00' } })],
      [
        'a field of no object',
        spoiled({ creditorAccount: { iban: payment.creditorAccount.iban, bic: 'x' } }),
      ],
      ['an object as text', spoiled({ creditorAccount: payment.creditorAccount.iban })],
      ['no amount', amount({ amount: undefined })],
      ['an amount of zero', amount({ amount: '0.00' })],
      ['a negative amount', amount({ amount: '-1' })],
      ['a leading zero', amount({ amount: '01' })],
      ['an exponent', amount({ amount: '1e3' })],
      ['five decimals', amount({ amount: '1.00001' })],
      ['an amount as number', amount({ amount: 1 })],
      ['a cent too much', amount({ amount: '10000.01' })],
      ['another currency', amount({ currency: 'USD' })],
      ['more in an amount', amount({ fee: '1' })],
      ['a day that is not', spoiled({ executionDate: '2027-02-29' })],
      ['a date with time', spoiled({ executionDate: '2027-02-28T00:00:00Z' })],
      ['another place', spoiled({ locations: [readingType.audience] })],
      ['a second place', spoiled({ locations: [paymentType.audience, readingType.audience] })],
      ['a place as text', spoiled({ locations: paymentType.audience })],
      ['an unknown action', inputOf([{ ...reading, actions: ['write'] }])],
      ['an action twice', inputOf([{ ...reading, actions: ['list', 'list'] }])],
      ['no action', inputOf([{ ...reading, actions: [] }])],
      ['an action as text', inputOf([{ ...reading, actions: 'list' }])],
      ['a limit of zero', inputOf([{ ...reading, limit: 0 }])],
      ['a limit of 1001', inputOf([{ ...reading, limit: 1001 }])],
      ['half a limit', inputOf([{ ...reading, limit: 1.5 }])],
      ['a limit as text', inputOf([{ ...reading, limit: '1' }])],
      ['a truth as text', inputOf([{ ...reading, history: 'true' }])],
      ['an unknown period', inputOf([{ ...reading, period: 'year' }])],
      ['a scheme that is not https', inputOf([{ ...reading, document: 'http://a.example/' }])],
      ['a password in an address', inputOf([{ ...reading, document: 'https://a:b@a.example/' }])],
    ] as const
  ).map(([name, input]) => ({ name, input, ruleId: 'authorization-details.fields' })),
]

describe('authorization details', () => {
  for (const { name, input, ruleId } of refusals)
    test(`are refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(detailsRules, input)
      assert.equal(refusal?.ruleId, ruleId, refusal?.reason)
      assert.equal(refusal?.error, 'invalid_authorization_details')
      const judged = judgeDetails(input.text, input)
      assert.ok(!judged.ok)
    })

  for (const [name, value] of [
    ['a payment', [payment]],
    ['a payment at its place', [{ ...payment, locations: [paymentType.audience] }]],
    ['the most', [{ ...payment, instructedAmount: { currency: 'EUR', amount: '10000.00' } }]],
    ['the least', [{ ...payment, instructedAmount: { currency: 'EUR', amount: '0.0001' } }]],
    ['70 characters', [{ ...payment, creditorName: 'é'.repeat(70) }]],
    ['a name of another script', [{ ...payment, creditorName: '三井住友銀行' }]],
    ['markup as text', [{ ...payment, creditorName: '<script>alert(1)</script>' }]],
    ['a leap day', [{ ...payment, executionDate: '2028-02-29' }]],
    ['20 entries', many(20)],
    ['two of one type', [payment, { ...payment, creditorName: 'Other' }]],
    [
      'limits of 1 and 1000',
      [
        { ...reading, limit: 1 },
        { ...reading, limit: 1000 },
      ],
    ],
    ['every field', [{ ...reading, history: true, period: 'month', document: 'https://a.example/d' }]],
  ] as const)
    test(`pass: ${name}`, () => {
      const judged = judgeDetails(JSON.stringify(value), known)
      assert.ok(judged.ok, judged.ok ? '' : judged.reason)
      assert.equal(judged.value.length, value.length)
    })

  test('may be 4096 bytes long', () => {
    const text = JSON.stringify([payment])
    assert.ok(judgeDetails(`[${' '.repeat(4096 - text.length)}${text.slice(1)}`, known).ok)
    assert.ok(!judgeDetails(`[${' '.repeat(4097 - text.length)}${text.slice(1)}`, known).ok)
  })

  test('that are absent are none', () => {
    assert.deepEqual(judgeDetails(undefined, known), { ok: true, value: [] })
  })
})

describe('a request with details', () => {
  const plain = { hasDetails: true, isPushed: false, isSigned: false }
  test('through a browser is refused by authorization-details.protected', () => {
    assert.equal(firstRefusal(protectedDetailsRules, plain)?.ruleId, 'authorization-details.protected')
  })
  for (const input of [
    { ...plain, hasDetails: false },
    { ...plain, isPushed: true },
    { ...plain, isSigned: true },
  ])
    test(`passes: ${JSON.stringify(input)}`, () => {
      assert.equal(firstRefusal(protectedDetailsRules, input), undefined)
    })
})

describe('granted details', () => {
  const granted: GrantedDetailsInput = {
    details: [payment],
    granted: [payment],
    types,
    audience: paymentType.audience,
  }
  const read = (actions: readonly string[]): AuthorizationDetail => ({ type: 'account_reading', actions })
  const tables: readonly Refused<GrantedDetailsInput>[] = [
    { name: 'nothing was', input: { ...granted, granted: [] }, ruleId: 'authorization-details.grew' },
    {
      name: 'one of another type',
      input: { ...granted, details: [read(['list'])] },
      ruleId: 'authorization-details.grew',
    },
    {
      name: 'another resource server',
      input: { ...granted, audience: readingType.audience },
      ruleId: 'authorization-details.audience',
    },
  ]
  for (const { name, input, ruleId } of tables)
    test(`are refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(grantedDetailsRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_authorization_details')
    })
  test('pass as they are, and when nothing is asked', () => {
    assert.equal(firstRefusal(grantedDetailsRules, granted), undefined)
    assert.equal(firstRefusal(grantedDetailsRules, { ...granted, details: [] }), undefined)
  })
})
