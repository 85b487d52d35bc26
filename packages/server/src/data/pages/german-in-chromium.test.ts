import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { paths } from '../paths.ts'
import { appOf } from '../testing/authenticator.ts'
import { type BrowsedWorld, openBrowsedWorld } from '../testing/browsed-world.ts'
import { cookiesOf, pushedUrl } from '../testing/browser.ts'
import { look, translatedLooks, withoutChromium } from '../testing/chromium.ts'
import { askCiba, cibaClient } from '../testing/ciba.ts'
import { asking, detailTypes, payingClient, paymentOf } from '../testing/details.ts'
import { deviceClient, requestDevice } from '../testing/device.ts'
import { jsonOf, seedCode } from '../testing/flow.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { issuerUrl, type World } from '../testing/world.ts'

/** What the usual way shows is in `in-chromium.test.ts`; here is the rest. */
describe('pages beside the usual way in German, without JavaScript, accessible', {
  skip: withoutChromium,
}, () => {
  let world: World
  let pages: BrowsedWorld | undefined
  let browser: Browser

  before(async () => {
    pages = await openBrowsedWorld({ clients: [deviceClient(), cibaClient(), payingClient()], detailTypes })
    ;({ world, browser } = pages)
  })

  after(() => pages?.[Symbol.asyncDispose]())

  const german = async (options: BrowserContextOptions): Promise<Page> => {
    const more = { ignoreHTTPSErrors: true, locale: 'de-DE', javaScriptEnabled: false }
    return await (await browser.newContext({ ...options, ...more })).newPage()
  }

  const logIn = async (page: Page): Promise<void> => {
    await page.fill('#username', 'alice')
    await page.fill('#password', 'correct horse')
    await page.click('#login-submit')
  }

  const seen = async (page: Page, name: string, says: RegExp): Promise<void> => {
    assert.equal(await page.getAttribute('html', 'lang'), 'de')
    assert.match((await page.textContent('main')) ?? '', says)
    await look(browser, page, name)
  }

  for (const [name, options] of translatedLooks) {
    it(`consent to details and to a change, an answer by form, an answer too late: ${name}`, async () => {
      const page = await german(options)
      const spoil = { ...asking(paymentOf('1234.50')), scope: 'openid offline_access', resource: undefined }
      await page.goto(await pushedUrl(world, { clientId: 'c_pay', spoil }))
      await logIn(page)
      await page.waitForURL('**/consent')
      await seen(page, `${name}-de-consent-details`, /Die Anwendung möchte/)
      const late = page.url()
      await page.click('#consent-allow')
      await page.waitForURL('https://client.example/cb?**')
      await page.goto(late)
      await seen(page, `${name}-de-answered`, /Das wurde schon beantwortet/)
      const id = `managed-de-${name}`
      await seedCode(world, 'c_bank', { grant: { managed: { id, createdAt: world.clock.now() } } })
      for (const action of ['merge', 'replace']) {
        const asked = { grant_management_action: action, grant_id: id, response_mode: 'form_post' }
        await page.goto(await pushedUrl(world, { spoil: { ...asked, resource: 'https://accounts.example' } }))
        await page.waitForSelector('#consent-form')
        const says = action === 'merge' ? /alles zusammen/ : /Das ersetzt/
        await seen(page, `${name}-de-consent-${action}`, says)
        await page.click('#consent-allow')
        await page.waitForSelector('#response-continue')
        await seen(page, `${name}-de-form-post`, /Sie sind auf dem Weg/)
      }
      await page.context().close()
    })

    it(`a device: ${name}`, async () => {
      const page = await german(options)
      const asked = jsonOf(await requestDevice(world))
      await page.goto(String(asked.verification_uri))
      await page.fill('#user_code', 'bbbb bbbb')
      await page.click('#device-submit')
      await seen(page, `${name}-de-device-wrong`, /Dieser Code stimmt nicht/)
      await page.goto(String(asked.verification_uri_complete))
      await page.click('#device-submit')
      await page.waitForURL('**/confirm')
      await page.click('#confirm-continue')
      await page.waitForURL('**/login')
      await logIn(page)
      await page.waitForURL('**/consent')
      await seen(page, `${name}-de-device-consent`, /Ihr Gerät von selbst weiter/)
      await page.click('#consent-allow')
      await page.waitForSelector('#device-allowed')
      await seen(page, `${name}-de-device-done`, /Ihr Gerät ist verbunden/)
      await page.context().close()
    })

    it(`what waits for an answer: ${name}`, async () => {
      const page = await german(options)
      await page.goto(`${issuerUrl}/ciba`)
      await seen(page, `${name}-de-ciba`, /Wartet etwas auf Ihre Antwort/)
      await askCiba(world, { binding_message: 'W4SCT – 10,00 €' })
      await page.click('#look-submit')
      await page.waitForURL('**/login')
      await seen(page, `${name}-de-ciba-login`, /um mit Ihren offenen Anfragen fortzufahren/)
      await logIn(page)
      await page.waitForURL('**/approvals')
      await seen(page, `${name}-de-ciba-waiting`, /genau das steht/)
      const second = await page.context().newPage()
      await second.goto(page.url())
      await page.click('#allow-1')
      await seen(page, `${name}-de-ciba-allowed`, /den Zugriff erlaubt/)
      await second.click('#deny-1')
      await seen(second, `${name}-de-ciba-late`, /schon beantwortet/)
      await page.context().close()
    })

    it(`ways to sign in: ${name}`, async () => {
      const page = await german(options)
      await page.goto(issuerUrl + paths.security)
      await logIn(page)
      await page.waitForSelector('#add-totp')
      await seen(page, `${name}-de-security`, /So melden Sie sich an/)
      await page.click('#add-passkey')
      await seen(page, `${name}-de-add-passkey`, /Passkeys brauchen JavaScript/)
      await page.goto(issuerUrl + paths.addTotp)
      await seen(page, `${name}-de-totp`, /Scannen Sie diesen Code/)
      const app = appOf({ status: 200, headers: [], body: await page.content() }, () => world.clock.now())
      await page.fill('#code', '000000')
      await page.click('#totp-submit')
      await seen(page, `${name}-de-totp-wrong`, /Der Code stimmt nicht/)
      await page.fill('#code', app.code())
      await page.click('#totp-submit')
      await page.waitForURL('**/account/security?done=app-added')
      await seen(page, `${name}-de-security-app`, /Die Authenticator-App ist eingerichtet/)
      world.clock.advance(30)
      await page.goto(await pushedUrl(world, { spoil: { prompt: 'login' } }))
      await logIn(page)
      await page.waitForURL('**/second-factor')
      await seen(page, `${name}-de-second-factor`, /noch ein Schritt/)
      await page.fill('#code', '000000')
      await page.click('#second-factor-submit')
      await seen(page, `${name}-de-second-factor-wrong`, /Der Code stimmt nicht oder/)
      await page.fill('#code', app.code())
      await page.click('#second-factor-submit')
      await page.waitForURL('**/consent')
      await page.goto(issuerUrl + paths.security)
      await page.click('.methods button')
      await page.waitForURL('**/account/security?done=removed')
      await seen(page, `${name}-de-security-removed`, /überall sonst abgemeldet/)
      await page.context().close()
    })

    it(`an end of the session: ${name}`, async () => {
      const { browser: signedIn, idToken } = await signIn(world, 'c_oidc')
      const page = await german(options)
      await page.context().addCookies(cookiesOf(signedIn))
      await page.goto(logoutUrl({ client_id: 'c_bank', id_token_hint: idToken }))
      await seen(page, `${name}-de-logout-refused`, /Diese Abmelde-Anfrage stimmt nicht/)
      await page.goto(logoutUrl({ client_id: 'c_oidc' }))
      await page.click('#logout-stay')
      await seen(page, `${name}-de-logout-stay`, /weiterhin angemeldet/)
      await page.context().close()
    })
  }
})
