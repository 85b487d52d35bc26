import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import { chromiumPath } from '../packages/server/src/data/testing/chromium.ts'
import { detachedResponse, startFapi1Product } from './product/fapi1.ts'

/** What stands after `#` is never sent by a browser, and must survive the redirects and policies of our pages. */

const executablePath = chromiumPath()

describe('code id_token in Chromium', {
  skip: executablePath === undefined ? 'no Chromium is installed' : false,
}, () => {
  it('reaches the client in the fragment, without JavaScript, and no server on the way sees it', async () => {
    const product = await startFapi1Product('sqlite')
    const browser = await chromium.launch({
      executablePath: executablePath ?? '',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    })
    try {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false })
      const page = await context.newPage()
      const who = product.fapi1['private_key_jwt and PS256']
      const sent: string[] = []
      await context.route(`${new URL(who.redirectUri).origin}/**`, async route => {
        sent.push(JSON.stringify([route.request().url().split('#')[0], route.request().headers()]))
        await route.fulfill({ status: 200, contentType: 'text/html', body: '<p id="arrived">arrived</p>' })
      })
      const response = await detachedResponse(product, who, async start => {
        await page.goto(start.href)
        await page.fill('#username', product.user.username)
        await page.fill('#password', product.user.password)
        await page.click('#login-submit')
        await page.waitForSelector('#consent-form')
        await page.click('#consent-allow')
        await page.waitForSelector('#arrived')
        return new URL(page.url())
      })
      assert.equal(response.callback.search, '')
      const idToken = new URLSearchParams(response.callback.hash.slice(1)).get('id_token') ?? ''
      assert.equal(idToken.split('.').length, 3)
      assert.equal(sent.length, 1)
      assert.equal(sent.join().includes(idToken), false)
      await assert.rejects(response.judge(response.callback, { state: 'another' }))
    } finally {
      await browser.close()
      await product.close()
    }
  })
})
