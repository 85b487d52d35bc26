import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { publishMetadata } from './metadata.ts'
import { requireAuthorizationDetails } from './require-authorization-details.ts'
import { call, dpopHeaders, testBed } from './test-bed.ts'

interface Payment {
  readonly type: 'payment_initiation'
  readonly amount: string
  readonly [member: string]: string
}

const payment = { type: 'payment_initiation', amount: '10.00' }
const covers = ({ amount }: Payment): boolean => amount === '10.00'
const requirements = { decide: requireAuthorizationDetails<Payment>('payment_initiation', covers) }

async function ruleOf(details: unknown, decide = requirements.decide): Promise<string> {
  const bed = testBed()
  const token = bed.boundToken({ authorization_details: details })
  const answer = await call(bed, { headers: dpopHeaders(bed, token), requirements: { decide } })
  return answer.ok ? 'accepted' : answer.ruleId
}

describe('authorization details at an API', () => {
  test('an API asks for a detail of its own type that covers the request, and nothing else will do', async () => {
    assert.equal(await ruleOf([payment]), 'accepted')
    assert.equal(await ruleOf([{ type: 'other' }, { ...payment, amount: '9.00' }, payment]), 'accepted')
    for (const details of [
      undefined,
      [],
      [{ type: 'other', amount: '10.00' }],
      [{ type: 'Payment_initiation', amount: '10.00' }],
      [{ type: 'payment_initiation ', amount: '10.00' }],
      [{ ...payment, amount: '10.01' }],
    ])
      assert.equal(await ruleOf(details), 'decision.denied', JSON.stringify(details))
  })

  test('only true covers, and a check that breaks denies', async () => {
    const truthy = requireAuthorizationDetails<Payment>('payment_initiation', () => 1 as unknown as boolean)
    assert.equal(await ruleOf([payment], truthy), 'decision.denied')
    const broken = requireAuthorizationDetails<Payment>('payment_initiation', () => {
      throw new Error('broken')
    })
    assert.equal(await ruleOf([payment], broken), 'decision.unavailable')
  })

  test('a token whose details are no list of typed objects is no token', async () => {
    for (const details of [{}, 'x', [1], [{}], [{ type: 1 }], [[payment]]])
      assert.equal(await ruleOf(details), 'access-token.types', JSON.stringify(details))
  })

  test('stand typed in the verified token, empty when the token says none', async () => {
    const bed = testBed()
    for (const [sent, expected] of [
      [[payment], [payment]],
      [undefined, []],
    ] as const) {
      const token = bed.boundToken({ authorization_details: sent })
      const answer = await call(bed, { headers: dpopHeaders(bed, token) })
      assert.ok(answer.ok)
      assert.deepEqual(JSON.parse(JSON.stringify(answer.value.authorizationDetails)), expected)
    }
  })

  test('the metadata of the API names its types when it has some', () => {
    const { api } = testBed({ authorizationDetailsTypes: ['payment_initiation'] })
    assert.deepEqual(publishMetadata(api).document.authorization_details_types_supported, [
      'payment_initiation',
    ])
    assert.equal('authorization_details_types_supported' in publishMetadata(testBed().api).document, false)
  })
})
