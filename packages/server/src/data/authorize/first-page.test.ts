import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { follow } from '../testing/authenticator.ts'
import {
  type Browser,
  fieldOf,
  goodRequest,
  header,
  locationOf,
  openBrowser,
  pushedUrl,
} from '../testing/browser.ts'
import { headersOf } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { openWorld, type World } from '../testing/world.ts'

const head = '(principal, action == Action::"authorize", resource)'
const remembering = policiesWith(`@id("own.remember") @remember_consent("60") permit ${head};`)

const approving = policiesWith(`@id("own.approve") @require_approval("treasury") permit ${head};`)

/** A browser whose user signed in and answered once. */
async function loggedIn(world: World): Promise<Browser> {
  const browser = openBrowser(world)
  const consent = await browser.login(await follow(browser, await browser.get(await pushedUrl(world))))
  await browser.decide(locationOf(consent).href, 'allow')
  return browser
}

/** What a page says, without the reference id of its request. */
const saidBy = ({ body }: Reply): string => String(body).replace(/req-\d+/, '')

describe('the first page of an authorization', () => {
  it('is the answer itself, and says where it lies', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    const page = await browser.get(await pushedUrl(world))
    assert.equal(page.status, 200)
    const place = header(page, 'content-location') ?? ''
    assert.match(place, /^https:\/\/as\.example\/interaction\/[\w-]{49}\/consent$/)
    assert.deepEqual(headersOf(page, 'set-cookie'), [])
    const again = await browser.get(place)
    assert.equal(saidBy(page), saidBy(again))
    const headers = page.headers.filter(([name]) => name !== 'content-location')
    assert.deepEqual(headers, again.headers)
    const form = { csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision: 'allow' }
    assert.equal((await openBrowser(world).post(place, form)).status, 400)
    assert.match(locationOf(await browser.post(place, form)).search, /[?&]code=ac_/)
  })

  it('is the login where the session has ended', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    world.clock.advance(1800)
    const page = await browser.get(await pushedUrl(world))
    assert.equal(page.status, 200)
    assert.match(locationOf(page).pathname, /\/login$/)
    assert.match(locationOf(await browser.login(page)).pathname, /\/consent$/)
  })

  it('gives a new browser its cookie, and works in no other one', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const page = await browser.get(await pushedUrl(world))
    assert.equal(page.status, 200)
    assert.match(locationOf(page).pathname, /^\/interaction\/[\w-]{49}\/login$/)
    assert.equal(headersOf(page, 'set-cookie').length, 1)
    assert.equal((await loggedIn(world).then(other => other.login(page))).status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.browser')
    assert.match(locationOf(await browser.login(page)).pathname, /\/consent$/)
  })

  it('tells a browser that keeps no cookies what to do, and nothing of the interaction', async () => {
    await using world = await openWorld()
    const page = await openBrowser(world).get(await pushedUrl(world))
    const refused = await openBrowser(world).login(page)
    const unknown = await openBrowser(world).get(`/interaction/${'A'.repeat(49)}/login`)
    for (const reply of [refused, unknown]) {
      assert.equal(reply.status, 400)
      assert.match(String(reply.body), /Your browser did not send our cookie/)
    }
    const told = (reply: Reply): string => String(reply.body).replace(/req-\d+/g, '')
    assert.equal(told(refused), told(unknown))
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.cookie')
    assert.equal(await world.lastAudit('login.accepted'), undefined)
  })

  it('gives a new cookie to a browser that lost it and not its session', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    for (const name of [...browser.cookies.keys()])
      if (name.includes('-browser-')) browser.cookies.delete(name)
    const page = await browser.get(await pushedUrl(world))
    assert.equal(headersOf(page, 'set-cookie').length, 1)
    assert.match(locationOf(await browser.decide(locationOf(page).href, 'allow')).search, /[?&]code=ac_/)
  })

  it('is led to after a POST, so that it can be loaded again', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    const reply = await browser.post('/authorize', { ...goodRequest('c_oidc'), scope: 'openid profile' })
    assert.equal(reply.status, 303)
    assert.match(header(reply, 'location') ?? '', /\/interaction\/[\w-]{49}\/consent$/)
    assert.equal((await browser.get(locationOf(reply).href)).status, 200)
  })

  it('is none where policies remember the consent: the answer goes to the client', async () => {
    await using world = await openWorld({ policies: remembering })
    const browser = await loggedIn(world)
    const reply = await browser.get(await pushedUrl(world))
    assert.equal(reply.status, 303)
    assert.match(header(reply, 'location') ?? '', /^https:\/\/client\.example\/cb\?.*code=ac_/)
    assert.equal(header(reply, 'content-location'), undefined)
    assert.equal((await world.lastAudit('code.issued'))?.facts.consent, 'remembered')
    world.clock.advance(61)
    assert.equal((await browser.get(await pushedUrl(world))).status, 200)
  })
  it('looks again at its own place while others have to approve, instead of asking once more', async () => {
    await using world = await openWorld({ policies: approving })
    const browser = await loggedIn(world)
    const waiting = await browser.get(await pushedUrl(world))
    assert.match(String(waiting.body), /id="approval-waiting"/)
    assert.equal(header(waiting, 'refresh'), `15; url=${header(waiting, 'content-location')}`)
    const before = (await world.audit()).length
    assert.equal(saidBy(await browser.get(locationOf(waiting).href)), saidBy(waiting))
    assert.equal((await world.audit()).length, before)
  })
})
