import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { IdentityProvider } from '../../snapshot/snapshot.ts'
import { type BrowsedWorld, openBrowsedWorld } from '../testing/browsed-world.ts'
import { pushedUrl } from '../testing/browser.ts'
import { look, looks, shots, withoutChromium } from '../testing/chromium.ts'
import { compactJws, newTestKey } from '../testing/jws.ts'
import { issuerUrl } from '../testing/world.ts'

const op = 'https://op.example'
const key = newTestKey('ES256', 'op-1')
const provider: IdentityProvider = {
  name: 'op',
  displayName: 'Musterbank & Söhne',
  issuer: op,
  clientId: 'us',
  clientAssertionAlg: 'ES256',
  authorizationEndpoint: `${op}/there`,
  tokenEndpoint: `${op}/token`,
  jwksUri: `${op}/jwks`,
  signingAlgs: ['ES256'],
  scopes: ['openid'],
  sendsIss: true,
  users: new Map([['their-alice', 'alice']]),
  methodsByAcr: new Map(),
  otherMethods: ['pwd'],
}

describe('a sign-in at another provider, in a real browser', { skip: withoutChromium }, () => {
  it('goes there and comes back without JavaScript, under the policy of the page, accessible in both languages', async () => {
    const asked = { nonce: '' }
    const now = (): number => pages.world.clock.now()
    await using pages: BrowsedWorld = await openBrowsedWorld(
      {
        identityProviders: [provider],
        documents: new Map([[provider.jwksUri, { keys: [key.publicJwk] }]]),
        answerForm: async () => {
          const times = { iat: now(), exp: now() + 60, auth_time: now() }
          const claims = { iss: op, aud: 'us', sub: 'their-alice', nonce: asked.nonce, ...times }
          return { id_token: compactJws({ alg: 'ES256', kid: key.kid }, claims, key) }
        },
      },
      { hosts: ['as.example', 'client.example', 'op.example'] },
    )
    const { world, browser } = pages
    for (const [name, options] of looks) {
      const locale = name === 'desktop-light' || name === 'phone-dark' ? 'en' : 'de'
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        ...options,
        locale,
        javaScriptEnabled: false,
      })
      const page = await context.newPage()
      await page.goto(await pushedUrl(world))
      const label = (await page.textContent('#login-at-op-submit')) ?? ''
      assert.match(label, locale === 'de' ? /^Mit Musterbank & Söhne/ : /with Musterbank & Söhne$/)
      await look(browser, page, `${name}-login-at`)

      await page.click('#login-at-op-submit')
      await page.waitForURL(`${op}/there?**`)
      const sent = new URL(page.url()).searchParams
      asked.nonce = sent.get('nonce') ?? ''
      const query = new URLSearchParams({ code: 'c', state: sent.get('state') ?? '', iss: op })
      await page.goto(`${issuerUrl}/upstream/op?${query}`)
      await page.waitForURL('**/consent')
      await page.click('#consent-allow')
      await page.waitForURL('https://client.example/cb?**')
      assert.match(page.url(), /[?&]code=ac_/)
      // Backwards: the answer counted once, and the page says so with a reference.
      await page.goto(`${issuerUrl}/upstream/op?${query}`)
      assert.match((await page.textContent('#error-reference')) ?? '', /^req-/)
      if (shots !== undefined)
        await page.screenshot({ path: join(shots, `${name}-again.png`), fullPage: true })
      await context.close()
    }
  })
})
