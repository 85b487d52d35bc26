import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { AuditRecord, GrantRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { cookieName } from '../interaction/cookies.ts'
import { putUsers } from '../testing/account.ts'
import {
  answerCode,
  answerPasskey,
  follow,
  newPasskey,
  optionsOn,
  registerPasskey,
  setUpApp,
} from '../testing/authenticator.ts'
import { bothStores } from '../testing/both-stores.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  pushedUrl,
} from '../testing/browser.ts'
import { answerShown, askCiba, atApprovals, cibaClient, pollCiba } from '../testing/ciba.ts'
import { accounts } from '../testing/clients.ts'
import { allowedDevice, deviceClient, pollDevice } from '../testing/device.ts'
import { headersOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { alice, issuerUrl, openWorld, type World, type WorldOptions } from '../testing/world.ts'
import { GeographyBuilder } from './geography.ts'

const mfa = 'urn:holdfast:acr:mfa'
const phr = 'urn:holdfast:acr:phr'
/** Above a score, or where nobody knows the browser, a second factor. */
const stepUp = policiesWith(`
  @id("risk.step") @step_up("${mfa}") forbid (principal, action == Action::"authorize", resource)
  when { context has risk && (context.risk.score >= 15 || context.risk.unknown.contains("new-device")) }
  unless { context has acr && (context.acr == "${mfa}" || context.acr == "${phr}") };`)
const watching = policiesWith(
  `@id("risk.never") forbid (principal, action, resource) when { context has risk && context.risk.score > 100 };`,
)

const home = '192.0.2.10'
const elsewhere = '198.51.100.7'
const device = cookieName('device', issuerUrl)

/** The same world, asked from another address. */
function from(world: World, remoteAddress: string): World {
  return { ...world, send: (room, path, options) => world.send(room, path, { ...options, remoteAddress }) }
}

/** The same browser, at another address, without its session. */
function moved(world: World, remoteAddress: string, browser: Browser): Browser {
  const same = openBrowser(from(world, remoteAddress))
  const kept = browser.cookies.get(device)
  if (kept !== undefined) same.cookies.set(device, kept)
  return same
}

const machine = { grant_type: 'client_credentials', resource: accounts }
const has = (page: Reply, id: string): boolean => String(page.body).includes(`id="${id}"`)

async function signIn(world: World, browser: Browser): Promise<Reply> {
  const page = await follow(browser, await browser.get(await pushedUrl(world)))
  return await follow(browser, await browser.login(page))
}

const allow = (browser: Browser, page: Reply): Promise<Reply> =>
  browser.post(actionOf(page), {
    ...{ csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision: 'allow' },
  })

const codeOf = (reply: Reply): string => locationOf(reply).searchParams.get('code') ?? ''

/** Signs in with the password, and with the passkey where it is asked for. */
async function allowed(
  world: World,
  browser: Browser,
  passkey: ReturnType<typeof newPasskey>,
): Promise<Reply> {
  const page = await signIn(world, browser)
  if (has(page, 'consent-form')) return await allow(browser, page)
  assert.ok(has(page, 'passkey-form'), String(page.body))
  return await allow(
    browser,
    await follow(browser, await answerPasskey(browser, page, passkey.get(optionsOn(page)))),
  )
}

const textsOf = (record: AuditRecord | undefined, fact: string): readonly string[] => {
  const value = record?.facts[fact]
  return Array.isArray(value) ? value : ['none']
}
const signalsOf = (record: AuditRecord | undefined): readonly string[] => textsOf(record, 'risk_signals')
const unknownOf = (record: AuditRecord | undefined): readonly string[] => textsOf(record, 'risk_unknown')
const seenOf = (store: Store, world: World) => store.listSightings(issuerUrl, alice, world.clock.now(), 128)

for (const { name, skip, open } of bothStores)
  describe(`how risky a sign-in looks, on ${name}`, { skip }, () => {
    const openOn = async (options: WorldOptions = {}) => {
      const opened = await open()
      const world = await openWorld({ policies: stepUp, ...options, store: opened.store })
      return { world, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
    }

    test('a new network asks for a second factor, and the same place again for none', async () => {
      await using opened = await openOn()
      const { world } = opened
      const passkey = newPasskey()
      await registerPasskey(openBrowser(world), passkey)
      const laptop = openBrowser(from(world, home))

      // The first time nobody knows, and the policy wants to be sure.
      assert.ok(codeOf(await allowed(world, laptop, passkey)) !== '')
      const first = await world.lastAudit('policy.authorize')
      assert.deepEqual(signalsOf(first), [])
      assert.ok(unknownOf(first).includes('new-device'))

      // The same browser at home: confirmed by the passkey, so nothing is asked.
      const again = moved(world, home, laptop)
      const page = await signIn(world, again)
      assert.ok(has(page, 'consent-form'))
      assert.ok(codeOf(await allow(again, page)) !== '')
      assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), [])

      // The same browser in another network; then it is known there, too.
      const travelling = moved(world, elsewhere, again)
      assert.ok(has(await signIn(world, travelling), 'passkey-form'))
      assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), ['new-network=15'])
      const there = moved(world, elsewhere, again)
      assert.ok(codeOf(await allowed(world, there, passkey)) !== '')
      assert.ok(has(await signIn(world, moved(world, elsewhere, there)), 'consent-form'))

      // Another browser at home.
      assert.ok(has(await signIn(world, openBrowser(from(world, home))), 'passkey-form'))
      const stranger = await world.lastAudit('policy.authorize')
      assert.deepEqual(
        [stranger?.outcome, signalsOf(stranger), stranger?.facts.risk_score],
        ['refused', ['new-device=25'], 25],
      )
    })

    test('a password alone teaches nothing, however often it is right', async () => {
      await using opened = await openOn()
      const { world } = opened
      const passkey = newPasskey()
      await registerPasskey(openBrowser(world), passkey)
      await allowed(world, openBrowser(from(world, home)), passkey)
      const before = await seenOf(world.store, world)
      const attacker = openBrowser(from(world, elsewhere))
      for (let attempt = 0; attempt < 3; attempt++) {
        assert.ok(has(await signIn(world, attacker), 'passkey-form'))
        assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), [
          'new-device=25',
          'new-network=15',
        ])
        attacker.cookies.clear()
      }
      assert.deepEqual(await seenOf(world.store, world), before)
    })

    test('what was seen is known after a day, and forgotten when it was not seen for long', async () => {
      await using opened = await openOn({ policies: watching, risk: { rememberDays: 30 } })
      const { world } = opened
      const laptop = openBrowser(world)
      const come = async (browser: Browser): Promise<unknown> => {
        assert.ok(codeOf(await allow(browser, await signIn(world, browser))) !== '')
        const record = await world.lastAudit('policy.authorize')
        return { signals: signalsOf(record), isUnknown: unknownOf(record).includes('new-device') }
      }
      assert.deepEqual(await come(laptop), { signals: [], isUnknown: true })
      // Alice has no second factor: for a day nobody can tell.
      world.clock.advance(86_399)
      assert.deepEqual(await come(openBrowser(world)), { signals: [], isUnknown: true })
      world.clock.advance(1)
      assert.deepEqual(await come(openBrowser(world)), { signals: ['new-device=25'], isUnknown: false })
      assert.deepEqual(await come(moved(world, home, laptop)), { signals: [], isUnknown: false })
      world.clock.advance(30 * 86_400 - 1)
      assert.equal((await seenOf(world.store, world)).filter(({ what }) => what === 'network').length, 1)
      world.clock.advance(1)
      assert.deepEqual(await seenOf(world.store, world), [])
      await world.store.expire(world.clock.now(), 1000)
      assert.deepEqual(await come(moved(world, home, laptop)), { signals: [], isUnknown: true })
    })

    test('wrong passwords stay counted when the password was right, and a second factor clears them', async () => {
      await using opened = await openOn({ policies: watching })
      const { world } = opened
      const browser = openBrowser(world)
      const app = await setUpApp(world, browser)
      const wrong = async (times: number): Promise<void> => {
        const other = openBrowser(from(world, elsewhere))
        const page = await follow(other, await other.get(await pushedUrl(world)))
        for (let attempt = 0; attempt < times; attempt++) await other.login(page, 'Alice', 'guess')
      }
      await wrong(4)
      world.clock.advance(30)
      const again = openBrowser(world)
      const asked = await signIn(world, again)
      const done = await follow(again, await answerCode(again, asked, app.code()))
      assert.ok(codeOf(await allow(again, done)) !== '')
      assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), ['failed-attempts=25'])
      world.clock.advance(30)
      const later = openBrowser(world)
      const next = await follow(later, await answerCode(later, await signIn(world, later), app.code()))
      assert.ok(has(next, 'consent-form'))
      await allow(later, next)
      const signals = signalsOf(await world.lastAudit('policy.authorize'))
      assert.ok(!signals.includes('failed-attempts=25'), String(signals))
    })

    test('Sydney an hour after Berlin is no journey; how far it was stands nowhere', async () => {
      const builder = new GeographyBuilder()
      builder.add({ network: '192.0.2.0/24', latitude: 52.52, longitude: 13.4, country: '' })
      builder.add({ network: '198.51.100.0/24', latitude: -33.87, longitude: 151.2, country: '' })
      await using opened = await openOn({ policies: watching, geography: builder.build() })
      const { world } = opened
      const laptop = openBrowser(from(world, home))
      await allow(laptop, await signIn(world, laptop))
      world.clock.advance(3600)
      const there = moved(world, elsewhere, laptop)
      await allow(there, await signIn(world, there))
      assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), ['impossible-travel=40'])
      world.clock.advance(86_400)
      const back = moved(world, home, there)
      await allow(back, await signIn(world, back))
      assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), [])
    })

    test('a country that is new to the user, or barred by the issuer; which one it was stands nowhere', async () => {
      const builder = new GeographyBuilder()
      for (const [network, country] of [
        ['192.0.2.0/24', 'DE'],
        ['198.51.100.0/25', 'FR'],
        ['198.51.100.128/25', 'DE'],
      ] as const)
        builder.add({ network, latitude: '', longitude: '', country })
      const policies = policiesWith(`
        @id("country.barred") forbid (principal, action == Action::"authorize", resource)
        when { context has risk && context.risk.signals.contains("barred-country") };`)
      await using opened = await openOn({ policies, geography: builder.build() })
      const { world } = opened
      Object.assign(world.issuer, { risk: { ...world.issuer.risk, blockedCountries: ['KP'] } })
      const laptop = openBrowser(from(world, home))
      await allow(laptop, await signIn(world, laptop))
      const first = await world.lastAudit('policy.authorize')
      assert.ok(unknownOf(first).includes('new-country') && !unknownOf(first).includes('barred-country'))
      world.clock.advance(86_400)

      const near = moved(world, '198.51.100.200', laptop)
      await allow(near, await signIn(world, near))
      assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), ['new-network=15'])

      const abroad = moved(world, elsewhere, near)
      const page = await signIn(world, abroad)
      assert.ok(codeOf(await allow(abroad, page)) !== '')
      const signals = signalsOf(await world.lastAudit('policy.authorize'))
      assert.deepEqual(signals, ['new-country=20', 'new-network=15'])

      Object.assign(world.issuer, { risk: { ...world.issuer.risk, blockedCountries: ['KP', 'FR'] } })
      world.clock.advance(86_400)
      const callback = await signIn(world, moved(world, elsewhere, abroad))
      assert.equal(locationOf(callback).searchParams.get('error'), 'access_denied')
      assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), ['barred-country=50'])
      const sightings = await seenOf(world.store, world)
      assert.equal(sightings.filter(({ what }) => what === 'country').length, 2)
      const text = JSON.stringify([await world.audit(), sightings])
      for (const country of ['"DE"', '"FR"']) assert.ok(!text.includes(country))
    })

    test('the token hears how the sign-in looked, and the audit names nobody and no place', async () => {
      await using opened = await openOn({ policies: watching })
      const { world } = opened
      const passkey = newPasskey()
      await registerPasskey(openBrowser(world), passkey)
      await allowed(world, openBrowser(from(world, home)), passkey)
      world.clock.advance(86_400)
      const other = openBrowser(from(world, elsewhere))
      const reply = await allow(other, await signIn(world, other))
      assert.equal((await redeem(world, 'c_bank', codeOf(reply))).status, 200)
      const minted = await world.lastAudit('policy.mint')
      assert.deepEqual(
        signalsOf(minted).filter(one => /device|network/.test(one)),
        ['new-device=25', 'new-network=15'],
      )
      const cookie = other.cookies.get(device) ?? ''
      assert.match(cookie, /^.{49}$/)
      const text = JSON.stringify([await world.audit(), await seenOf(world.store, world)])
      for (const secret of [home, elsewhere, '198.51.100', '192.0.2', cookie, cookie.slice(6)])
        assert.ok(!text.includes(secret), secret)
      const items = (await seenOf(world.store, world)).filter(({ what }) => what !== 'hour')
      assert.ok(items.every(({ item }) => /^[A-Za-z0-9_-]{43}$/.test(item)))
      for (const { item } of items) assert.ok(!JSON.stringify(await world.audit()).includes(item))
    })
  })

describe('where no policy reads risk', () => {
  test('nothing is loaded, remembered, counted or recorded, and the browser gets no cookie', async () => {
    await using world = await openWorld()
    const asked: string[] = []
    const store: Store = {
      ...world.store,
      listSightings: async () => {
        asked.push('sightings')
        return []
      },
    }
    const spied: World = {
      ...world,
      send: (room, path, options) => room(world.exchange(path, options), { ...world.ports, store }),
    }
    const browser = openBrowser(spied)
    const reply = await allow(browser, await signIn(spied, browser))
    assert.equal((await redeem(spied, 'c_bank', codeOf(reply))).status, 200)
    assert.equal((await requestToken(spied, 'c_bank', machine)).status, 200)
    assert.deepEqual(asked, [])
    assert.deepEqual(await seenOf(world.store, world), [])
    assert.equal(browser.cookies.get(device), undefined)
    const facts = (await world.audit()).flatMap(record => Object.keys(record.facts))
    assert.ok(!facts.some(fact => fact.startsWith('risk')))
  })

  test('a version in the shadow that reads it is enough, and decides nothing', async () => {
    const policies = policiesWith(
      '',
      `@id("s") forbid (principal, action, resource) when { context has risk };`,
    )
    await using world = await openWorld({ policies })
    const browser = openBrowser(world)
    const reply = await allow(browser, await signIn(world, browser))
    assert.equal((await redeem(world, 'c_bank', codeOf(reply))).status, 200)
    assert.equal((await world.lastAudit('policy.mint'))?.facts.decision, 'permit')
    assert.equal((await world.lastAudit('policy.shadow-differs'))?.facts.shadow_decision, 'deny')
    assert.equal((await seenOf(world.store, world)).length, 3)
  })
})

test('the cookie of a device says nothing, is of this issuer only and ends with what is remembered', async () => {
  await using world = await openWorld({ policies: watching, risk: { rememberDays: 30 } })
  const browser = openBrowser(world)
  const reply = await allow(browser, await signIn(world, browser))
  const set = header(reply, 'set-cookie') ?? ''
  assert.match(
    set,
    /^__Host-holdfast-device-[0-9a-f]{8}=[A-Za-z0-9_-]{49}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000$/,
  )
  world.clock.advance(60)
  const again = await allow(browser, await signIn(world, browser))
  assert.equal(header(again, 'set-cookie')?.split(';')[0], set.split(';')[0])
  for (const spoiled of ['x', `${'a'.repeat(49)}; ${device}=${'b'.repeat(49)}`]) {
    const other = openBrowser(world)
    other.cookies.set(device, spoiled)
    const fresh = await allow(other, await signIn(world, other))
    assert.notEqual(header(fresh, 'set-cookie')?.split(';')[0], `${device}=${spoiled}`)
  }
})

test('a store that breaks while facts are loaded lets nobody through', async () => {
  await using world = await openWorld({ policies: watching })
  const broken: World = {
    ...world,
    send: (room, path, options) =>
      room(world.exchange(path, options), {
        ...world.ports,
        store: {
          ...world.store,
          listSightings: async () => {
            throw new Error('the store is gone')
          },
        },
      }),
  }
  const browser = openBrowser(broken)
  const page = await follow(browser, await browser.get(await pushedUrl(broken)))
  await assert.rejects(async () => follow(browser, await browser.login(page)), /the store is gone/)
  await assert.rejects(requestToken(broken, 'c_bank', machine), /the store is gone/)
  assert.equal(await world.lastAudit('token.issued'), undefined)
})

test('a grant older than signals of risk says so', async () => {
  await using world = await openWorld({ policies: watching })
  const { code, grantId } = await seedCode(world, 'c_bank')
  const grant: GrantRecord | undefined = await world.store.findGrant(grantId)
  assert.equal(grant?.risk, undefined)
  assert.equal((await redeem(world, 'c_bank', code)).status, 200)
  const unknown = unknownOf(await world.lastAudit('policy.mint'))
  assert.ok(['new-device', 'new-network', 'unusual-hour'].every(name => unknown.includes(name)))
})

describe('how risky it looks where the user answers for something else', () => {
  test('a request from elsewhere: nothing is known when it is asked, and all when it is answered', async () => {
    await using world = await openWorld({ clients: [cibaClient()], policies: watching })
    const authReqId = textOf(await askCiba(world), 'auth_req_id')
    const asked = await world.lastAudit('policy.authorize')
    assert.deepEqual(signalsOf(asked), [])
    assert.ok(['new-device', 'many-sign-ins'].every(name => unknownOf(asked).includes(name)))
    const [browser, page] = await atApprovals(world)
    const done = await answerShown(browser, page)
    assert.match(headersOf(done, 'set-cookie').join(), /device/)
    assert.ok(!unknownOf(await world.lastAudit('policy.authorize')).includes('many-sign-ins'))
    assert.equal((await seenOf(world.store, world)).length, 3)
    world.clock.advance(5)
    assert.equal((await pollCiba(world, authReqId)).status, 200)
    assert.ok(!unknownOf(await world.lastAudit('policy.mint')).includes('many-sign-ins'))
    // The same browser a day later, with the cookie it was given.
    world.clock.advance(86_400)
    await askCiba(world)
    const later = openBrowser(from(world, elsewhere))
    for (const [name, value] of browser.cookies) if (name === device) later.cookies.set(name, value)
    await answerShown(...(await atApprovals(from(world, elsewhere), later)))
    assert.deepEqual(signalsOf(await world.lastAudit('policy.authorize')), ['new-network=15'])
  })

  test('a device: it is the browser that is known again', async () => {
    await using world = await openWorld({ clients: [deviceClient()], policies: watching })
    const allowedOnce = async (): Promise<void> => {
      const code = await allowedDevice(world)
      world.clock.advance(5)
      assert.equal((await pollDevice(world, code)).status, 200)
    }
    await allowedOnce()
    assert.ok(unknownOf(await world.lastAudit('policy.mint')).includes('new-device'))
    world.clock.advance(86_400)
    await allowedOnce()
    assert.ok(signalsOf(await world.lastAudit('policy.mint')).includes('new-device=25'))
  })

  test('a browser that two people share is known for each of them only once they used it', async () => {
    await using world = await openWorld({ policies: watching })
    await putUsers(world.store, 'bob')
    const browser = openBrowser(world)
    const come = async (username: string, on: Browser): Promise<readonly string[]> => {
      const page = await follow(on, await on.get(await pushedUrl(world)))
      await allow(on, await follow(on, await on.login(page, username)))
      const record = await world.lastAudit('policy.authorize')
      return [...signalsOf(record), ...unknownOf(record).filter(name => name === 'new-device')]
    }
    await come('alice', browser)
    await come('bob', openBrowser(world))
    world.clock.advance(86_400)
    assert.deepEqual(await come('bob', moved(world, home, browser)), ['new-device=25'])
    assert.deepEqual(await come('alice', moved(world, home, browser)), [])
    const items = async (subject: string): Promise<readonly string[]> =>
      (await world.store.listSightings(issuerUrl, subject, world.clock.now(), 99))
        .filter(({ what }) => what !== 'hour')
        .map(({ item }) => item)
    const [ofAlice, ofBob] = [await items(alice), await items('u_bob')]
    assert.deepEqual([ofAlice.length, ofBob.length], [2, 3])
    assert.ok(!ofAlice.some(item => ofBob.includes(item)))
  })

  test('of more browsers than are kept, strangers go before friends', async () => {
    await using world = await openWorld({ policies: watching })
    const laptop = openBrowser(world)
    await allow(laptop, await signIn(world, laptop))
    const known = (await seenOf(world.store, world)).find(({ what }) => what === 'device')?.item
    world.clock.advance(86_400)
    for (let count = 0; count < 22; count++) {
      const other = openBrowser(world)
      await allow(other, await signIn(world, other))
      world.clock.advance(1)
    }
    const devices = (await seenOf(world.store, world)).filter(({ what }) => what === 'device')
    assert.equal(devices.length, 20)
    assert.ok(devices.some(({ item }) => item === known))
    const record = await world.lastAudit('policy.authorize')
    assert.deepEqual(signalsOf(record), ['many-sign-ins=20', 'new-device=25'])
  })
})
