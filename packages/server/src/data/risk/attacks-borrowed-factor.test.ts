import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cookieName } from '../interaction/cookies.ts'
import { putUsers } from '../testing/account.ts'
import { answerPasskey, follow, newPasskey, optionsOn, registerPasskey } from '../testing/authenticator.ts'
import { actionOf, type Browser, fieldOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { policiesWith } from '../testing/policies.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'

/**
 * Who knows a password makes their browser known at once: they use a second factor of their own, and then sign in as
 * the other one, all within one interaction.
 */

const watching = policiesWith(
  `@id("risk.never") forbid (principal, action, resource) when { context has risk && context.risk.score > 100 };`,
)
const session = cookieName('session', issuerUrl)

/** How the browser gets from the attacker's session to a new login in the same interaction. */
const ways: Readonly<Record<string, (world: World, browser: Browser) => Promise<void>>> = {
  'without the session': async (_world, browser) => void browser.cookies.delete(session),
  'with an older session of the other user': async (world, browser) => {
    const other = openBrowser(world)
    await follow(
      other,
      await other.login(await follow(other, await other.get(await pushedUrl(world))), 'bob'),
    )
    browser.cookies.set(session, other.cookies.get(session) ?? '')
  },
}

describe("somebody else's second factor makes no browser known", () => {
  for (const [way, leave] of Object.entries(ways))
    test(way, async () => {
      await using world = await openWorld({ policies: watching })
      await putUsers(world.store, 'bob')
      const passkey = newPasskey()
      await registerPasskey(openBrowser(world), passkey)
      const browser = openBrowser(world)
      const login = await follow(browser, await browser.get(await pushedUrl(world)))
      const consent = await follow(
        browser,
        await answerPasskey(browser, login, passkey.get(optionsOn(login))),
      )
      assert.match(actionOf(consent), /\/consent$/)
      await leave(world, browser)
      const again = await follow(browser, await browser.get(actionOf(consent)))
      assert.match(actionOf(again), /\/login$/)
      const asBob = await follow(browser, await browser.login(again, 'bob'))
      const { csrf, shown } = { csrf: fieldOf(asBob, 'csrf'), shown: fieldOf(asBob, 'shown') }
      await browser.post(actionOf(asBob), { csrf, shown, decision: 'allow' })
      assert.equal((await world.lastAudit('code.issued'))?.subject, 'u_bob')
      const seen = await world.store.listSightings(issuerUrl, 'u_bob', world.clock.now(), 128)
      assert.ok(seen.some(({ what }) => what === 'device'))
      assert.deepEqual(
        seen.filter(({ isConfirmed }) => isConfirmed),
        [],
      )
    })
})
