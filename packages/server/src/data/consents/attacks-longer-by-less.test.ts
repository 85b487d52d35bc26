import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { follow } from '../testing/authenticator.ts'
import { actionOf, type Browser, fieldOf, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { clientOf } from '../testing/clients.ts'
import { jsonOf, redeem } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { openWorld, type World } from '../testing/world.ts'

/**
 * A client asks for less than the user allowed, and has it for longer: without `openid`, or once its registration
 * lacks `offline_access`, the registration alone lets it act while the user is away.
 */

const remembering = policiesWith(
  '@id("own.remember") @remember_consent("600") permit (principal, action == Action::"authorize", resource);',
)

const open = (client: Partial<Client> = {}): Promise<World> =>
  openWorld({ policies: remembering, clients: [clientOf({ clientId: 'c_bank', ...client })] })

async function come(world: World, browser: Browser, scope: string): Promise<Reply> {
  const page = await follow(browser, await browser.get(await pushedUrl(world, { spoil: { scope } })))
  return String(page.body).includes('login-form') ? await follow(browser, await browser.login(page)) : page
}

const isAsked = (reply: Reply): boolean => String(reply.body).includes('id="consent-form"')

/** Allows it on the page. @returns whether the client got a refresh token */
async function allow(world: World, browser: Browser, scope: string): Promise<boolean> {
  const page = await come(world, browser, scope)
  assert.ok(isAsked(page), String(page.body))
  const fields = { csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision: 'allow' }
  return await isLasting(world, await browser.post(actionOf(page), fields))
}

async function isLasting(world: World, answer: Reply): Promise<boolean> {
  const code = locationOf(answer).searchParams.get('code') ?? ''
  const reply = await redeem(world, 'c_bank', code)
  assert.equal(reply.status, 200, String(reply.body))
  return jsonOf(reply).refresh_token !== undefined
}

describe('a remembered consent lasts no longer than its page said', () => {
  test('what is less and lasts longer is asked', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    assert.equal(await allow(world, browser, 'openid accounts'), false)
    assert.equal(isAsked(await come(world, browser, 'openid accounts')), false)
    assert.equal(isAsked(await come(world, browser, 'openid')), false)
    assert.equal(await allow(world, browser, 'accounts'), true)
  })

  test('what is less and lasts as long, or shorter, is not', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    assert.equal(await allow(world, browser, 'openid accounts offline_access'), true)
    for (const [scope, lasting] of [
      ['accounts', true],
      ['openid offline_access', true],
      ['openid accounts', false],
    ] as const)
      assert.equal(await isLasting(world, await come(world, browser, scope)), lasting, scope)
  })

  test('a client that changes its registration to last longer is asked', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    assert.equal(await allow(world, browser, 'openid accounts'), false)
    const clients = world.issuer.clients as Map<string, Client>
    const client = clients.get('c_bank') ?? assert.fail()
    clients.set('c_bank', { ...client, scopes: client.scopes.filter(one => one !== 'offline_access') })
    assert.equal(await allow(world, browser, 'openid accounts'), true)
  })

  test('a profile of now that lets it last a second longer is asked, and one as short is not', async () => {
    for (const [more, asked] of [
      [1, true],
      [0, false],
      [-1, false],
    ] as const) {
      await using world = await open()
      const browser = openBrowser(world)
      assert.equal(await allow(world, browser, 'openid accounts'), false)
      const clients = world.issuer.clients as Map<string, Client>
      const client = clients.get('c_bank') ?? assert.fail()
      const { accessTokenLifetimeSeconds } = client.profile
      const profile = { ...client.profile, accessTokenLifetimeSeconds: accessTokenLifetimeSeconds + more }
      clients.set('c_bank', { ...client, profile })
      assert.equal(isAsked(await come(world, browser, 'openid accounts')), asked, String(more))
    }
  })
})
