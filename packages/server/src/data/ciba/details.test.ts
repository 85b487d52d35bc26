import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { profiles } from '@holdfast/protocol'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { payment } from '@holdfast/protocol/specs/rfc9396-rar/sample-types.ts'
import type { Reply } from '../../http/exchange.ts'
import type { AuthorizationDetailsType, Client } from '../../snapshot/snapshot.ts'
import { openBrowser } from '../testing/browser.ts'
import {
  allowedCiba,
  answerShown,
  askCiba,
  atApprovals,
  cibaClient,
  pollCiba,
  sendCiba,
  signedCiba,
  signingCibaClient,
} from '../testing/ciba.ts'
import { payments } from '../testing/clients.ts'
import {
  asking,
  detailTypes,
  introspectedBy,
  openPayingWorld,
  paymentOf,
  reading,
} from '../testing/details.ts'
import { jsonOf, requestToken, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import type { FormFields, World } from '../testing/world.ts'

/** `authorization_details` (RFC 9396) of a request whose user answers elsewhere. */

const types = detailTypes.map(({ name }) => name)
const paying = (spec: Parameters<typeof cibaClient>[0] = {}): Client =>
  cibaClient({ authorizationDetailsTypes: types, ...spec })
const signing = signingCibaClient({ clientId: 'c_signs', authorizationDetailsTypes: types })
const untyped = cibaClient({ clientId: 'c_untyped' })

const open = (options: Parameters<typeof openPayingWorld>[0] = {}): Promise<World> =>
  openPayingWorld({ clients: [paying(), signing, untyped], ...options })

const toPay = { scope: 'openid offline_access', resource: payments }
const ask = (world: World, fields: FormFields, options: Parameters<typeof askCiba>[2] = {}): Promise<Reply> =>
  askCiba(world, { ...toPay, ...fields }, options)

const refused = { status: 400, error: 'invalid_authorization_details' }
const plainText = (page: Reply): string => String(page.body).replaceAll(/<[^>]+>/g, ' ')

const forget = (world: World, name: string): void =>
  void (world.issuer.detailTypes as Map<string, unknown>).delete(name)

/** The same, asked by a browser whose user reads German. */
function inGerman(world: World): World {
  const send: World['send'] = (room, path, options = {}) =>
    world.send(room, path, { ...options, headers: [...(options.headers ?? []), ['accept-language', 'de']] })
  return { ...world, send }
}

describe('details in a backchannel authentication request', () => {
  test('a user elsewhere allows details: shown in words, granted as shown', async () => {
    await using world = await open()
    const details = [paymentOf('123.50')]
    const authReqId = textOf(await ask(world, asking(...details)), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    for (const shown of ['Make a payment', 'Amount', 'EUR 123.50', 'Merchant A', 'DE89'])
      assert.ok(plainText(page).includes(shown), shown)
    await answerShown(browser, page)
    const tokens = jsonOf(await pollCiba(world, authReqId))
    assert.deepEqual(tokens.authorization_details, details)
    const described = await introspectedBy(world, 'c_rs_payments', String(tokens.access_token))
    assert.deepEqual(described.authorization_details, details)

    for (const event of ['ciba.requested', 'ciba.approved']) {
      const { facts = {} } = (await world.lastAudit(event)) ?? {}
      assert.deepEqual(facts.authorization_details_types, ['payment_initiation'], event)
      assert.equal((facts.authorization_details_refs as unknown[]).length, 1, event)
    }
    assert.doesNotMatch(JSON.stringify(await world.audit()), /DE89|Merchant/)
  })

  test('a German page says what is its own in German, and the entry in the words of its type', async () => {
    await using world = await open()
    await ask(world, asking(payment))
    const [browser, page] = await atApprovals(world, openBrowser(inGerman(world)))
    for (const shown of ['Etwas wartet auf Ihre Antwort', 'Make a payment', 'EUR 123.50'])
      assert.ok(plainText(page).includes(shown), shown)
    await answerShown(browser, page)
    assert.equal((await world.lastAudit('ciba.approved'))?.facts.locale, 'de')
  })

  test('without details the answer, the grant and the tokens hold none', async () => {
    await using world = await open()
    const tokens = jsonOf(await pollCiba(world, await allowedCiba(world)))
    assert.equal(tokens.authorization_details, undefined)
  })

  for (const [name, value] of [
    ['JSON', [payment]],
    ['text', JSON.stringify([payment])],
  ] as const)
    test(`a signed request holds them as ${name}`, async () => {
      await using world = await open()
      const claims = { ...toPay, authorization_details: value }
      const request = signedCiba(world, { clientId: 'c_signs', claims })
      const authReqId = textOf(await sendCiba(world, { request }, { clientId: 'c_signs' }), 'auth_req_id')
      const [browser, page] = await atApprovals(world)
      assert.match(plainText(page), /EUR 123\.50/)
      await answerShown(browser, page)
      const tokens = await pollCiba(world, authReqId, undefined, 'c_signs')
      assert.deepEqual(jsonOf(tokens).authorization_details, [payment])
    })

  for (const [name, authorization_details, ruleId] of [
    ['an empty list', '[]', 'authorization-details.form'],
    ['no JSON', '[', 'authorization-details.form'],
    ['an entry without a type', '[{}]', 'authorization-details.type'],
    ['a type nobody knows', '[{"type":"x"}]', 'authorization-details.known-type'],
    ['a field nobody knows', JSON.stringify([{ ...payment, urgent: true }]), 'authorization-details.fields'],
    [
      'text that hides what it says',
      JSON.stringify([{ ...payment, creditorName: 'A\u202eB' }]),
      'authorization-details.fields',
    ],
    ['4097 bytes', `[${' '.repeat(4095)}]`, 'authorization-details.size'],
  ] as const)
    test(`${name} is refused`, async () => {
      await using world = await open()
      await assertRefused(world, await ask(world, { authorization_details }), { ...refused, ruleId })
      const request = signedCiba(world, {
        clientId: 'c_signs',
        claims: { ...toPay, authorization_details },
      })
      const signed = await sendCiba(world, { request }, { clientId: 'c_signs' })
      await assertRefused(world, signed, { ...refused, ruleId })
    })

  test('a client asks for no type that it did not register, and for no API that it may not ask for', async () => {
    await using world = await open({
      clients: [untyped, paying({ clientId: 'c_reader', resources: ['https://accounts.example'] })],
    })
    const ruleId = 'authorization-details.client-type'
    const asked = await ask(world, asking(payment), { clientId: 'c_untyped' })
    await assertRefused(world, asked, { ...refused, ruleId })
    const resource = { resource: undefined }
    const reader = await ask(world, { ...asking(payment), ...resource }, { clientId: 'c_reader' })
    await assertRefused(world, reader, { ...refused, ruleId })
    const allowed = await ask(world, { ...asking(reading), ...resource }, { clientId: 'c_reader' })
    assert.equal(allowed.status, 200, allowed.body.toString())
  })
})

describe('what became of the type after the question', () => {
  test('other words for it are another page: the user is asked again', async () => {
    await using world = await open()
    await ask(world, asking(payment))
    const [browser, page] = await atApprovals(world)
    const known = world.issuer.detailTypes.get('payment_initiation') as AuthorizationDetailsType
    const renamed = { ...known, title: 'Pay at once' }
    ;(world.issuer.detailTypes as Map<string, unknown>).set(known.name, renamed)
    const again = await answerShown(browser, page)
    assert.equal(again.status, 409)
    assert.match(plainText(again), /Pay at once/)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.changed')
    assert.equal((await answerShown(browser, again)).status, 200)
  })

  test('a digest of other details allows nothing', async () => {
    await using world = await open()
    const authReqId = textOf(await ask(world, asking(paymentOf('1.00'))), 'auth_req_id')
    const [browser, cheap] = await atApprovals(world)
    await answerShown(browser, cheap, 'deny')
    await ask(world, asking(paymentOf('9000.00')))
    const [, dear] = await atApprovals(world, browser)
    const shown = /name="shown" value="([\w-]+)"/.exec(String(cheap.body))?.[1]
    assert.equal((await answerShown(browser, dear, 'allow', { shown })).status, 409)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.changed')
    assert.equal(jsonOf(await pollCiba(world, authReqId)).error, 'access_denied')
  })

  test('a type that is gone is shown to nobody, and buys nothing when it was allowed', async () => {
    await using world = await open()
    await ask(world, asking(payment))
    forget(world, 'payment_initiation')
    const [, page] = await atApprovals(world)
    assert.match(plainText(page), /Nothing waits for you/)

    await using other = await open()
    const authReqId = textOf(await ask(other, asking(payment)), 'auth_req_id')
    const [browser, shown] = await atApprovals(other)
    await answerShown(browser, shown)
    forget(other, 'payment_initiation')
    const ruleId = 'authorization-details.known-type'
    await assertRefused(other, await pollCiba(other, authReqId), { ...refused, ruleId })
  })
})

describe('the tokens of allowed details', () => {
  const allowed = async (world: World, amount: string): Promise<string> =>
    await allowedCiba(world, { ...toPay, ...asking(paymentOf(amount)) })
  const redeem = (world: World, auth_req_id: string, more: FormFields): Promise<Reply> =>
    requestToken(world, 'c_pos', { grant_type: cibaGrantType, auth_req_id, ...more })

  test('are narrowed by who redeems, and by who refreshes, and never grow', async () => {
    await using world = await open()
    const authReqId = await allowed(world, '100.00')
    const ruleId = 'authorization-details.grew'
    const more = await redeem(world, authReqId, asking(paymentOf('100.01')))
    await assertRefused(world, more, { ...refused, ruleId })
    const other = await redeem(world, authReqId, asking(reading))
    await assertRefused(world, other, { ...refused, ruleId })
    const tokens = jsonOf(await redeem(world, authReqId, asking(paymentOf('40.00'))))
    assert.deepEqual(tokens.authorization_details, [paymentOf('40.00')])

    const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) }
    const grown = await requestToken(world, 'c_pos', { ...refresh, ...asking(paymentOf('100.01')) })
    await assertRefused(world, grown, { ...refused, ruleId })
    const full = jsonOf(await requestToken(world, 'c_pos', refresh))
    assert.deepEqual(full.authorization_details, [paymentOf('100.00')])
  })

  test('of 16 simultaneous polls one gets them', async () => {
    await using world = await open()
    const authReqId = await allowed(world, '100.00')
    const replies = await Promise.all(Array.from({ length: 16 }, () => redeem(world, authReqId, {})))
    const won = replies.filter(({ status }) => status === 200)
    assert.equal(won.length, 1)
    assert.deepEqual(jsonOf(won[0] as Reply).authorization_details, [paymentOf('100.00')])
  })
})

describe('the profile of a type', () => {
  const tiered = (name: string): readonly AuthorizationDetailsType[] =>
    detailTypes.map(type => ({ ...type, profile: profiles.get(name) }))

  test('asks for its own protections, of a request with details alone', async () => {
    await using world = await open({ detailTypes: tiered('fapi-ciba') })
    assert.equal((await ask(world, {})).status, 200)
    await assertRefused(world, await ask(world, asking(payment)), {
      ...{ status: 400, error: 'invalid_request', ruleId: 'ciba.signed-required' },
    })
  })

  test('asks for a newer sign-in before the user may allow: of two minutes at the fourth tier', async () => {
    for (const [seconds, status] of [
      [120, 200],
      [121, 303],
    ] as const) {
      await using world = await open({ detailTypes: tiered('tier-4-high-value') })
      const claims = { ...toPay, authorization_details: [payment] }
      const request = signedCiba(world, { clientId: 'c_signs', claims })
      const asked = await sendCiba(world, { request }, { clientId: 'c_signs' })
      assert.equal(asked.status, 200, asked.body.toString())
      const [browser] = await atApprovals(world)
      world.clock.advance(seconds)
      // Another visit, in which the user has not signed in anew.
      const [, page] = await atApprovals(world, browser)
      assert.equal((await answerShown(browser, page)).status, status)
      const event = status === 200 ? 'ciba.approved' : 'ciba.step-up'
      assert.ok(await world.lastAudit(event), event)
    }
  })
})
