import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { follow } from '../testing/authenticator.ts'
import { actionOf, type Browser, fieldOf, goodRequest, openBrowser } from '../testing/browser.ts'
import { clientOf } from '../testing/clients.ts'
import { policiesWith } from '../testing/policies.ts'
import { issuerUrl, openWorld } from '../testing/world.ts'

/**
 * Another program on the user's machine asks as the one that was allowed: same client id, same loopback port or scheme.
 * A client that proves nothing is known by where its answers go, and only an https address is somebody's own.
 */

const remembering = policiesWith(
  '@id("own.remember") @remember_consent("600") permit (principal, action == Action::"authorize", resource);',
)
const asked = true
const publicClient = { isPublic: true, tokenEndpointAuthMethod: 'none', jwks: undefined } as const

const rows: readonly (readonly [redirectUri: string, client: Partial<Client>, isAsked: boolean])[] = [
  ['http://127.0.0.1/cb', publicClient, asked],
  ['http://[::1]/cb', publicClient, asked],
  ['com.example.app:/cb', publicClient, asked],
  ['https://app.example/cb', publicClient, !asked],
  // Who proves its key when it redeems is the same one, wherever it listens.
  ['http://127.0.0.1/cb', {}, !asked],
]

async function come(browser: Browser, redirectUri: string): Promise<Reply> {
  const request = { ...goodRequest('c_native'), redirect_uri: redirectUri }
  const url = `${issuerUrl}/authorize?${new URLSearchParams(request)}`
  const page = await follow(browser, await browser.get(url))
  if (!String(page.body).includes('login-form')) return page
  return await follow(browser, await browser.login(page))
}

describe('a consent that is remembered', () => {
  for (const [redirectUri, change, isAsked] of rows)
    test(`of ${change.isPublic ? 'a public' : 'a confidential'} client at ${redirectUri} is ${isAsked ? '' : 'not '}asked again`, async () => {
      const client = clientOf({
        ...{ clientId: 'c_native', ownProfile: oauth21, requirePushedAuthorizationRequests: false },
        ...{ redirectUris: [redirectUri], ...change },
      })
      await using world = await openWorld({ policies: remembering, clients: [client] })
      const browser = openBrowser(world)
      const page = await come(browser, redirectUri)
      assert.equal(String(page.body).includes('id="remembered"'), !isAsked)
      const { csrf, shown } = { csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown') }
      await browser.post(actionOf(page), { csrf, shown, decision: 'allow' })
      assert.equal((await world.lastAudit('code.issued'))?.facts.consent, 'allowed')
      const again = await come(browser, redirectUri)
      assert.equal(String(again.body).includes('id="consent-form"'), isAsked)
    })
})
