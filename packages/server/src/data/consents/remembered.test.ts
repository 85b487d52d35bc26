import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EpochSeconds, SecurityProfile } from '@holdfast/protocol'
import { tier3SensitiveWrite } from '@holdfast/protocol/profiles/tier-3-sensitive-write.ts'
import type { Reply } from '../../http/exchange.ts'
import type { AuthorizationDetailsType, Client, ResourceServer, Scope } from '../../snapshot/snapshot.ts'
import { revocationOfClient, revocationOfSubject } from '../../store/revocations.ts'
import { answerAs, putMember } from '../testing/approvals.ts'
import { follow } from '../testing/authenticator.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  locationOf,
  openBrowser,
  type PushOptions,
  pushedUrl,
} from '../testing/browser.ts'
import { accounts, clientOf } from '../testing/clients.ts'
import { asking, detailTypes, payingClient, paymentOf, reading } from '../testing/details.ts'
import { answerDevice, deviceClient, requestDevice } from '../testing/device.ts'
import { redeem, textOf } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { alice, openWorld, type World, type WorldOptions } from '../testing/world.ts'

const head = '(principal, action == Action::"authorize", resource)'
const month = 2_592_000
const remembering = policiesWith(`@id("own.remember") @remember_consent("${month}") permit ${head};`)
const low = {
  scopes: new Map([['accounts', 2]]),
  detailTypes: new Map(detailTypes.map(({ name }) => [name, 2])),
}

const open = (options: WorldOptions = {}): Promise<World> =>
  openWorld({
    policies: remembering,
    operationTiers: low,
    detailTypes,
    clients: [payingClient()],
    ...options,
  })

/** Asks in this browser; with the login, where one is asked for. @returns the consent page, or where the answer leads */
async function ask(world: World, browser: Browser, push: PushOptions = {}): Promise<Reply> {
  const page = await follow(browser, await browser.get(await pushedUrl(world, push)))
  if (!String(page.body).includes('login-form')) return page
  return await follow(browser, await browser.login(page))
}
const allow = (browser: Browser, page: Reply, decision = 'allow'): Promise<Reply> =>
  browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision })
const isAsked = (reply: Reply): boolean => String(reply.body).includes('id="consent-form"')
const codeOf = (reply: Reply): string => locationOf(reply).searchParams.get('code') ?? ''

/** A browser whose user allowed it once. */
async function allowedOnce(world: World, push: PushOptions = {}): Promise<Browser> {
  const browser = openBrowser(world)
  const page = await ask(world, browser, push)
  assert.ok(isAsked(page), String(page.body))
  assert.notEqual(codeOf(await allow(browser, page)), '')
  return browser
}

/** Another registration of the client, from now on. */
function edit(world: World, changed: Partial<Client>): void {
  const clients = world.issuer.clients as Map<string, Client>
  const client = clients.get('c_bank')
  assert.ok(client)
  const { legalName: _before, ...others } = client
  clients.set('c_bank', { ...others, ...changed })
}

describe('a consent that policies have remembered', () => {
  test('is not asked again: the same request goes through, and the audit says on what it rests', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const page = await ask(world, browser)
    assert.match(String(page.body), /You are not asked the same again for 30 days/)
    const first = await allow(browser, page)
    const allowed = await world.lastAudit('code.issued')
    assert.deepEqual(
      [allowed?.facts.consent, allowed?.facts.remembered_until],
      ['allowed', world.clock.now() + month],
    )
    assert.equal((await redeem(world, 'c_bank', codeOf(first))).status, 200)
    world.clock.advance(60)
    const again = await ask(world, browser)
    assert.equal((await redeem(world, 'c_bank', codeOf(again))).status, 200)
    const record = await world.lastAudit('code.issued')
    assert.equal(record?.facts.consent, 'remembered')
    assert.equal(record?.facts.remembered_grant, allowed?.facts.grant)
    assert.equal(record?.facts.shown, undefined)
    const policy = await world.lastAudit('policy.authorize')
    assert.equal(policy?.requestId, record?.requestId)
    assert.deepEqual(policy?.facts.obligations, [`remember_consent=${month}`])
  })

  test('is asked every time where no policy says so, and where one says 0', async () => {
    const never = policiesWith(
      `@id("own.remember") @remember_consent("60") permit ${head};
       @id("own.never") @remember_consent("0") permit (principal == Client::"c_bank", action == Action::"authorize", resource);`,
    )
    for (const policies of [policiesWith(''), never]) {
      await using world = await open({ policies })
      const browser = await allowedOnce(world)
      const page = await ask(world, browser)
      assert.ok(isAsked(page))
      assert.ok(!String(page.body).includes('id="remembered"'))
    }
  })

  test('lasts to its last second, by what was said then and by the policies of now', async () => {
    await using world = await open()
    const browser = await allowedOnce(world)
    const day = policiesWith(`@id("own.remember") @remember_consent("600") permit ${head};`)
    world.clock.advance(599)
    const shorter: World = {
      ...world,
      send: (room, path, options) => {
        const exchange = world.exchange(path, options)
        return room({ ...exchange, issuer: { ...exchange.issuer, policies: day } }, world.ports)
      },
    }
    const same = openBrowser(shorter)
    for (const [name, value] of browser.cookies) same.cookies.set(name, value)
    assert.notEqual(codeOf(await ask(shorter, same)), '')
    world.clock.advance(1)
    assert.ok(isAsked(await ask(shorter, same)))
    for (const [seconds, asked] of [
      [month - 601, false],
      [1, true],
    ] as const) {
      world.clock.advance(seconds)
      assert.equal(isAsked(await ask(world, openBrowser(world))), asked)
    }
  })

  const changes: readonly (readonly [string, PushOptions])[] = [
    ['`prompt=consent`', { spoil: { prompt: 'consent' } }],
    ['another scope', { spoil: { scope: 'openid accounts payments' } }],
    ['another resource', { spoil: { resource: 'https://payments.example' } }],
    ['a detail about the user by name', { spoil: { claims: '{"userinfo":{"email":null}}' } }],
  ]
  for (const [name, push] of changes)
    test(`is asked: ${name}`, async () => {
      await using world = await open()
      const browser = await allowedOnce(world, { spoil: { resource: 'https://accounts.example' } })
      const spoil = { resource: 'https://accounts.example', ...push.spoil }
      assert.ok(isAsked(await ask(world, browser, { spoil })))
    })

  test('less than what was allowed is not asked', async () => {
    await using world = await open()
    const browser = await allowedOnce(world)
    assert.notEqual(codeOf(await ask(world, browser, { spoil: { scope: 'openid' } })), '')
  })

  const edits: readonly (readonly [string, (world: World) => void, PushOptions?])[] = [
    ['the name of the client', world => edit(world, { clientName: 'Another name' })],
    [
      'a host it can be sent to',
      world => edit(world, { redirectUris: ['https://client.example/cb', 'https://evil.example/cb'] }),
    ],
    ['what it can do while the user is away', world => edit(world, { grantTypes: ['authorization_code'] })],
    [
      'that it registered itself',
      world =>
        Object.assign(world.issuer, {
          registered: new Map([['c_bank', { token: 'iat-1', softwareStatement: undefined }]]),
        }),
    ],
    ['that people approved who answers for it', world => edit(world, { legalName: 'Bank of Aldgate plc' })],
    [
      'the words of a scope',
      world => {
        const scopes = world.issuer.scopes as Map<string, Scope>
        const scope = scopes.get('accounts')
        assert.ok(scope)
        scopes.set('accounts', { ...scope, description: 'Balances, names and every payment' })
      },
    ],
    [
      'the name of an API',
      world => {
        const servers = world.issuer.resourceServers as Map<string, ResourceServer>
        const server = servers.get(accounts)
        assert.ok(server)
        servers.set(accounts, { ...server, displayName: 'Accounts of everybody' })
      },
      { spoil: { resource: accounts } },
    ],
    [
      'the words in which a detail about the user is named',
      world => {
        const scopes = world.issuer.scopes as Map<string, Scope>
        scopes.set('staff', { ...staff, title: 'Everything of your employer' })
      },
      { clientId: 'c_staff', spoil: { scope: 'openid', claims: '{"userinfo":{"staff_number":null}}' } },
    ],
    ['the profile of a scope, to tier 3', world => setProfile(world, tier3SensitiveWrite)],
    [
      'the profile of a scope, to one of our own made of tier 3',
      world => setProfile(world, { ...tier3SensitiveWrite, name: 'ours', codeLifetimeSeconds: 30 }),
    ],
    [
      'the tier of what a scope lets into',
      world => (world.issuer.operationTiers.scopes as Map<string, number>).set('accounts', 3),
    ],
  ]
  const setProfile = (world: World, profile: SecurityProfile): void => {
    const scopes = world.issuer.scopes as Map<string, Scope>
    const scope = scopes.get('accounts')
    assert.ok(scope)
    scopes.set('accounts', { ...scope, profile })
  }
  const staff = {
    ...{ name: 'staff', title: 'Your staff number', description: 'The number' },
    claims: ['staff_number'],
  }
  const staffClient = clientOf({ clientId: 'c_staff', scopes: ['openid', 'staff'], resources: [] })
  for (const [name, change, push = {}] of edits)
    test(`is asked when this changed: ${name}`, async () => {
      await using world = await open({
        operationTiers: { ...low, scopes: new Map(low.scopes) },
        clients: [payingClient(), staffClient],
      })
      ;(world.issuer.scopes as Map<string, Scope>).set('staff', staff)
      const browser = await allowedOnce(world, push)
      assert.notEqual(codeOf(await ask(world, browser, push)), '')
      change(world)
      assert.ok(isAsked(await ask(world, browser, push)))
    })

  test('is asked by another user, and by another client', async () => {
    await using world = await open({ clients: [payingClient(), clientOf({ clientId: 'c_other' })] })
    const browser = await allowedOnce(world)
    assert.ok(isAsked(await ask(world, browser, { clientId: 'c_other' })))
    await putMember(world, 'bob', [])
    const his = openBrowser(world)
    const page = await follow(his, await his.get(await pushedUrl(world)))
    assert.ok(isAsked(await follow(his, await his.login(page, 'bob', 'pw'))))
  })

  test('of a user who says no later is forgotten', async () => {
    await using world = await open()
    const browser = await allowedOnce(world)
    const page = await ask(world, browser, { spoil: { prompt: 'consent' } })
    await allow(browser, page, 'deny')
    assert.ok(isAsked(await ask(world, browser)))
  })

  test('that is withdrawn, or forgotten on the account page, is asked', async () => {
    for (const form of ['withdraw', 'forget'] as const) {
      await using world = await open()
      const browser = await allowedOnce(world)
      const page = await browser.get('/account')
      assert.match(String(page.body), /Not asked again/)
      const path = form === 'withdraw' ? '/account/grants/withdraw' : '/account/consents/forget'
      const [, part = ''] = new RegExp(`(<form [^>]*${path}.*?</form>)`, 's').exec(String(page.body)) ?? []
      const [, id = ''] = /name="id" value="([^"]*)"/.exec(part) ?? []
      const fields = { csrf: fieldOf({ ...page, body: part }, 'csrf'), id }
      assert.equal((await browser.post(path, { ...fields, id: 'x' })).status, 409)
      const rule = form === 'withdraw' ? 'account.grant' : 'account.consent'
      assert.equal((await world.lastAudit('account.refused'))?.ruleId, rule)
      assert.equal((await browser.post(path, { ...fields, csrf: 'x' })).status, 400)
      assert.equal((await browser.post(path, fields)).status, 303)
      const event = form === 'withdraw' ? 'grant.revoked' : 'consent.forgotten'
      assert.equal((await world.lastAudit(event))?.subject, alice)
      assert.ok(isAsked(await ask(world, browser)))
      assert.equal((await browser.post(path, fields)).status, 409)
    }
  })

  test('ends with all access of its user or its client, and with a code that came twice', async () => {
    await using world = await open()
    const url = world.issuer.url
    const ends: readonly ((code: string) => Promise<unknown>)[] = [
      () => world.store.commit(revocationOfSubject(url, alice, world.clock.now() as EpochSeconds)),
      () => world.store.commit(revocationOfClient(url, 'c_bank', world.clock.now() as EpochSeconds)),
      async code => {
        await redeem(world, 'c_bank', code)
        await redeem(world, 'c_bank', code)
      },
    ]
    for (const end of ends) {
      const browser = openBrowser(world)
      const code = codeOf(await allow(browser, await ask(world, browser)))
      assert.notEqual(codeOf(await ask(world, openBrowser(world))), '')
      await end(code)
      assert.ok(isAsked(await ask(world, openBrowser(world))))
    }
  })

  test('that is forgotten between look and commit is asked', async () => {
    await using world = await open()
    const browser = await allowedOnce(world)
    const url = await pushedUrl(world)
    const { store } = world
    const findConsent: typeof store.findConsent = async key => {
      const found = await store.findConsent(key)
      await store.commit([{ kind: 'forget-consent', key }])
      return found
    }
    const racing = { ...world.ports, store: { ...store, findConsent } }
    let first = true
    const send = world.send
    Object.assign(world, {
      send: (room: Parameters<typeof send>[0], path: string, options: Parameters<typeof send>[2]) => {
        const isRaced = first && path.endsWith('/authorize')
        if (isRaced) first = false
        return room(world.exchange(path, options), isRaced ? racing : world.ports)
      },
    })
    assert.ok(isAsked(await follow(browser, await browser.get(url))))
    assert.equal((await world.audit()).filter(({ event }) => event === 'code.issued').length, 1)
  })
})

describe('what is asked every time, whatever policies say', () => {
  const readingDetails = { clientId: 'c_pay', spoil: { scope: 'openid', ...asking(reading) } }

  test('identical details of a low tier are remembered; others, and another version of their type, are asked', async () => {
    await using world = await open()
    const browser = await allowedOnce(world, readingDetails)
    assert.notEqual(codeOf(await ask(world, browser, readingDetails)), '')
    const others = { clientId: 'c_pay', spoil: { scope: 'openid', ...asking({ ...reading, limit: 99 }) } }
    assert.ok(isAsked(await ask(world, browser, others)))
    const types = world.issuer.detailTypes as Map<string, AuthorizationDetailsType>
    const type = types.get(reading.type)
    assert.ok(type)
    types.set(reading.type, { ...type, description: 'Reads more than before' })
    assert.ok(isAsked(await ask(world, browser, readingDetails)))
  })

  for (const [name, tiers] of [
    ['of tier 3', new Map([[paymentOf('1').type, 3]])],
    ['of a type that no catalogue names', new Map()],
  ] as const)
    test(`details ${name}`, async () => {
      await using world = await open({ operationTiers: { ...low, detailTypes: tiers } })
      const push = { clientId: 'c_pay', spoil: { scope: 'openid payments', ...asking(paymentOf('1')) } }
      const browser = openBrowser(world)
      const page = await ask(world, browser, push)
      assert.ok(!String(page.body).includes('id="remembered"'))
      assert.notEqual(codeOf(await allow(browser, page)), '')
      assert.ok(isAsked(await ask(world, browser, push)))
    })

  test('a device', async () => {
    await using world = await open({ clients: [deviceClient()] })
    const askDevice = async (): Promise<string> => textOf(await requestDevice(world), 'user_code')
    await answerDevice(world, await askDevice())
    await answerDevice(world, await askDevice())
    const records = (await world.audit()).filter(({ event }) => event === 'device.approved')
    assert.deepEqual(
      records.map(({ facts }) => facts.consent),
      ['allowed', 'allowed'],
    )
  })

  const managing = (action: string, more: Record<string, string> = {}): PushOptions => ({
    spoil: { grant_management_action: action, ...more },
  })

  test('what a client changes about a grant', async () => {
    await using world = await open()
    const push = { spoil: { grant_management_action: 'create' } }
    const browser = await allowedOnce(world, push)
    assert.ok(isAsked(await ask(world, browser, push)))
  })

  test('what was remembered, once a grant takes the place of another', async () => {
    await using world = await open()
    const browser = await allowedOnce(world)
    const code = codeOf(await allow(browser, await ask(world, browser, managing('create'))))
    assert.notEqual(codeOf(await ask(world, browser)), '')
    const grant_id = textOf(await redeem(world, 'c_bank', code), 'grant_id')
    const page = await ask(world, browser, managing('replace', { grant_id, scope: 'openid' }))
    assert.notEqual(codeOf(await allow(browser, page)), '')
    assert.ok(isAsked(await ask(world, browser)))
  })

  test('what others approved', async () => {
    await using world = await open({
      policies: policiesWith(
        `@id("own.both") @require_approval("treasury") @remember_consent("60") permit ${head};`,
      ),
    })
    await putMember(world, 'tess', ['treasury'])
    const browser = openBrowser(world)
    const waiting = await follow(browser, await allow(browser, await ask(world, browser)))
    await answerAs(world, 'tess')
    const page = await browser.get(actionOf(waiting))
    assert.ok(!String(page.body).includes('id="remembered"'))
    assert.notEqual(codeOf(await allow(browser, page)), '')
    assert.ok(isAsked(await ask(world, browser)))
  })

  test('a password is still asked for where the request wants a fresh one', async () => {
    await using world = await open()
    const browser = await allowedOnce(world)
    world.clock.advance(10)
    const page = await follow(browser, await browser.get(await pushedUrl(world, { spoil: { max_age: '5' } })))
    assert.ok(String(page.body).includes('login-form'))
    assert.notEqual(codeOf(await follow(browser, await browser.login(page))), '')
  })
})

describe('who asks', () => {
  const legalName = 'Müller & <b>Söhne</b> KG'
  for (const [name, registered, onboarded, sentence] of [
    [
      'a client that was onboarded',
      undefined,
      { legalName },
      /"vouched vouched-onboarding">Verified: .*<bdi>Müller &amp; &lt;b&gt;Söhne&lt;\/b&gt; KG<\/bdi>/,
    ],
    [
      'one that registered itself and was onboarded',
      { softwareStatement: undefined },
      { legalName },
      />Verified: /,
    ],
    ['a client of the operators', undefined, {}, />Not verified: the operators of this server registered it/],
    [
      'one that registered itself',
      { softwareStatement: undefined },
      {},
      />Not verified: it registered itself/,
    ],
    [
      'one with a signed statement',
      { softwareStatement: 'x.y.z' },
      {},
      />Not verified: .* signed statement that this server trusts/,
    ],
  ] as const)
    test(`${name} is shown as verified or not`, async () => {
      await using world = await open()
      edit(world, onboarded)
      if (registered !== undefined)
        Object.assign(world.issuer, { registered: new Map([['c_bank', { token: 't', ...registered }]]) })
      assert.match(String((await ask(world, openBrowser(world))).body), sentence)
    })

  test('changes between page and answer: the user reads it again, and a memory of it ends with the record', async () => {
    await using world = await open()
    edit(world, { legalName: 'Bank of Aldgate plc' })
    const browser = openBrowser(world)
    const page = await ask(world, browser)
    edit(world, { legalName: 'Bank of Nowhere Ltd' })
    const again = await allow(browser, page)
    assert.equal(again.status, 409)
    assert.match(String(again.body), /Bank of Nowhere Ltd/)
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'consent.changed')
    assert.notEqual(codeOf(await allow(browser, again)), '')
    assert.ok(!isAsked(await ask(world, browser)))
    edit(world, {})
    const asked = await ask(world, browser)
    assert.ok(isAsked(asked))
    assert.match(String(asked.body), />Not verified: /)
  })
})
