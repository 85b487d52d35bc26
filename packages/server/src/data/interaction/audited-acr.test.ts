import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { liveGrants } from '../testing/account.ts'
import { follow, setUpApp } from '../testing/authenticator.ts'
import { actionOf, type Browser, fieldOf, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { answerShown, askCiba, atApprovals, cibaClient } from '../testing/ciba.ts'
import { scopes } from '../testing/clients.ts'
import { deviceClient, requestDevice, typeCode } from '../testing/device.ts'
import { textOf } from '../testing/flow.ts'
import { openWorld, type World, type WorldOptions } from '../testing/world.ts'

const pwd = 'urn:holdfast:acr:pwd'
const mfa = 'urn:holdfast:acr:mfa'

/** A world, and a browser whose session has reached more than the requests below ask for. */
async function stronglySignedIn(options: WorldOptions = {}): Promise<readonly [World, Browser]> {
  const world = await openWorld({ clients: [deviceClient(), cibaClient()], ...options })
  const browser = openBrowser(world)
  await setUpApp(world, browser)
  const [session] = await world.store.listSessions(world.issuer.url, 'u_alice', world.clock.now(), 9)
  assert.equal(session?.acr, mfa)
  return [world, browser]
}

/** The record says what the grant says, and that is not what the session says. */
async function assertSame(world: World, event: string, acr: string): Promise<void> {
  const record = await world.lastAudit(event)
  const [grant] = await liveGrants(world)
  assert.deepEqual([record?.facts.acr, record?.facts.grant, grant?.acr], [acr, grant?.id, acr])
}

describe('the level in the record of a consent is the one that the grant states', () => {
  it('for a code', async () => {
    const [world, browser] = await stronglySignedIn()
    await using _ = world
    for (const acr of [pwd, mfa]) {
      const opened = await browser.get(await pushedUrl(world, { spoil: { acr_values: acr } }))
      world.clock.advance(1)
      await browser.decide(locationOf(opened).href, 'allow')
      await assertSame(world, 'code.issued', acr)
    }
  })

  it('for a device', async () => {
    const asking = scopes.map(scope => (scope.name === 'accounts' ? { ...scope, acr: pwd } : scope))
    const [world, browser] = await stronglySignedIn({ scopes: asking })
    await using _ = world
    const asked = await requestDevice(world)
    const confirmUrl = locationOf(await typeCode(browser, textOf(asked, 'user_code'))).href
    const confirm = await browser.get(confirmUrl)
    const csrf = fieldOf(confirm, 'csrf')
    const next = await browser.post(actionOf(confirm), { csrf, decision: 'continue' })
    const consent = await follow(browser, next)
    await browser.decide(actionOf(consent), 'allow')
    await assertSame(world, 'device.approved', pwd)
  })

  it('for a client that waits', async () => {
    const [world, browser] = await stronglySignedIn()
    await using _ = world
    await askCiba(world, { acr_values: pwd })
    const [, page] = await atApprovals(world, browser)
    await answerShown(browser, page)
    await assertSame(world, 'ciba.approved', pwd)
  })
})
