import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { paths } from '../paths.ts'
import { anotherBrowser, openHome, putUsers } from '../testing/account.ts'
import { type BrowsedWorld, openBrowsedWorld } from '../testing/browsed-world.ts'
import { cookiesOf, openBrowser } from '../testing/browser.ts'
import { look, testedLooks, translatedLooks, withoutChromium } from '../testing/chromium.ts'
import { allowedCiba, cibaClient } from '../testing/ciba.ts'
import { accounts, payments } from '../testing/clients.ts'
import { allowedTokens, asking, detailTypes, payingClient, paymentOf, reading } from '../testing/details.ts'
import { allowedDevice, deviceClient } from '../testing/device.ts'
import { seedCode } from '../testing/flow.ts'
import { signIn } from '../testing/logout.ts'
import { issuerUrl, type World } from '../testing/world.ts'

const longName = 'Donaudampfschifffahrtsgesellschaftskapitänskonto-Vergleichsportal & Söhne'

describe('the account page in a real browser', { skip: withoutChromium }, () => {
  let world: World
  let pages: BrowsedWorld | undefined
  let browser: Browser

  before(async () => {
    const clients = [
      deviceClient({ clientName: 'Living room television' }),
      cibaClient({ clientName: longName }),
      payingClient({ clientName: 'Pay by bank' }),
    ]
    pages = await openBrowsedWorld({ clients, detailTypes })
    ;({ world, browser } = pages)
  })

  after(() => pages?.[Symbol.asyncDispose]())

  /** Alice with something of every kind, in a real browser that goes on with a session of hers. */
  async function openFull(options: Parameters<Browser['newContext']>[0]): Promise<Page> {
    await anotherBrowser(world)
    await allowedDevice(world)
    world.clock.advance(1)
    await allowedCiba(world, { binding_message: 'W4SCT' })
    world.clock.advance(1)
    await allowedTokens(world, { ...asking(paymentOf('1234.50'), reading), resource: [accounts, payments] })
    world.clock.advance(1)
    const { browser: signedIn } = await signIn(world, 'c_bank', {
      scope: 'openid profile email accounts offline_access',
    })
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
    await context.addCookies(cookiesOf(signedIn))
    return await context.newPage()
  }

  for (const [locale, looks] of [
    ['en-GB', testedLooks],
    ['de-DE', translatedLooks],
  ] as const)
    for (const [name, options] of looks)
      it(`look around, withdraw and sign out elsewhere, without JavaScript, accessible: ${name}, ${locale}`, async () => {
        const [language = ''] = locale.split('-')
        const page = await openFull({ ...options, locale, javaScriptEnabled: false })
        const messages: string[] = []
        page.on('console', message => messages.push(message.text()))
        await page.goto(issuerUrl + paths.account)
        assert.equal(await page.title(), language === 'de' ? 'Ihr Konto' : 'Your account')
        assert.equal(await page.getAttribute('html', 'lang'), language)
        await look(browser, page, `${name}-${language}-account`)
        const count = await page.locator('article').count()
        await page.click('article button >> nth=0')
        await page.waitForURL('**/account?done=withdrawn')
        assert.equal(await page.locator('article').count(), count - 1)
        await look(browser, page, `${name}-${language}-account-withdrawn`)
        await page.click('#end-others')
        await page.waitForURL('**/account?done=others-ended')
        assert.equal(await page.locator('#end-others').count(), 0)
        await look(browser, page, `${name}-${language}-account-alone`)
        await seedCode(world, 'c_bank')
        world.clock.advance(301)
        await page.goto(issuerUrl + paths.account)
        await page.click('article button >> nth=0')
        await page.waitForURL('**/login')
        await look(browser, page, `${name}-${language}-account-again`)
        await page.fill('#username', 'alice')
        await page.fill('#password', 'correct horse')
        await page.click('#login-submit')
        await page.waitForURL('**/account')
        assert.deepEqual(messages, [])
        await page.context().close()
      })

  for (const [name, options] of testedLooks)
    it(`an empty account, and pages of a full one, accessible: ${name}`, async () => {
      const username = `user-${name}`
      await putUsers(world.store, username)
      const signedIn = openBrowser(world)
      await openHome(signedIn, username)
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        javaScriptEnabled: false,
        ...options,
      })
      await context.addCookies(cookiesOf(signedIn))
      const page = await context.newPage()
      await page.goto(issuerUrl + paths.account)
      await look(browser, page, `${name}-account-empty`)
      for (let index = 0; index < 25; index++)
        await seedCode(world, 'c_bank', { grant: { subject: `u_${username}`, sid: undefined } })
      await page.reload()
      await page.click('#older-grants')
      await look(browser, page, `${name}-account-older`)
      assert.equal(await page.locator('article').count(), 5)
      await page.click('#newest-grants')
      assert.equal(await page.locator('article').count(), 20)
      await context.close()
    })

  it('the keyboard alone reaches every button, in the order of the page, and withdraws', async () => {
    const page = await openFull({})
    await page.goto(issuerUrl + paths.account)
    const reached: string[] = []
    for (let step = 0; step < 60; step++) {
      await page.keyboard.press('Tab')
      const label = (await page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id",
      )) as string
      reached.push(label)
      if (label.startsWith('Withdraw what you allowed The c_bank')) break
    }
    const others = reached.indexOf('end-others')
    assert.ok(others > 0 && others < reached.length - 1)
    assert.ok(reached.some(label => label.startsWith('End the session of')))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/account?done=withdrawn')
    await page.context().close()
  })
})
