import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openAccount } from '../testing/authenticator.ts'
import { openBrowser } from '../testing/browser.ts'
import { signIn } from '../testing/logout.ts'
import { openWorld } from '../testing/world.ts'

describe('x', () => {
  it('y', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc')
    const page = await openAccount(browser, '/account')
    console.log(page.status, String(page.body))
    const other = openBrowser(world)
    await openAccount(other, '/account')
    console.log(String((await browser.get('/account')).body).length)
    assert.equal(1, 1)
  })
})
