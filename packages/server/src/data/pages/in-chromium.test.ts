import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { type BrowsedWorld, openBrowsedWorld } from '../testing/browsed-world.ts'
import { cookiesOf, goodRequest, pushedUrl } from '../testing/browser.ts'
import { look, testedLooks, translatedLooks, withoutChromium } from '../testing/chromium.ts'
import { askCiba, cibaClient } from '../testing/ciba.ts'
import { clientOf } from '../testing/clients.ts'
import { asking, detailTypes, payingClient, paymentOf, reading } from '../testing/details.ts'
import { deviceClient, requestDevice } from '../testing/device.ts'
import { jsonOf, seedCode } from '../testing/flow.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { issuerUrl, type World } from '../testing/world.ts'

const otherShop = cibaClient({
  clientId: 'c_shop',
  clientName: 'Corner shop',
  authorizationDetailsTypes: detailTypes.map(({ name }) => name),
})
const framed = clientOf({ clientId: 'c_framed', frontchannelLogoutUri: 'https://client.example/out?from=as' })

describe('the pages in a real browser', { skip: withoutChromium }, () => {
  let world: World
  let pages: BrowsedWorld | undefined
  let browser: Browser

  before(async () => {
    const clients = [deviceClient(), cibaClient(), otherShop, framed, payingClient()]
    pages = await openBrowsedWorld({ clients, detailTypes })
    ;({ world, browser } = pages)
  })

  after(() => pages?.[Symbol.asyncDispose]())

  const open = async (options: BrowserContextOptions): Promise<Page> => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, bypassCSP: false, ...options })
    return await context.newPage()
  }

  const request = {
    spoil: {
      scope: 'openid profile accounts payments offline_access',
      resource: ['https://accounts.example', 'https://payments.example'],
    },
  }

  for (const [name, options] of testedLooks)
    it(`log in and consent, without JavaScript, accessible: ${name}`, async () => {
      const page = await open({ ...options, javaScriptEnabled: false })
      await page.goto(await pushedUrl(world, request))
      await look(browser, page, `${name}-login`)
      await page.fill('#username', 'alice')
      await page.fill('#password', 'wrong')
      await page.click('#login-submit')
      assert.match((await page.textContent('[role=alert]')) ?? '', /not right/)
      await look(browser, page, `${name}-login-wrong`)
      await page.fill('#password', 'correct horse')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/consent')
      await look(browser, page, `${name}-consent`)
      await page.click('#consent-allow')
      await page.waitForURL('https://client.example/cb?**')
      assert.match(page.url(), /[?&]code=ac_/)

      await page.goto(`${issuerUrl}/authorize?client_id=nobody`)
      assert.equal(await page.textContent('#error-code'), 'unauthorized_client')
      await look(browser, page, `${name}-error`)

      await page.goto(await pushedUrl(world, request))
      await page.context().clearCookies()
      await page.click('#consent-allow, #login-submit')
      assert.equal(await page.textContent('h1'), 'Your browser did not send our cookie')
      await look(browser, page, `${name}-cookies`)
      await page.context().close()
    })

  for (const [name, options] of testedLooks)
    it(`details of a payment stand on the consent page, accessible and within its width: ${name}`, async () => {
      const page = await open({ ...options, javaScriptEnabled: false })
      const named = { creditorName: '<b>Muster</b> & Töchter GmbH, Abteilung Zahlungen & Verwaltung Südwest' }
      const details = [paymentOf('1234.50', named), paymentOf('7', { executionDate: '2027-03-01' })]
      const spoil = { scope: 'openid payments', ...asking(...details) }
      await page.goto(await pushedUrl(world, { clientId: 'c_pay', spoil }))
      await page.fill('#username', 'alice')
      await page.fill('#password', 'correct horse')
      await page.click('#login-submit')
      await page.waitForURL('**/consent')
      await look(browser, page, `${name}-consent-details`)
      const shown = await page.$$eval('.detail dd', list => list.map(({ textContent }) => textContent))
      assert.ok(shown.includes(named.creditorName))
      assert.ok(shown.includes('EUR 1\u202f234.50'))
      await page.click('#consent-allow')
      await page.waitForURL('https://client.example/cb?**')
      await page.context().close()
    })

  for (const [name, options] of testedLooks)
    it(`add to a grant and replace it, without JavaScript, accessible: ${name}`, async () => {
      const id = `managed-${name}`
      await seedCode(world, 'c_bank', { grant: { managed: { id, createdAt: world.clock.now() } } })
      for (const action of ['merge', 'replace']) {
        const page = await open({ ...options, javaScriptEnabled: false })
        const asked = { grant_management_action: action, grant_id: id, resource: 'https://accounts.example' }
        await page.goto(await pushedUrl(world, { spoil: { ...asked, scope: 'openid accounts' } }))
        await page.fill('#username', 'alice')
        await page.fill('#password', 'correct horse')
        await page.click('#login-submit')
        await page.waitForURL('**/consent')
        const text = (await page.textContent('#consent-change')) ?? ''
        assert.match(text, action === 'merge' ? /everything together/ : /takes the place/)
        await look(browser, page, `${name}-consent-${action}`)
        await page.click('#consent-allow')
        await page.waitForURL('https://client.example/cb?**')
        await page.context().close()
      }
    })

  for (const [name, options] of testedLooks)
    it(`connect a device, without JavaScript, accessible: ${name}`, async () => {
      const asked = jsonOf(await requestDevice(world))
      const page = await open({ ...options, javaScriptEnabled: false })
      await page.goto(String(asked.verification_uri))
      await look(browser, page, `${name}-device`)
      await page.fill('#user_code', 'bbbb bbbb')
      await page.click('#device-submit')
      assert.match((await page.textContent('[role=alert]')) ?? '', /not right/)
      await look(browser, page, `${name}-device-wrong`)
      await page.goto(String(asked.verification_uri_complete))
      assert.equal(await page.inputValue('#user_code'), asked.user_code)
      await look(browser, page, `${name}-device-complete`)
      await page.click('#device-submit')
      await page.waitForURL('**/confirm')
      await look(browser, page, `${name}-confirm`)
      await page.click('#confirm-continue')
      await page.waitForURL('**/login')
      await page.fill('#username', 'alice')
      await page.fill('#password', 'correct horse')
      await page.click('#login-submit')
      await page.waitForURL('**/consent')
      await look(browser, page, `${name}-device-consent`)
      await page.click('#consent-allow')
      await page.waitForSelector('#device-allowed')
      await look(browser, page, `${name}-device-done`)
      await page.context().close()
    })

  for (const [name, options] of translatedLooks)
    it(`every page in German, without JavaScript, accessible: ${name}`, async () => {
      const page = await open({ ...options, locale: 'de-DE', javaScriptEnabled: false })
      const claims = JSON.stringify({ id_token: { email: null } })
      const { spoil } = request
      await page.goto(await pushedUrl(world, { spoil: { ...spoil, claims } }))
      assert.equal(await page.title(), 'Anmelden')
      await look(browser, page, `${name}-de-login`)
      await page.fill('#username', 'alice')
      await page.fill('#password', 'wrong')
      await page.click('#login-submit')
      assert.match((await page.textContent('[role=alert]')) ?? '', /stimmt nicht/)
      await look(browser, page, `${name}-de-login-wrong`)
      await page.fill('#password', 'correct horse')
      await page.click('#login-submit')
      await page.waitForURL('**/consent')
      assert.match((await page.textContent('main')) ?? '', /Ihre E-Mail-Adresse/)
      assert.equal(await page.getAttribute('html', 'lang'), 'de')
      await look(browser, page, `${name}-de-consent`)
      await page.click('#consent-allow')
      await page.waitForURL('https://client.example/cb?**')

      const asked = jsonOf(await requestDevice(world))
      await page.goto(String(asked.verification_uri_complete))
      await look(browser, page, `${name}-de-device`)
      await page.click('#device-submit')
      await page.waitForURL('**/confirm')
      await look(browser, page, `${name}-de-confirm`)
      await page.click('#confirm-stop')
      assert.equal(await page.title(), 'Ihr Gerät wurde nicht verbunden')
      await look(browser, page, `${name}-de-device-denied`)

      await page.goto(`${issuerUrl}/authorize?client_id=nobody`)
      assert.equal(await page.textContent('#error-meaning'), 'diese Anwendung darf das nicht')
      await look(browser, page, `${name}-de-error`)
      await page.goto(logoutUrl({ client_id: 'c_oidc' }))
      await look(browser, page, `${name}-de-logout`)
      await page.click('#logout-submit')
      assert.equal(await page.title(), 'Sie sind abgemeldet')
      await look(browser, page, `${name}-de-logout-done`)
      await page.context().close()
    })

  it('a page speaks the language of the request, whatever the browser prefers', async () => {
    const page = await open({ locale: 'de-DE' })
    await page.goto(await pushedUrl(world, { spoil: { ui_locales: 'fr en' } }))
    assert.equal(await page.title(), 'Sign in')
    await page.context().close()
  })

  for (const [name, options] of testedLooks)
    it(`answer what waits, without JavaScript, accessible: ${name}`, async () => {
      await askCiba(world, { binding_message: 'W4SCT – 10,00 €' })
      world.clock.advance(1)
      const scope = 'openid accounts payments offline_access'
      const resource = ['https://accounts.example', 'https://payments.example']
      await askCiba(
        world,
        { scope, resource, ...asking(paymentOf('123.50'), reading) },
        { clientId: 'c_shop' },
      )
      const page = await open({ ...options, javaScriptEnabled: false })
      await page.goto(`${issuerUrl}/ciba`)
      await look(browser, page, `${name}-ciba`)
      await page.click('#look-submit')
      await page.waitForURL('**/login')
      await look(browser, page, `${name}-ciba-login`)
      await page.fill('#username', 'alice')
      await page.fill('#password', 'correct horse')
      await page.click('#login-submit')
      await page.waitForURL('**/approvals')
      assert.equal(await page.textContent('.binding >> nth=0'), 'W4SCT – 10,00 €')
      assert.match((await page.textContent('.approval >> nth=1')) ?? '', /EUR 123\.50/)
      await look(browser, page, `${name}-ciba-waiting`)
      const second = await page.context().newPage()
      await second.goto(page.url())
      await page.click('#allow-1')
      assert.match((await page.textContent('#answer-allowed')) ?? '', /You allowed/)
      await look(browser, page, `${name}-ciba-allowed`)
      await page.click('#allow-1')
      await look(browser, page, `${name}-ciba-empty`)
      await second.click('#deny-1')
      assert.match((await second.textContent('#answer-late')) ?? '', /already answered/)
      await look(browser, second, `${name}-ciba-late`)
      await page.click('#look-again')
      assert.equal(await page.title(), 'Nothing waits for you')
      await page.context().close()
    })

  it('an answer by form arrives at the client, by itself and by its button', async () => {
    for (const javaScriptEnabled of [true, false]) {
      const page = await open({ javaScriptEnabled })
      const messages: string[] = []
      page.on('console', message => messages.push(message.text()))
      const posted: string[] = []
      page.on('request', sent => {
        if (sent.url() === 'https://client.example/cb') posted.push(sent.postData() ?? '')
      })
      await page.goto(await pushedUrl(world, { spoil: { response_mode: 'form_post' } }))
      await page.fill('#username', 'alice')
      await page.fill('#password', 'correct horse')
      await page.click('#login-submit')
      await page.waitForURL('**/consent')
      await page.click('#consent-allow')
      if (!javaScriptEnabled) {
        await page.waitForSelector('#response-continue')
        await look(browser, page, 'desktop-light-form-post')
        await page.click('#response-continue')
      }
      await page.waitForURL('https://client.example/cb')
      assert.match(posted[0] ?? '', /^code=ac_[^&]+&state=st-1&iss=/)
      assert.deepEqual(
        messages.filter(message => /content security policy/i.test(message)),
        [],
      )
      await page.context().close()
    }
  })

  for (const [name, options] of testedLooks)
    it(`ask before a logout, without JavaScript, accessible: ${name}`, async () => {
      const { browser: signedIn, idToken } = await signIn(world, 'c_oidc')
      const page = await open({ ...options, javaScriptEnabled: false })
      await page.context().addCookies(cookiesOf(signedIn))
      await page.goto(logoutUrl({ client_id: 'c_bank', id_token_hint: idToken }))
      assert.equal(await page.textContent('#error-code'), 'invalid_request')
      await look(browser, page, `${name}-logout-refused`)
      const bye = 'https://client.example/bye'
      await page.goto(logoutUrl({ client_id: 'c_oidc', post_logout_redirect_uri: bye, state: 's' }))
      await look(browser, page, `${name}-logout`)
      await page.click('#logout-stay')
      assert.equal(await page.title(), 'You are still signed in')
      await look(browser, page, `${name}-logout-stay`)
      await page.goBack()
      await page.click('#logout-submit')
      assert.equal(await page.title(), 'You are signed out')
      await look(browser, page, `${name}-logout-done`)
      await page.click('#logout-return')
      await page.waitForURL(`${bye}?state=s`)
      await page.context().close()
    })

  it('a form that another site posts logs out, cookie or not, and comes back', async () => {
    const { browser: signedIn, idToken } = await signIn(world, 'c_oidc')
    const page = await open({})
    await page.context().addCookies(cookiesOf(signedIn))
    await page.goto('https://client.example/start')
    const bye = 'https://client.example/bye'
    await page.setContent(
      `<form method=post action="${issuerUrl}/logout"><input name=id_token_hint value="${idToken}">` +
        `<input name=post_logout_redirect_uri value="${bye}"><input name=state value=s><button>go</button></form>`,
    )
    await page.click('button')
    await page.waitForURL(`${bye}?state=s`)
    assert.equal((await world.lastAudit('session.ended'))?.facts.proof, 'hint')
    const names = (await page.context().cookies(issuerUrl)).map(cookie => cookie.name)
    assert.ok(!names.some(name => name.includes('session')))
    await page.context().close()
  })

  it('a logout loads the frame of a client that took part, and then goes on by itself', async () => {
    for (const [name, options] of testedLooks) {
      const { browser: signedIn, idToken } = await signIn(world, 'c_framed')
      const page = await open({ ...options, javaScriptEnabled: false })
      const messages: string[] = []
      page.on('console', message => messages.push(message.text()))
      await page.context().addCookies(cookiesOf(signedIn))
      const loaded = page.waitForResponse(reply => reply.url().startsWith('https://client.example/out'))
      const bye = 'https://client.example/bye'
      await page.goto(logoutUrl({ id_token_hint: idToken, post_logout_redirect_uri: bye }))
      await look(browser, page, `${name}-logout-frames`)
      const asked = new URL((await loaded).url()).searchParams
      assert.deepEqual([...asked.keys()], ['from', 'iss', 'sid'])
      await page.waitForURL(bye)
      assert.deepEqual(
        messages.filter(message => /content security policy/i.test(message)),
        [],
      )
      await page.context().close()
    }
  })

  it('the question may send the browser on to the client after a hint of another session', async () => {
    const { browser: signedIn } = await signIn(world, 'c_oidc')
    const other = await signIn(world, 'c_oidc')
    const page = await open({})
    await page.context().addCookies(cookiesOf(signedIn))
    const bye = 'https://client.example/bye'
    await page.goto(logoutUrl({ id_token_hint: other.idToken, post_logout_redirect_uri: bye }))
    await page.click('#logout-submit')
    await page.waitForURL(bye)
    await page.context().close()
  })

  it('the keyboard alone logs in and denies', async () => {
    const page = await open({})
    await page.goto(await pushedUrl(world, { spoil: { prompt: 'login' } }))
    assert.equal(await page.evaluate('document.activeElement.id'), 'username')
    await page.keyboard.type('alice')
    await page.keyboard.press('Tab')
    await page.keyboard.type('correct horse')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/consent')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.id'), 'consent-allow')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.id'), 'consent-deny')
    await page.keyboard.press('Enter')
    await page.waitForURL('https://client.example/cb?**')
    assert.equal(new URL(page.url()).searchParams.get('error'), 'access_denied')
    await page.context().close()
  })

  it('the browser reports no violation of our own policy and loads nothing from elsewhere', async () => {
    const page = await open({})
    const messages: string[] = []
    const origins = new Set<string>()
    page.on('console', message => messages.push(message.text()))
    page.on('request', sent => origins.add(new URL(sent.url()).origin))
    await page.goto(await pushedUrl(world))
    assert.deepEqual(messages, [])
    assert.deepEqual([...origins], [issuerUrl])
    await page.context().close()
  })

  it('a name that looks like markup stays text', async () => {
    const page = await open({})
    const spoil = { login_hint: '"><script>document.title="x"</script>' }
    await page.goto(await pushedUrl(world, { spoil }))
    assert.equal(await page.inputValue('#username'), spoil.login_hint)
    assert.equal(await page.title(), 'Sign in')
    await page.context().close()
  })

  it('a post to the authorization endpoint opens the login page too', async () => {
    const page = await open({})
    await page.goto('https://client.example/start')
    const inputs = Object.entries(goodRequest('c_oidc'))
      .map(([name, value]) => `<input name="${name}" value="${value}">`)
      .join('')
      .replace('openid accounts', 'openid profile')
    await page.setContent(
      `<form method=post action="${issuerUrl}/authorize">${inputs}<button>go</button></form>`,
    )
    await page.click('button')
    await page.waitForURL('**/login')
    await page.context().close()
  })
})
