import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import { payment, paymentType } from '@holdfast/protocol/specs/rfc9396-rar/sample-types.ts'
import type { Reply } from '../../http/exchange.ts'
import { accounts, payments } from '../testing/clients.ts'
import {
  allowedTokens,
  asking,
  detailTypes,
  introspectedBy,
  openPayingWorld,
  payingClient,
  paymentOf,
  reading,
} from '../testing/details.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import type { FormFields, World } from '../testing/world.ts'

/** An attacker with a token, a code or a refresh token asks for more than the user saw (I14). */

const granted = [paymentOf('100.00')]
const scopes = ['openid', 'offline_access', 'payments']
const grant = { scopes, resources: [payments], authorizationDetails: granted }

/** How a client with a grant over `granted` asks for a token with these parameters. */
const ways: Readonly<Record<string, (world: World, asked: FormFields) => Promise<Reply>>> = {
  authorization_code: async (world, asked) =>
    redeem(world, 'c_pay', (await seedCode(world, 'c_pay', { grant })).code, { spoil: asked }),
  refresh_token: async (world, asked) => {
    const first = await redeem(world, 'c_pay', (await seedCode(world, 'c_pay', { grant })).code)
    const refresh_token = textOf(first, 'refresh_token')
    return requestToken(world, 'c_pay', { grant_type: 'refresh_token', refresh_token, ...asked })
  },
  'refresh_token after a narrow first token': async (world, asked) => {
    const { code } = await seedCode(world, 'c_pay', { grant })
    const first = await redeem(world, 'c_pay', code, { spoil: asking(paymentOf('1.00')) })
    const refresh_token = textOf(first, 'refresh_token')
    return requestToken(world, 'c_pay', { grant_type: 'refresh_token', refresh_token, ...asked })
  },
  'token exchange': async (world, asked) => {
    const first = await redeem(world, 'c_pay', (await seedCode(world, 'c_pay', { grant })).code)
    return exchange(world, textOf(first, 'access_token'), { resource: payments, ...asked })
  },
  client_credentials: (world, asked) =>
    requestToken(world, 'c_pay', { grant_type: 'client_credentials', resource: payments, ...asked }),
}

function exchange(world: World, subject_token: string, asked: FormFields): Promise<Reply> {
  const subject = { subject_token, subject_token_type: accessTokenType }
  return requestToken(world, 'c_pay', { grant_type: tokenExchangeGrantType, ...subject, ...asked })
}

const open = (): Promise<World> =>
  openPayingWorld({ clients: [payingClient({ ownAuthorizationDetails: granted })] })

const growing: readonly (readonly [string, FormFields])[] = [
  ['a cent more', asking(paymentOf('100.01'))],
  ['another currency', asking({ ...payment, instructedAmount: { currency: 'GBP', amount: '1.00' } })],
  ['another creditor', asking(paymentOf('1.00', { creditorName: 'Mallory' }))],
  ['another account', asking(paymentOf('1.00', { creditorAccount: { iban: 'GB82WEST12345698765432' } }))],
  ['two halves', asking(paymentOf('50.00'), paymentOf('49.99'))],
  ['one detail more', asking(paymentOf('100.00'), paymentOf('0.01'))],
  ['a date more', asking(paymentOf('100.00', { executionDate: '2027-01-01' }))],
  ['another type', asking(reading)],
  ['an unknown type', asking({ type: 'x' })],
  ['an unknown field', asking(paymentOf('1.00', { urgent: true }))],
  ['no JSON', { authorization_details: '[' }],
  ['an empty list', { authorization_details: '[]' }],
]

for (const [way, ask] of Object.entries(ways))
  describe(`${way} never grows authorization details`, () => {
    for (const [name, asked] of growing)
      test(`${name} is refused`, async () => {
        await using world = await open()
        const reply = await ask(world, asked)
        assert.equal(reply.status, 400, reply.body.toString())
        assert.equal(jsonOf(reply).error, 'invalid_authorization_details')
        const audit = await world.lastAudit('token.refused')
        assert.match(audit?.ruleId ?? '', /^authorization-details\./)
      })

    test('less is given, and is what the API is told', async () => {
      await using world = await open()
      const less = [paymentOf('40.00')]
      const tokens = jsonOf(await ask(world, asking(...less)))
      assert.deepEqual(tokens.authorization_details, less)
      const described = await introspectedBy(world, 'c_rs_payments', String(tokens.access_token))
      assert.deepEqual(described.authorization_details, less)
    })

    test('asking for nothing means all that was granted, and for a client of its own nothing', async () => {
      await using world = await open()
      const tokens = jsonOf(await ask(world, {}))
      const expected = way === 'client_credentials' ? undefined : granted
      assert.deepEqual(tokens.authorization_details, expected)
    })
  })

describe('what was granted falls away with what it stood on', () => {
  const spoiling: Readonly<Record<string, (world: World) => void>> = {
    'the type is gone': world =>
      void (world.issuer.detailTypes as Map<string, unknown>).delete('payment_initiation'),
    'the type has a lower bound now': world => {
      const fields = paymentType.fields.map(field =>
        field.kind === 'amount' ? { ...field, most: '99' } : field,
      )
      ;(world.issuer.detailTypes as Map<string, unknown>).set('payment_initiation', {
        ...detailTypes[0],
        fields,
      })
    },
    'the client lost the type': world => {
      const client = payingClient({ authorizationDetailsTypes: ['account_reading'] })
      ;(world.issuer.clients as Map<string, unknown>).set('c_pay', client)
    },
    'the type moved to another resource server': world => {
      const moved = { ...detailTypes[0], audience: accounts }
      ;(world.issuer.detailTypes as Map<string, unknown>).set('payment_initiation', moved)
    },
  }
  for (const [name, spoil] of Object.entries(spoiling))
    test(name, async () => {
      await using world = await open()
      const { code } = await seedCode(world, 'c_pay', { grant })
      spoil(world)
      const tokens = jsonOf(await redeem(world, 'c_pay', code, { spoil: { resource: payments } }))
      assert.match(String(tokens.access_token), /^ey/)
      assert.equal(tokens.authorization_details, undefined)
    })
})

describe('an exchange', () => {
  test('narrows step by step and never back', async () => {
    await using world = await open()
    const { code } = await seedCode(world, 'c_pay', { grant })
    const first = textOf(await redeem(world, 'c_pay', code), 'access_token')
    const narrow = await exchange(world, first, { resource: payments, ...asking(paymentOf('40.00')) })
    const again = await exchange(world, textOf(narrow, 'access_token'), {
      resource: payments,
      ...asking(paymentOf('41.00')),
    })
    assert.equal(jsonOf(again).error, 'invalid_authorization_details')
    const same = await exchange(world, textOf(narrow, 'access_token'), { resource: payments })
    assert.deepEqual(jsonOf(same).authorization_details, [paymentOf('40.00')])
  })

  test('for another resource server carries none of them', async () => {
    await using world = await open()
    const wide = { ...grant, scopes: [...scopes, 'accounts'], resources: [payments, accounts] }
    const { code } = await seedCode(world, 'c_pay', { grant: wide })
    const first = await redeem(world, 'c_pay', code, { spoil: { resource: payments } })
    const elsewhere = await exchange(world, textOf(first, 'access_token'), { resource: accounts })
    if (elsewhere.status === 200) assert.equal(jsonOf(elsewhere).authorization_details, undefined)
    const named = await exchange(world, textOf(first, 'access_token'), {
      resource: accounts,
      ...asking(payment),
    })
    assert.equal(named.status, 400)
  })
})

describe('details of two resource servers', () => {
  const both = { authorization_details: JSON.stringify([payment, reading]), resource: [payments, accounts] }
  const request = { scope: 'openid payments accounts offline_access', ...both }

  test('each token has those of its own, and each resource server is told of its own', async () => {
    await using world = await open()
    const first = await allowedTokens(world, request, { resource: accounts })
    assert.deepEqual(jsonOf(first).authorization_details, [reading])
    const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
    const second = await requestToken(world, 'c_pay', { ...fields, resource: payments })
    assert.deepEqual(jsonOf(second).authorization_details, [payment])
    const told = await introspectedBy(world, 'c_rs', textOf(first, 'access_token'))
    assert.deepEqual(told.authorization_details, [reading])
    assert.deepEqual(await introspectedBy(world, 'c_rs', textOf(second, 'access_token')), { active: false })
  })

  test('a token for one cannot be asked for with a detail of the other', async () => {
    await using world = await open()
    const reply = await allowedTokens(world, request, { resource: accounts, ...asking(payment) })
    assert.equal(reply.status, 400)
    assert.equal(jsonOf(reply).error, 'invalid_authorization_details')
  })

  test('without a resource the request must say which', async () => {
    await using world = await open()
    const reply = await allowedTokens(world, request)
    assert.equal(jsonOf(reply).error, 'invalid_target')
  })

  test('an introspecting server no longer sees a detail whose type moved away from it', async () => {
    await using world = await open()
    const first = await allowedTokens(world, request, { resource: accounts })
    const moved = { ...detailTypes[1], audience: payments }
    ;(world.issuer.detailTypes as Map<string, unknown>).set('account_reading', moved)
    const told = await introspectedBy(world, 'c_rs', textOf(first, 'access_token'))
    assert.equal(told.active, true)
    assert.equal('authorization_details' in told, false)
  })
})
