import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { launchChromium, withoutChromium } from '../packages/server/src/data/testing/chromium.ts'
import { callbackAfter, logIn, openPage } from './product/chromium.ts'
import { detachedResponse, startFapi1Product } from './product/fapi1.ts'

/** What stands after `#` is never sent by a browser, and must survive the redirects and policies of our pages. */

describe('code id_token in Chromium', { skip: withoutChromium }, () => {
  it('reaches the client in the fragment, without JavaScript, and no server on the way sees it', async () => {
    const product = await startFapi1Product('sqlite')
    const browser = await launchChromium()
    try {
      const who = product.fapi1['private_key_jwt and PS256']
      const sent: string[] = []
      const page = await openPage(browser, who.redirectUri, request =>
        sent.push(JSON.stringify([request.url().split('#')[0], request.headers()])),
      )
      const response = await detachedResponse(product, who, async start => {
        await page.goto(start.href)
        await logIn(page, product.user)
        await page.waitForSelector('#consent-form')
        return await callbackAfter(page, '#consent-allow')
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
