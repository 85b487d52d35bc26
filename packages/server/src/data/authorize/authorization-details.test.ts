import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import { payment, paymentType } from '@holdfast/protocol/specs/rfc9396-rar/sample-types.ts'
import type { Reply } from '../../http/exchange.ts'
import { metadataDocument } from '../metadata/document.ts'
import { parRoom } from '../par/room.ts'
import { fieldOf, goodRequest, locationOf, openBrowser, push } from '../testing/browser.ts'
import { accounts, payments } from '../testing/clients.ts'
import {
  allowedTokens,
  asking,
  atConsent,
  detailTypes,
  introspectedBy,
  openPayingWorld,
  payingClient,
  paymentOf,
  reading,
} from '../testing/details.ts'
import { answerDevice, pollDevice, requestDevice } from '../testing/device.ts'
import { jsonOf, requestToken, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { requestObject } from '../testing/request-objects.ts'
import type { World } from '../testing/world.ts'

const scope = 'openid payments'
const spoiled: readonly (readonly [string, string])[] = [
  ['an unknown type', '[{"type":"x"}]'],
  ['an unknown field', JSON.stringify([{ ...payment, urgent: true }])],
  ['a field of the wrong type', JSON.stringify([{ ...payment, creditorName: 1 }])],
  ['a bad value', JSON.stringify([paymentOf('99999')])],
  ['a missing field', JSON.stringify([{ ...payment, creditorName: undefined }])],
  ['no array', JSON.stringify(payment)],
  ['no type', '[{}]'],
  ['no JSON', '['],
]

const relying = payingClient({
  clientId: 'c_relying',
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  requirePushedAuthorizationRequests: false,
})

function pushed(world: World, details: string, more: Record<string, string> = {}): Promise<Reply> {
  return push(world, { clientId: 'c_pay', spoil: { scope, authorization_details: details, ...more } })
}

describe('authorization_details in a pushed request', () => {
  for (const [name, text] of spoiled)
    it(`is refused with 400: ${name}`, async () => {
      await using world = await openPayingWorld()
      const reply = await pushed(world, text)
      assert.equal(reply.status, 400)
      assert.equal(jsonOf(reply).error, 'invalid_authorization_details')
      const audit = await world.lastAudit('request.refused')
      assert.match(audit?.ruleId ?? '', /^authorization-details\./)
    })

  it('is refused for a client that did not register the type', async () => {
    const other = payingClient({ clientId: 'c_reads', authorizationDetailsTypes: ['account_reading'] })
    await using world = await openPayingWorld({ clients: [other] })
    const reply = await push(world, { clientId: 'c_reads', spoil: { scope, ...asking(payment) } })
    assert.equal(jsonOf(reply).error, 'invalid_authorization_details')
    assert.equal((await world.lastAudit('request.refused'))?.ruleId, 'authorization-details.client-type')
  })

  it('needs no scope beside it, and decides the resource', async () => {
    await using world = await openPayingWorld()
    const spoil = { scope: undefined, ...asking(payment) }
    const tokens = jsonOf(await allowedTokens(world, spoil))
    assert.equal(tokens.scope, undefined)
    assert.deepEqual(tokens.authorization_details, [payment])
    assert.equal((await introspectedBy(world, 'c_rs_payments', String(tokens.access_token))).aud, payments)
  })

  it('adds its resource server to those that are named', async () => {
    await using world = await openPayingWorld()
    const spoil = { scope: 'openid accounts', resource: accounts, ...asking(payment) }
    const first = await allowedTokens(world, spoil, { resource: payments })
    assert.deepEqual(jsonOf(first).authorization_details, [payment])
    const other = await allowedTokens(world, spoil, { resource: accounts })
    assert.equal(jsonOf(other).authorization_details, undefined)
    assert.equal(jsonOf(other).scope, 'openid accounts')
  })

  it('belongs to one resource server, or the request names them', async () => {
    await using world = await openPayingWorld()
    const two = await pushed(world, JSON.stringify([payment, reading]))
    assert.equal(jsonOf(two).error, 'invalid_target')
    const named = {
      authorization_details: JSON.stringify([payment, reading]),
      resource: [payments, accounts],
    }
    assert.equal((await push(world, { clientId: 'c_pay', spoil: { scope, ...named } })).status, 201)
  })

  it('stands in a signed request object as JSON', async () => {
    await using world = await openPayingWorld()
    const send = (authorization_details: unknown): Promise<Reply> => {
      const claims = { scope, authorization_details, response_mode: undefined }
      const request = requestObject(world, { clientId: 'c_pay', claims })
      return world.send(parRoom, '/par', { form: { ...world.assertion('c_pay'), request } })
    }
    assert.equal((await send([payment])).status, 201)
    assert.equal((await send(JSON.stringify([payment]))).status, 201)
    assert.equal(jsonOf(await send([{ ...payment, urgent: 1 }])).error, 'invalid_authorization_details')
  })

  it('counts for nothing outside of a signed request object', async () => {
    await using world = await openPayingWorld()
    const request = requestObject(world, { clientId: 'c_pay', claims: { scope, response_mode: undefined } })
    const form = { ...world.assertion('c_pay'), request, ...asking(payment) }
    assert.equal((await world.send(parRoom, '/par', { form })).status, 201)
    assert.equal((await world.lastAudit('request.pushed'))?.facts.authorization_details_types, undefined)
  })
})

describe('authorization_details in the browser', () => {
  const start = (params: Record<string, string>): string =>
    `/authorize?${new URLSearchParams({ ...goodRequest('c_relying'), scope, ...params })}`

  for (const [name, text] of spoiled)
    it(`goes back to the client as an error: ${name}`, async () => {
      await using world = await openPayingWorld({ clients: [relying] })
      const reply = await openBrowser(world).get(start({ authorization_details: text }))
      assert.equal(reply.status, 303)
      assert.equal(locationOf(reply).searchParams.get('error'), 'invalid_authorization_details')
    })

  it('is refused when it came neither pushed nor signed', async () => {
    await using world = await openPayingWorld({ clients: [relying] })
    const browser = openBrowser(world)
    const plain = await browser.get(
      start({ scope: 'openid accounts', authorization_details: JSON.stringify([reading]) }),
    )
    assert.equal(locationOf(plain).searchParams.get('error'), 'invalid_request')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'authorization-details.protected')
    const claims = { scope: 'openid accounts', authorization_details: [reading], response_mode: undefined }
    const request = requestObject(world, { clientId: 'c_relying', claims })
    const signed = await browser.get(`/authorize?${new URLSearchParams({ client_id: 'c_relying', request })}`)
    assert.match(locationOf(signed).pathname, /^\/interaction\//)
  })
})

describe('consent to authorization details', () => {
  it('a user sees scopes and details on one page, and the token has both', async () => {
    await using world = await openPayingWorld()
    const [browser, url] = await atConsent(world, { scope, ...asking(paymentOf('1234.50'), payment) })
    const page = String((await browser.get(url)).body)
    for (const words of ['Pay from your accounts', 'Make a payment', 'EUR 1\u202f234.50', 'Merchant A'])
      assert.ok(page.includes(words), words)
    assert.ok(page.includes('DE89 3704 0044 0532 0130 00'))
    const tokens = jsonOf(await allowedTokens(world, { scope, ...asking(payment) }))
    assert.equal(tokens.scope, scope)
    assert.deepEqual(tokens.authorization_details, [payment])
  })

  it('is asked again when the words changed after they were shown', async () => {
    const types = detailTypes.map(type => ({ ...type }))
    await using world = await openPayingWorld({ detailTypes: types })
    const [browser, url] = await atConsent(world, { scope, ...asking(payment) })
    const shown = await browser.get(url)
    const form = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' }
    const [type] = types
    assert.ok(type)
    ;(world.issuer.detailTypes as Map<string, unknown>).set(type.name, { ...type, title: 'Something else' })
    const answer = await browser.post(url, form)
    assert.equal(answer.status, 409)
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'consent.changed')
  })

  it('ends when the type is gone, or asks for more than the detail says', async () => {
    for (const change of ['gone', 'stricter'] as const) {
      await using world = await openPayingWorld()
      const [browser, url] = await atConsent(world, { scope, ...asking(payment) })
      const types = world.issuer.detailTypes as Map<string, unknown>
      if (change === 'gone') types.delete(paymentType.name)
      else {
        const fields = paymentType.fields.map(field => ({ ...field, required: true }))
        types.set(paymentType.name, { ...detailTypes[0], fields })
      }
      const reply = await browser.get(url)
      assert.equal(reply.status, 400)
      assert.match(String(reply.body), /invalid_authorization_details/)
    }
  })

  it('is kept word for word, and the audit holds types and digests of details, and never what they say', async () => {
    await using world = await openPayingWorld()
    await allowedTokens(world, { scope, ...asking(payment) })
    const records = await world.audit()
    for (const event of ['request.pushed', 'code.issued', 'token.issued']) {
      const { facts } = records.find(record => record.event === event) ?? {}
      assert.deepEqual(facts?.authorization_details_types, ['payment_initiation'], event)
      assert.match(String(facts?.authorization_details_refs), /^[\w-]{43}$/)
    }
    const grantId = String(records.find(({ event }) => event === 'code.issued')?.facts.grant)
    assert.deepEqual((await world.store.findGrant(grantId))?.authorizationDetails, [payment])
    const text = JSON.stringify(records)
    for (const secret of [payment.creditorName, payment.creditorAccount.iban, '123.50'])
      assert.ok(!text.includes(secret), secret)
  })
})

describe('the answers', () => {
  it('the token response, the JWT and introspection have the details as granted', async () => {
    await using world = await openPayingWorld()
    const tokens = jsonOf(await allowedTokens(world, { scope, ...asking(payment) }))
    const token = String(tokens.access_token)
    assert.deepEqual(tokens.authorization_details, [payment])
    assert.deepEqual(claimsOf(token).authorization_details, [payment])
    const described = await introspectedBy(world, 'c_rs_payments', token)
    assert.deepEqual(described.authorization_details, [payment])
  })

  it('two details of one type stand in one token', async () => {
    await using world = await openPayingWorld()
    const both = [paymentOf('1.00'), paymentOf('2.00')]
    const tokens = jsonOf(await allowedTokens(world, { scope, ...asking(...both) }))
    assert.deepEqual(tokens.authorization_details, both)
  })

  it('say nothing of details when none were asked for', async () => {
    await using world = await openPayingWorld()
    const tokens = jsonOf(await allowedTokens(world, { scope }))
    assert.equal('authorization_details' in tokens, false)
    assert.equal('authorization_details' in claimsOf(String(tokens.access_token)), false)
  })

  it('the metadata names the types of authorization details', async () => {
    await using world = await openPayingWorld()
    const { authorization_details_types_supported: names } = metadataDocument(world.issuer, ['ES256'])
    assert.deepEqual(names, ['payment_initiation', 'account_reading'])
    const without = metadataDocument({ ...world.issuer, detailTypes: new Map() }, ['ES256'])
    assert.equal('authorization_details_types_supported' in without, false)
  })
})

describe('a device', () => {
  const device = payingClient({
    clientId: 'c_tv',
    ownProfile: oidcBaseline,
    redirectUris: [],
    grantTypes: [deviceGrantType, 'refresh_token'],
  })

  it('gets the details its user saw and allowed', async () => {
    await using world = await openPayingWorld({ clients: [device] })
    const fields = { scope: 'openid', resource: undefined, ...asking(reading) }
    const asked = await requestDevice(world, 'c_tv', fields)
    await answerDevice(world, textOf(asked, 'user_code'))
    const tokens = jsonOf(await pollDevice(world, textOf(asked, 'device_code')))
    assert.deepEqual(tokens.authorization_details, [reading])
    const described = await introspectedBy(world, 'c_rs', String(tokens.access_token))
    assert.deepEqual(described.authorization_details, [reading])
  })

  it('may ask for less when it polls, and never for more', async () => {
    await using world = await openPayingWorld({ clients: [device] })
    const fields = { scope: 'openid', resource: undefined, ...asking(reading) }
    const asked = await requestDevice(world, 'c_tv', fields)
    await answerDevice(world, textOf(asked, 'user_code'))
    const poll = { grant_type: deviceGrantType, device_code: textOf(asked, 'device_code') }
    const more = await requestToken(world, 'c_tv', { ...poll, ...asking({ ...reading, limit: 101 }) })
    assert.equal(jsonOf(more).error, 'invalid_authorization_details')
    const less = await requestToken(world, 'c_tv', { ...poll, ...asking({ ...reading, limit: 99 }) })
    assert.deepEqual(jsonOf(less).authorization_details, [{ ...reading, limit: 99 }])
  })

  it('is told at once what is wrong with them', async () => {
    await using world = await openPayingWorld({ clients: [device] })
    for (const [name, text] of spoiled) {
      const reply = await requestDevice(world, 'c_tv', { resource: undefined, authorization_details: text })
      assert.equal(jsonOf(reply).error, 'invalid_authorization_details', name)
    }
  })
})
