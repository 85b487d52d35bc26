import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import type { Client } from '../../snapshot/snapshot.ts'
import { type BrowsedWorld, openBrowsedWorld } from '../testing/browsed-world.ts'
import { pushedUrl } from '../testing/browser.ts'
import { look, testedLooks, withoutChromium } from '../testing/chromium.ts'
import { policiesWith } from '../testing/policies.ts'
import { issuerUrl, type World } from '../testing/world.ts'

const policies = policiesWith(
  `@id("own.remember") @remember_consent("2592000") permit (principal, action == Action::"authorize", resource);`,
)

/** What people approved of the client; undefined: nothing. */
function onboard({ issuer }: World, legalName: string | undefined): void {
  const client = issuer.clients.get('c_bank')
  assert.ok(client)
  const { legalName: _before, ...others } = client
  const clients = issuer.clients as Map<string, Client>
  clients.set('c_bank', legalName === undefined ? others : { ...others, legalName })
}

describe('a remembered consent in a real browser', { skip: withoutChromium }, () => {
  let world: World
  let pages: BrowsedWorld | undefined
  let browser: Browser

  before(async () => {
    pages = await openBrowsedWorld({ policies })
    ;({ world, browser } = pages)
    Object.assign(world.issuer, {
      registered: new Map([['c_bank', { token: 't', softwareStatement: undefined }]]),
    })
  })

  after(() => pages?.[Symbol.asyncDispose]())

  for (const [name, options] of testedLooks)
    it(`is announced, spares the page, and is ended on the account page, accessible: ${name}`, async () => {
      const locale = name.startsWith('phone') ? 'de' : 'en'
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        ...options,
        locale,
        javaScriptEnabled: false,
      })
      const page = await context.newPage()
      await page.goto(await pushedUrl(world, { spoil: { ui_locales: locale } }))
      await page.fill('#username', 'alice')
      await page.fill('#password', 'correct horse')
      await page.click('#login-submit')
      await page.waitForSelector('#remembered')
      await look(browser, page, `${name}-consent-remembered`)
      onboard(world, 'Bank of Aldgate plc')
      await page.reload()
      const sentence = (await page.textContent('.vouched-onboarding')) ?? ''
      assert.match(
        sentence,
        locale === 'de' ? /^Geprüft: .*Bank of Aldgate plc/ : /^Verified: .*Bank of Aldgate plc/,
      )
      await look(browser, page, `${name}-consent-onboarded`)
      onboard(world, undefined)
      await page.click('#consent-allow')
      await page.waitForSelector('.vouched-nobody')
      assert.match(
        (await page.textContent('[role=alert]')) ?? '',
        locale === 'de' ? /geändert/ : /has changed/,
      )
      await page.click('#consent-allow')
      await page.waitForURL('https://client.example/cb?**')
      await page.goto(await pushedUrl(world))
      await page.waitForURL('https://client.example/cb?**')
      assert.match(page.url(), /[?&]code=ac_/)
      await page.goto(`${issuerUrl}/account`)
      await look(browser, page, `${name}-account-remembered`)
      await page.click('form[action$="/account/consents/forget"] button')
      await page.waitForURL('**/account?done=forgotten')
      assert.equal(await page.$('form[action$="/account/consents/forget"]'), null)
      await look(browser, page, `${name}-account-forgotten`)
      await context.close()
    })
})
