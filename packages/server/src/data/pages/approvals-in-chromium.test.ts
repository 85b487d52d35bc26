import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { putMember } from '../testing/approvals.ts'
import { type BrowsedWorld, openBrowsedWorld } from '../testing/browsed-world.ts'
import { pushedUrl } from '../testing/browser.ts'
import { look, testedLooks, withoutChromium } from '../testing/chromium.ts'
import { asking, detailTypes, payingClient, paymentOf } from '../testing/details.ts'
import { policiesWith } from '../testing/policies.ts'
import { issuerUrl, type World } from '../testing/world.ts'

const policies = policiesWith(
  `@id("own.both") @require_approval("treasury legal")
   permit (principal, action == Action::"authorize", resource in DetailsType::"${paymentOf('1').type}");`,
)

describe('approval by others in a real browser', { skip: withoutChromium }, () => {
  let world: World
  let pages: BrowsedWorld | undefined
  let browser: Browser

  before(async () => {
    pages = await openBrowsedWorld({ clients: [payingClient()], detailTypes, policies })
    ;({ world, browser } = pages)
    await putMember(world, 'tess', ['treasury'])
    await putMember(world, 'lena', ['legal'])
  })

  after(() => pages?.[Symbol.asyncDispose]())

  const open = async (options: BrowserContextOptions): Promise<Page> => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
    return await context.newPage()
  }

  const signIn = async (page: Page, username: string, password: string): Promise<void> => {
    await page.fill('#username', username)
    await page.fill('#password', password)
    await page.click('#login-submit')
  }

  const atApprovals = async (options: BrowserContextOptions, username: string): Promise<Page> => {
    const page = await open({ ...options, javaScriptEnabled: false })
    await page.goto(`${issuerUrl}/ciba`)
    await page.click('#look-submit')
    await signIn(page, username, 'pw')
    await page.waitForURL('**/approvals')
    return page
  }

  for (const [index, [name, options]] of testedLooks.entries())
    for (const locale of name.startsWith('phone') ? ['de'] : ['en'])
      it(`ask, wait, approve and go on, without JavaScript, accessible: ${name}, ${locale}`, async () => {
        const looked = { ...options, locale }
        const shot = (what: string): string => `${name}-${locale}-${what}`
        const page = await open({ ...looked, javaScriptEnabled: false })
        const amount = `${index + 1}000.${locale === 'en' ? '50' : '51'}`
        const details = [paymentOf(amount, { creditorName: 'Muster & Töchter GmbH, Abteilung Zahlungen' })]
        const spoil = { scope: 'openid payments', ...asking(...details), ui_locales: locale }
        await page.goto(await pushedUrl(world, { clientId: 'c_pay', spoil }))
        await signIn(page, 'alice', 'correct horse')
        await page.waitForURL('**/consent')
        assert.match((await page.textContent('#approval-needed')) ?? '', /legal/)
        await look(browser, page, shot('approval-needed'))
        await page.click('#consent-allow')
        await page.waitForSelector('#approval-waiting')
        await look(browser, page, shot('approval-waiting'))
        await page.click('#stop-looking')
        await page.waitForURL('**/consent?still=yes')
        assert.equal(await page.$('#stop-looking'), null)

        for (const member of ['tess', 'lena']) {
          const hers = await atApprovals(looked, member)
          await look(browser, hers, shot(`approve-as-${member}`))
          const shown = await hers.$$eval('.detail dd', list => list.map(({ textContent }) => textContent))
          assert.ok(shown.some(value => value?.includes('Muster & Töchter')))
          await hers.click('#approve-1')
          await hers.waitForSelector('#answer-approved')
          await look(browser, hers, shot(`approved-by-${member}`))
          await hers.goto(`${issuerUrl}/account`)
          await look(browser, hers, shot('account-of-approver'))
          await hers.click('#look-approvals')
          await hers.waitForSelector('#look-form')
          await hers.context().close()
        }

        await page.click('#look-now')
        await page.waitForSelector('#approval-given')
        await look(browser, page, shot('approval-given'))
        await page.click('#consent-allow')
        await page.waitForURL('https://client.example/cb?**')
        assert.match(page.url(), /[?&]code=ac_/)
        await page.context().close()
      })
})
