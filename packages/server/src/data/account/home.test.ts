import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import { anotherBrowser, handlesOn, liveSessions, openHome, press } from '../testing/account.ts'
import { follow } from '../testing/authenticator.ts'
import { header, openBrowser, pushedUrl } from '../testing/browser.ts'
import { allowedCiba, atApprovals, cibaClient } from '../testing/ciba.ts'
import { allowedTokens, asking, detailTypes, payingClient, paymentOf } from '../testing/details.ts'
import { allowedDevice, answerDevice, deviceClient, requestDevice } from '../testing/device.ts'
import { textOf as memberOf, seedCode } from '../testing/flow.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { openWorld, startOfWorld } from '../testing/world.ts'
import { grantsShownMax, sessionsShownMax } from './home.ts'

const textOf = ({ body }: Reply): string =>
  String(body)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/[ \n]+/g, ' ')

describe('the account page', () => {
  test('asks who it is, and comes back', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const asked = await browser.get(paths.account)
    assert.match(header(asked, 'location') ?? '', /\/login$/)
    assert.equal(asked.isUnbacked, true)
    const page = await follow(browser, await browser.login(asked))
    assert.match(textOf(page), /This browser Signed in 15 Jan 2027, 08:00 UTC, with a password/)
    assert.match(textOf(page), /Nothing\. When you allow an application something/)
  })

  test('shows each session with what it was used for, this one first, and no secret', async () => {
    await using world = await openWorld()
    const one = await signIn(world, 'c_bank')
    world.clock.advance(100)
    const two = await signIn(world, 'c_oidc', { scope: 'openid email' })
    world.clock.advance(100)
    await signIn(world, 'c_other', { browser: one.browser })
    const page = await one.browser.get(paths.account)
    const text = textOf(page)
    assert.match(
      text,
      /This browser Signed in 15 Jan 2027, 08:00 UTC, with a password Last used 15 Jan 2027, 08:03 UTC Used for The c_bank application and The c_other application Sign out Another browser Signed in 15 Jan 2027, 08:01 UTC, with a password Used for The c_oidc application End/,
    )
    const sessions = await liveSessions(world)
    for (const secret of [
      ...sessions.flatMap(({ hash, sid }) => [hash, sid]),
      ...one.browser.cookies.values(),
      ...two.browser.cookies.values(),
    ])
      assert.ok(!String(page.body).includes(secret))
  })

  test('a session that nobody used for too long, or that ended, is not shown', async () => {
    await using world = await openWorld()
    const [idle] = await anotherBrowser(world)
    assert.ok(idle)
    world.clock.advance(1799)
    const [, page] = await anotherBrowser(world)
    assert.match(textOf(page), /Another browser/)
    world.clock.advance(1)
    assert.doesNotMatch(textOf(await openHome(openBrowser(world))), /Another browser.*Another browser/)
    const [left] = await anotherBrowser(world)
    const ended = await signIn(world, 'c_oidc')
    await ended.browser.get(logoutUrl({ id_token_hint: ended.idToken }))
    const rows = handlesOn(await left.get(paths.account), paths.endSession)
    assert.equal(rows.length, (await liveSessions(world)).length - 2)
  })

  test('grants of the code flow, devices, CIBA and grant management stand there in plain words', async () => {
    const clients = [deviceClient(), cibaClient({ clientName: 'Corner shop' })]
    await using world = await openWorld({ clients })
    const managed = { grant_management_action: 'create', scope: 'openid accounts offline_access' }
    const { browser } = await signIn(world, 'c_manager', { spoil: managed })
    world.clock.advance(1)
    await signIn(world, 'c_bank', { scope: 'openid profile' })
    world.clock.advance(1)
    await allowedDevice(world)
    world.clock.advance(1)
    await allowedCiba(world)
    const page = await browser.get(paths.account)
    assert.equal(handlesOn(page, paths.withdraw).length, 4)
    const names = [...String(page.body).matchAll(/<h3 id="grant-\d+">([^<]*)/g)].map(([, name]) => name)
    assert.deepEqual(names, [
      'Corner shop',
      'The c_tv application',
      'The c_bank application',
      'The c_manager application',
    ])
    const [, , device = '', bank = ''] = textOf(page).split('It may ')
    assert.match(device, /See your accounts Balances and names/)
    assert.match(bank, /Know who you are A stable identifier for you See your profile Your name/)
    assert.match(bank, /Ends by itself .*, or when you sign out/)
    const whole = textOf(page)
    assert.match(
      whole,
      /Stay connected .* Allowed 15 Jan 2027, 08:00 UTC Ends by itself 14 Feb 2027, 08:01 UTC It may act while you are away/,
    )
    assert.match(whole, /client\.example/)
  })

  test('every value of an authorization detail is shown, and claims asked for by name', async () => {
    await using world = await openWorld({ clients: [payingClient()], detailTypes })
    const claims = JSON.stringify({ id_token: { email: null } })
    await allowedTokens(world, {
      ...asking(paymentOf('1234.50')),
      ...{ scope: 'openid', claims, resource: undefined },
    })
    const [, page] = await anotherBrowser(world)
    assert.ok(textOf(page).includes('EUR 1\u202f234.50'))
    assert.match(textOf(page), /It is told: Your e-mail address/)
  })

  test('what a grant holds that nobody can use any more is said to be so', async () => {
    await using world = await openWorld({ clients: [payingClient()], detailTypes })
    const odd = { type: 'long_gone', secret: 'x' }
    const grant = { authorizationDetails: [odd, paymentOf('-1')], scopes: ['openid', 'unknown_scope'] }
    await seedCode(world, 'c_pay', { grant })
    await seedCode(world, 'c_suspended')
    await seedCode(world, 'c_deleted')
    const [, page] = await anotherBrowser(world)
    assert.match(textOf(page), /long_gone No longer in use here/)
    assert.match(textOf(page), /unknown_scope/)
    assert.equal(textOf(page).split('This application cannot use it now').length, 3)
    assert.match(textOf(page), /c_deleted It may/)
    assert.equal(handlesOn(page, paths.withdraw).length, 3)
  })

  test('a changed managed grant says since when and when it changed', async () => {
    await using world = await openWorld()
    const managed = { id: 'm-1', createdAt: startOfWorld }
    await seedCode(world, 'c_manager', { grant: { managed } })
    await seedCode(world, 'c_manager', {
      grant: { managed: { ...managed, id: 'm-2' }, issuedAt: (startOfWorld + 3600) as typeof startOfWorld },
    })
    const [, page] = await anotherBrowser(world)
    assert.match(textOf(page), /Allowed 15 Jan 2027, 08:00 UTC, changed 15 Jan 2027, 09:00 UTC/)
    assert.match(textOf(page), /Allowed 15 Jan 2027, 08:00 UTC Ends/)
  })

  test('thousands of grants come in pages, each once, and one page costs one page', async () => {
    await using world = await openWorld()
    const count = 2 * grantsShownMax + 1
    for (let index = 0; index < count; index++)
      await seedCode(world, 'c_bank', { grant: { id: `g_${String(index).padStart(5, '0')}` } })
    const asked: number[] = []
    const { listGrants } = world.store
    Object.assign(world.store, {
      listGrants: (...sent: Parameters<typeof listGrants>) => {
        asked.push(sent[4])
        return listGrants(...sent)
      },
    })
    const browser = openBrowser(world)
    let page = await openHome(browser)
    const sizes: number[] = []
    for (let turn = 0; turn < 4; turn++) {
      sizes.push(handlesOn(page, paths.withdraw).length)
      const next = /id="older-grants" class="button" href="([^"]*)"/.exec(String(page.body))?.[1]
      if (next === undefined) break
      page = await browser.get(next)
    }
    assert.deepEqual(sizes, [grantsShownMax, grantsShownMax, 1])
    assert.ok(asked.every(limit => limit === grantsShownMax + 1))
    assert.match(String(page.body), /id="newest-grants"/)
  })

  test('more sessions than are shown are counted', async () => {
    await using world = await openWorld()
    for (let index = 0; index <= sessionsShownMax; index++) await openHome(openBrowser(world))
    const [, page] = await anotherBrowser(world)
    assert.equal(handlesOn(page, paths.endSession).length, sessionsShownMax - 1)
    assert.match(textOf(page), /2 older sessions are not shown/)
  })

  test('speaks German, also in what it says about what was done', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_bank')
    const german = { headers: [['accept-language', 'de']] as const }
    const page = await browser.get(paths.account)
    const done = await press(browser, page, paths.withdraw)
    assert.equal(header(done, 'location'), `${world.issuer.url}/account?done=withdrawn`)
    const again = await browser.post(paths.withdraw, { csrf: 'x', id: 'x' }, german)
    assert.match(String(again.body), /Hier geht es nicht weiter/)
  })

  test('takes its words about what was done from a list, never from the address', async () => {
    await using world = await openWorld()
    const [browser] = await anotherBrowser(world)
    for (const done of ['gone', '<script>', 'constructor', 'x']) {
      const page = await browser.get(`${paths.account}?done=${encodeURIComponent(done)}`)
      assert.equal(page.status, 200)
      assert.doesNotMatch(String(page.body), /id="notice"/)
    }
    const page = await browser.get(`${paths.account}?done=withdrawn`)
    assert.match(String(page.body), /role="status" id="notice"><p>You withdrew it/)
  })

  test('pages before and after it link to it: consent, a connected device, answers of CIBA, ways to sign in', async () => {
    await using world = await openWorld({ clients: [deviceClient(), cibaClient()] })
    const link = /<a href="https:\/\/as\.example\/account">/
    const { browser } = await signIn(world, 'c_oidc')
    const consent = await follow(browser, await browser.get(await pushedUrl(world)))
    const asked = await requestDevice(world)
    const pages = [
      consent,
      await answerDevice(world, memberOf(asked, 'user_code')),
      (await atApprovals(world, browser))[1],
      await browser.get(paths.security),
    ]
    for (const page of pages) assert.match(String(page.body), link)
  })
})
