import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import type { Browser } from 'playwright-core'
import { launchChromium, withoutChromium } from '../packages/server/src/data/testing/chromium.ts'
import { callbackAfter, logIn, openPage } from './product/chromium.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import type { Product } from './product/product.ts'
import { startProduct } from './product/start.ts'

/** A person with a real browser signs in and consents; an independent client library does the rest. */

describe('in Chromium', { skip: withoutChromium }, () => {
  let product: Product
  let browser: Browser
  before(async () => {
    product = await startProduct('sqlite')
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    await product?.close()
  })

  it('a person signs in, consents and comes back with a code that buys a bound token', async () => {
    const who = product.clients['private_key_jwt with DPoP']
    const dispatcher = dispatcherFor(product)
    const config = await client.discovery(
      product.issuer,
      who.clientId,
      { id_token_signed_response_alg: 'ES256' },
      client.PrivateKeyJwt(who.privateKey ?? assert.fail('the client has a key')),
      { [client.customFetch]: fetchOver(dispatcher) as never },
    )
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const expectedState = client.randomState()
    const url = await client.buildAuthorizationUrlWithPAR(
      config,
      {
        redirect_uri: who.redirectUri,
        scope: 'openid accounts',
        resource: product.audience,
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        state: expectedState,
      },
      { DPoP },
    )

    // The address bar shows a reference and nothing else (FAZ-03).
    assert.deepEqual([...url.searchParams.keys()].toSorted(), ['client_id', 'request_uri'])
    const page = await openPage(browser, who.redirectUri)
    await page.goto(url.href)
    await logIn(page, { ...product.user, password: 'not the password' })
    assert.equal(await page.locator('[role=alert]').count(), 1)
    await logIn(page, product.user)
    await page.waitForSelector('#consent-form')
    assert.match((await page.textContent('main')) ?? '', /See your accounts/)
    const callback = await callbackAfter(page, '#consent-allow')

    const cookies = await page.context().cookies(product.issuer.href)
    assert.ok(cookies.length > 0)
    for (const cookie of cookies) {
      assert.ok(cookie.name.startsWith('__Host-'), cookie.name)
      assert.ok(cookie.httpOnly && cookie.secure && cookie.path === '/')
    }
    const tokens = await client.authorizationCodeGrant(
      config,
      callback,
      { pkceCodeVerifier, expectedState, idTokenExpected: true },
      undefined,
      { DPoP },
    )
    assert.equal(tokens.token_type, 'dpop')

    // Signed in already: the next flow goes straight to consent, and denying it says so with `iss`.
    const second = await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: who.redirectUri,
      scope: 'openid accounts',
      resource: product.audience,
      code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
      state: 'second',
    })
    await page.goto(second.href)
    const denied = (await callbackAfter(page, '#consent-deny')).searchParams
    assert.equal(denied.get('error'), 'access_denied')
    assert.equal(denied.get('state'), 'second')
    assert.equal(denied.get('iss'), product.issuer.origin)
    assert.equal(denied.get('code'), null)
    await page.context().close()
    await dispatcher.destroy()
  })
})
