import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jwtBearerGrantType } from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import { answerPasskey, follow, newPasskey, optionsOn, registerPasskey } from '../testing/authenticator.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  pushedUrl,
} from '../testing/browser.ts'
import { allowedCiba, answerShown, askCiba, atApprovals, cibaClient, pollCiba } from '../testing/ciba.ts'
import { accounts, clientOf } from '../testing/clients.ts'
import { atLogin, deviceClient, pollDevice, requestDevice } from '../testing/device.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { policiesOf, policiesWith } from '../testing/policies.ts'
import { assertRefused } from '../testing/refused.ts'
import { grantAssertion, jwtBearerFields, trustedIssuer } from '../testing/trusted-issuer.ts'
import { alice, openWorld, type World, type WorldOptions } from '../testing/world.ts'

const mfa = 'urn:holdfast:acr:mfa'
const phr = 'urn:holdfast:acr:phr'
const head = '(principal, action == Action::"authorize", resource)'
const forbid = policiesWith(`@id("own.no") forbid ${head} when { context.user == User::"${alice}" };`)
const stepUp = policiesWith(
  `@id("own.step") @step_up("${mfa}") forbid ${head} unless { context has acr && (context.acr == "${mfa}" || context.acr == "${phr}") };`,
)
const broken = policiesOf(() => {
  throw new Error('a bug')
})

const openPage = async (world: World, browser: Browser): Promise<Reply> =>
  await follow(browser, await browser.get(await pushedUrl(world)))
const has = (page: Reply, id: string): boolean => String(page.body).includes(`id="${id}"`)
const answer = (browser: Browser, page: Reply): Promise<Reply> =>
  browser.post(actionOf(page), {
    ...{ csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision: 'allow' },
  })

describe('whether a client may act for a user, on the consent page', () => {
  test('what is permitted is recorded with the code, and nothing for the page alone', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const page = await follow(browser, await browser.login(await openPage(world, browser)))
    assert.ok(has(page, 'consent-form'))
    assert.equal(await world.lastAudit('policy.authorize'), undefined)
    assert.ok(locationOf(await answer(browser, page)).searchParams.has('code'))
    const [record, issued] = [await world.lastAudit('policy.authorize'), await world.lastAudit('code.issued')]
    assert.deepEqual(
      [record?.requestId, record?.txn, record?.subject, record?.facts.grant_type, record?.facts.scopes],
      [issued?.requestId, issued?.txn, alice, 'authorization_code', ['openid', 'accounts']],
    )
  })

  for (const [name, policies, ruleId] of [
    ['policies that forbid', forbid, 'policy.denied'],
    ['policies that break', broken, 'policy.failed'],
  ] as const)
    test(`${name}: the client learns access_denied, the user sees no page, and the request is spent`, async () => {
      await using world = await openWorld({ policies })
      const browser = openBrowser(world)
      const callback = locationOf(await follow(browser, await browser.login(await openPage(world, browser))))
      assert.equal(callback.searchParams.get('error'), 'access_denied')
      const refused = await world.lastAudit('consent.refused')
      assert.equal(refused?.ruleId, ruleId)
      assert.deepEqual((await world.lastAudit('policy.authorize'))?.outcome, 'refused')
      assert.ok(!(await world.audit()).some(({ event }) => event === 'code.issued'))
    })

  test('policies that changed while the page was open decide about the answer', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const page = await follow(browser, await browser.login(await openPage(world, browser)))
    const later: World = {
      ...world,
      send: (room, path, options) => {
        const exchange = world.exchange(path, options)
        return room({ ...exchange, issuer: { ...exchange.issuer, policies: forbid } }, world.ports)
      },
    }
    const same = openBrowser(later)
    for (const [name, value] of browser.cookies) same.cookies.set(name, value)
    assert.equal(locationOf(await answer(same, page)).searchParams.get('error'), 'access_denied')
  })

  test('a stronger authentication that helps is asked for, and then it goes on', async () => {
    await using world = await openWorld({ policies: stepUp })
    const browser = openBrowser(world)
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const asked = await follow(browser, await browser.login(await openPage(world, browser)))
    assert.ok(has(asked, 'passkey-form') && !has(asked, 'consent-form'))
    assert.equal((await world.lastAudit('policy.authorize'))?.outcome, 'refused')
    assert.deepEqual((await world.lastAudit('policy.step-up'))?.facts.acr_values, [mfa, phr])
    const page = await follow(browser, await answerPasskey(browser, asked, passkey.get(optionsOn(asked))))
    assert.ok(has(page, 'consent-form'))
    const code = locationOf(await answer(browser, page)).searchParams.get('code') ?? ''
    assert.equal((await redeem(world, 'c_bank', code)).status, 200)
    const record = await world.lastAudit('policy.authorize')
    assert.equal(record?.outcome, 'accepted')
    assert.ok([mfa, phr].includes(String(record?.facts.acr)))
  })

  test('one that the user cannot reach ends it', async () => {
    await using world = await openWorld({ policies: stepUp })
    const browser = openBrowser(world)
    const callback = locationOf(await follow(browser, await browser.login(await openPage(world, browser))))
    assert.equal(callback.searchParams.get('error'), 'unmet_authentication_requirements')
  })

  test('one that would not help is not asked for twice', async () => {
    const always = policiesWith(`@id("own.step") @step_up("${mfa}") forbid ${head};`)
    await using world = await openWorld({ policies: always })
    const browser = openBrowser(world)
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const asked = await follow(browser, await browser.login(await openPage(world, browser)))
    const end = await follow(browser, await answerPasskey(browser, asked, passkey.get(optionsOn(asked))))
    assert.equal(locationOf(end).searchParams.get('error'), 'access_denied')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'policy.denied')
    const unknown = policiesWith(`@id("own.step") @step_up("urn:nobody") forbid ${head};`)
    await using other = await openWorld({ policies: unknown })
    const second = openBrowser(other)
    const refused = locationOf(await follow(second, await second.login(await openPage(other, second))))
    assert.equal(refused.searchParams.get('error'), 'access_denied')
  })

  test('a device that may not act is told so when it asks', async () => {
    await using world = await openWorld({ clients: [deviceClient()], policies: forbid })
    const asked = await requestDevice(world)
    const [browser, login] = await atLogin(world, textOf(asked, 'user_code'))
    const page = await follow(browser, await browser.login(login))
    assert.ok(!has(page, 'consent-form'))
    const reply = await pollDevice(world, textOf(asked, 'device_code'))
    assert.equal(jsonOf(reply).error, 'access_denied')
    const record = await world.lastAudit('policy.authorize')
    assert.equal(record?.facts.grant_type, 'urn:ietf:params:oauth:grant-type:device_code')
  })
})

describe('whether a client may act for a user who is elsewhere', () => {
  const open = (policies: WorldOptions['policies']): Promise<World> =>
    openWorld({ clients: [cibaClient()], ...(policies && { policies }) })

  for (const [name, policies, ruleId] of [
    ['forbidden', forbid, 'policy.denied'],
    ['undecided', broken, 'policy.failed'],
  ] as const)
    test(`${name}: 403 before the user is disturbed`, async () => {
      await using world = await open(policies)
      const reply = await askCiba(world)
      await assertRefused(world, reply, { status: 403, error: 'access_denied', ruleId })
      assert.ok(!(await world.audit()).some(({ event }) => event === 'ciba.requested'))
      const waiting = await world.store.listWaitingBackchannelRequests(
        world.issuer.url,
        alice,
        world.clock.now(),
        10,
      )
      assert.deepEqual(waiting, [])
    })

  test('permitted: asked when the client asks, and again when the user answers', async () => {
    await using world = await open(undefined)
    const authReqId = await allowedCiba(world)
    const records = (await world.audit()).filter(({ event }) => event === 'policy.authorize')
    assert.deepEqual(
      records.map(({ facts }) => facts.acr),
      [undefined, 'urn:holdfast:acr:pwd'],
    )
    assert.equal((await pollCiba(world, authReqId)).status, 200)
  })

  test('a stronger authentication is left to the answer, and asked for there', async () => {
    await using world = await open(stepUp)
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const authReqId = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    const asked = await follow(browser, await answerShown(browser, page))
    assert.ok(has(asked, 'passkey-form'), String(asked.body))
    world.clock.advance(5)
    assert.equal(jsonOf(await pollCiba(world, authReqId)).error, 'authorization_pending')
    const again = await follow(browser, await answerPasskey(browser, asked, passkey.get(optionsOn(asked))))
    await answerShown(browser, again)
    world.clock.advance(5)
    assert.equal((await pollCiba(world, authReqId)).status, 200)
  })

  test('one that the user cannot reach is told, and the request goes on waiting', async () => {
    await using world = await open(stepUp)
    const authReqId = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    await answerShown(browser, page)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'step-up.unreachable')
    assert.equal(jsonOf(await pollCiba(world, authReqId)).error, 'authorization_pending')
  })
})

describe('whether a client may act for a user nobody asked', () => {
  const exchanger = clientOf({
    clientId: 'c_exchanger',
    grantTypes: [tokenExchangeGrantType],
    exchanges: { tokensOf: ['c_bank'], tokensFor: [accounts] },
  })
  const partner = clientOf({
    ...{ clientId: 'c_partner', grantTypes: [jwtBearerGrantType] },
    ownProfile: { ...clientOf({ clientId: 'x' }).profile, jwtBearerGrant: 'allowed' },
  })
  const ways: readonly (readonly [string, string, (world: World) => Promise<Reply>])[] = [
    [
      'an exchange',
      'invalid_request',
      async world => {
        const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
        return requestToken(world, 'c_exchanger', {
          grant_type: tokenExchangeGrantType,
          subject_token: textOf(first, 'access_token'),
          ...{ subject_token_type: accessTokenType, resource: accounts },
        })
      },
    ],
    [
      'the word of another issuer',
      'invalid_grant',
      world => requestToken(world, 'c_partner', jwtBearerFields(grantAssertion(world))),
    ],
  ]
  for (const [name, error, ask] of ways)
    test(`${name}: both moments, each with its record, or neither a token`, async () => {
      const options = { clients: [exchanger, partner], trustedIssuers: [trustedIssuer()] }
      await using good = await openWorld(options)
      assert.equal((await ask(good)).status, 200)
      const requestId = (await good.lastAudit('token.issued'))?.requestId
      const events = (await good.audit()).filter(one => one.requestId === requestId).map(({ event }) => event)
      assert.deepEqual(events, ['policy.authorize', 'policy.mint', 'token.issued'])

      await using world = await openWorld({ ...options, policies: forbid })
      await assertRefused(world, await ask(world), { status: 400, error, ruleId: 'policy.denied' })
      const last = (await world.lastAudit('token.refused'))?.requestId
      const refused = (await world.audit()).filter(one => one.requestId === last).map(({ event }) => event)
      assert.deepEqual(refused, ['policy.authorize', 'token.refused'])
    })
})

test('the page of a refused request has no way on', async () => {
  await using world = await openWorld({ policies: forbid })
  const browser = openBrowser(world)
  const page = await openPage(world, browser)
  const consent = actionOf(page).replace('/login', '/consent')
  await follow(browser, await browser.login(page))
  const reply = await browser.get(consent)
  assert.equal(header(reply, 'location'), undefined)
  assert.ok(!has(reply, 'consent-form'))
})
