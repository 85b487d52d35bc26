import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { hashOfHandle } from '../handle.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  type PushOptions,
  pushedUrl,
} from '../testing/browser.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { openAccountTurns, sourcePrefix } from './attempts.ts'

async function atLogin(world: World, options: PushOptions = {}): Promise<[Browser, string]> {
  const browser = openBrowser(world)
  const opened = await browser.get(await pushedUrl(world, options))
  return [browser, locationOf(opened).href]
}

const text = (page: Reply): string => /role="alert"[^>]*><p>([^<]*)</.exec(String(page.body))?.[1] ?? ''

/** A page without what differs by request. */
const masked = (page: Reply, username: string): string =>
  String(page.body)
    .replaceAll(username, 'NAME')
    .replaceAll(/req-\d+/g, 'REF')
    .replaceAll(/name="csrf" value="[^"]*"/g, 'CSRF')
    .replaceAll(/challenge&quot;:&quot;[\w-]+/g, 'CHALLENGE')
    .replaceAll(/interaction\/[\w-]+/g, 'ID')

describe('the login step', () => {
  it('the right password makes a session with a new cookie and leads to the consent', async () => {
    await using world = await openWorld()
    const [browser, url] = await atLogin(world)
    const reply = await browser.login(url)
    assert.equal(reply.status, 303)
    assert.equal(header(reply, 'location'), url.replace(/login$/, 'consent'))
    assert.match(
      header(reply, 'set-cookie') ?? '',
      /^__Host-holdfast-session-[0-9a-f]{8}=[\w-]{49}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
    const record = await world.lastAudit('login.accepted')
    assert.equal(record?.subject, 'u_alice')
    assert.equal(record?.facts.acr, 'urn:holdfast:acr:pwd')
  })

  it('a login never takes over a session id the browser brought, and ends the session before it', async () => {
    await using world = await openWorld()
    const [browser, url] = await atLogin(world)
    const name = [...browser.cookies.keys()][0]?.replace('browser', 'session') ?? ''
    browser.cookies.set(name, 'x'.repeat(49))
    await browser.login(url)
    const first = browser.cookies.get(name)
    assert.notEqual(first, 'x'.repeat(49))
    const again = await browser.get(await pushedUrl(world, { spoil: { prompt: 'login' } }))
    await browser.login(locationOf(again).href)
    assert.notEqual(browser.cookies.get(name), first)
    const old = openBrowser(world)
    old.cookies.set(name, first ?? '')
    assert.match(locationOf(await old.get(await pushedUrl(world))).pathname, /\/login$/)
  })

  it('an unknown user, a wrong password and a disabled user get the same page', async () => {
    await using world = await openWorld()
    const record = { issuer: issuerUrl, passwordHash: 'fake:pw', claims: {} }
    await world.store.commit([
      { kind: 'put-user', record: { ...record, subject: 'u_off', username: 'disabled', status: 'disabled' } },
    ])
    const pages = []
    for (const [username, password] of [
      ['nobody1', 'x'],
      ['alice', 'wrong'],
      ['disabled', 'pw'],
    ] as const) {
      const [browser, url] = await atLogin(world)
      const reply = await browser.login(url, username, password)
      assert.equal(reply.status, 400)
      assert.match(text(reply), /user name or the password is not right/)
      assert.equal(header(reply, 'set-cookie'), undefined)
      pages.push(masked(reply, username))
    }
    assert.equal(new Set(pages).size, 1)
    const rules = (await world.audit()).flatMap(({ event, ruleId }) =>
      event === 'login.refused' ? [ruleId] : [],
    )
    assert.deepEqual(rules, ['login.user', 'login.password', 'login.disabled'])
  })

  it('one password is computed for every attempt, whoever it names', async () => {
    await using world = await openWorld()
    const calls: string[] = []
    const passwords = {
      verify: async (): Promise<boolean> => calls.push('verify') < 0,
      verifyNothing: async (): Promise<false> => calls.push('nothing') < 0 && false,
      hash: async (): Promise<string> => '',
    }
    Object.assign(world.ports, { passwords })
    for (const username of ['alice', 'nobody']) {
      const [browser, url] = await atLogin(world)
      await browser.login(url, username, 'x')
    }
    assert.deepEqual(calls, ['verify', 'nothing'])
  })

  it('an empty field is asked for and not counted', async () => {
    await using world = await openWorld()
    const [browser, url] = await atLogin(world)
    const reply = await browser.login(url, 'alice', '')
    assert.equal(reply.status, 400)
    assert.match(text(reply), /Enter both/)
    assert.equal(await world.lastAudit('login.refused'), undefined)
  })

  it('a login hint fills in the user name, the same for known and unknown users', async () => {
    await using world = await openWorld()
    const pages = []
    for (const hint of ['alice', 'nobody']) {
      const [browser, url] = await atLogin(world, { spoil: { login_hint: hint } })
      const page = await browser.get(url)
      assert.match(String(page.body), new RegExp(`name="username"[^>]*value="${hint}"`))
      pages.push(masked(page, hint))
    }
    assert.equal(pages[0], pages[1])
  })

  it('a login without the CSRF token of its page is refused', async () => {
    await using world = await openWorld()
    const [browser, url] = await atLogin(world)
    const [other, otherUrl] = await atLogin(world)
    const good = fieldOf(await browser.get(url), 'csrf')
    const foreign = fieldOf(await other.get(otherUrl), 'csrf')
    const credentials = { username: 'alice', password: 'correct horse' }
    for (const csrf of [undefined, '', 'x', foreign, `${good}A`, good.slice(1)]) {
      const reply = await browser.post(url, { ...credentials, csrf })
      assert.equal(reply.status, 400)
      assert.equal(header(reply, 'set-cookie'), undefined)
      assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.csrf')
    }
    assert.equal((await browser.post(url, { ...credentials, csrf: good })).status, 303)
  })

  it('an answer that is not one form is refused', async () => {
    await using world = await openWorld()
    const [browser, url] = await atLogin(world)
    const page = await browser.get(url)
    const json = await browser.post(actionOf(page), {}, { headers: [['content-type', 'application/json']] })
    assert.equal(json.status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.media-type')
    const doubled = await browser.post(url, {
      csrf: fieldOf(page, 'csrf'),
      username: ['a', 'b'],
      password: 'x',
    })
    assert.equal(doubled.status, 400)
  })

  it('no password, cookie or interaction id reaches the audit', async () => {
    await using world = await openWorld()
    const [browser, url] = await atLogin(world)
    await browser.login(url, 'alice', 'a wrong secret')
    await browser.login(url)
    const audit = JSON.stringify(await world.audit())
    for (const secret of ['a wrong secret', 'correct horse', ...browser.cookies.values()])
      assert.ok(!audit.includes(secret))
  })
})

describe('failed logins', () => {
  const fail = async (world: World, username: string): Promise<Reply> => {
    const [browser, url] = await atLogin(world)
    return await browser.login(url, username, 'wrong')
  }

  it('ten failures of an account delay the next attempt, known or unknown, right or wrong', async () => {
    await using world = await openWorld()
    for (const username of ['alice', 'nobody']) {
      for (let count = 0; count < 10; count++) assert.equal((await fail(world, username)).status, 400)
      const [browser, url] = await atLogin(world)
      const waiting = await browser.login(url, username, 'correct horse')
      assert.equal(waiting.status, 429)
      assert.equal(header(waiting, 'retry-after'), '30')
      assert.match(text(waiting), /too many attempts. Wait 30 seconds/)
      assert.equal((await world.lastAudit('login.refused'))?.ruleId, 'login.delay')
    }
    world.clock.advance(29)
    const [early, earlyUrl] = await atLogin(world)
    assert.equal((await early.login(earlyUrl)).status, 429)
    world.clock.advance(1)
    const [browser, url] = await atLogin(world)
    assert.equal((await browser.login(url)).status, 303)
    // A good login clears the count.
    assert.equal((await fail(world, 'alice')).status, 400)
  })

  it('each further failure doubles the delay', async () => {
    await using world = await openWorld()
    for (let count = 0; count < 10; count++) await fail(world, 'alice')
    for (const wait of [30, 60, 120]) {
      const delayed = await fail(world, 'Alice')
      assert.equal(header(delayed, 'retry-after'), String(wait))
      world.clock.advance(wait)
      assert.equal((await fail(world, 'alice')).status, 400)
    }
  })

  it('a hundred failures from one network stop it for a minute, and nobody else', async () => {
    await using world = await openWorld()
    const [browser, url] = await atLogin(world)
    for (let count = 0; count < 100; count++)
      assert.equal((await browser.login(url, `user${count}`, 'wrong')).status, 400)
    const stopped = await browser.login(url)
    assert.equal(stopped.status, 429)
    assert.equal(header(stopped, 'retry-after'), '60')
    world.clock.advance(60)
    assert.equal((await browser.login(url)).status, 303)
  })

  it('parallel attempts on one account cannot outrun the count', async () => {
    await using world = await openWorld()
    const attempts = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const [browser, url] = await atLogin(world)
        return await browser.login(url, 'alice', 'wrong')
      }),
    )
    const tried = attempts.filter(reply => reply.status === 400).length
    assert.ok(tried <= 10, `${tried} passwords were tried`)
  })

  it('a source is an IPv4 /24 or an IPv6 /56', () => {
    assert.equal(sourcePrefix('192.0.2.10'), '192.0.2.0/24')
    assert.equal(sourcePrefix('::ffff:192.0.2.99'), '192.0.2.0/24')
    assert.equal(sourcePrefix('2001:db8:0:12ff::1'), '2001:db8:0:1200::/56')
    assert.equal(sourcePrefix('2001:db8:0:1234:5:6:7:8'), '2001:db8:0:1200::/56')
    assert.notEqual(sourcePrefix('2001:db8:0:1300::1'), sourcePrefix('2001:db8:0:1200::1'))
    assert.equal(sourcePrefix('::1'), '0:0:0:0::/56')
    assert.equal(sourcePrefix('unknown'), 'unknown')
  })

  it('turns on an account are taken one by one, and only ten may wait', async () => {
    const turns = openAccountTurns()
    const account = hashOfHandle('failures', issuerUrl, 'a')
    const running = { now: 0, most: 0 }
    const work = async (): Promise<string> => {
      running.now += 1
      running.most = Math.max(running.most, running.now)
      await new Promise(resolve => setImmediate(resolve))
      running.now -= 1
      return 'done'
    }
    const results = await Promise.all(Array.from({ length: 12 }, () => turns.take(account, work)))
    assert.equal(running.most, 1)
    assert.equal(results.filter(result => result === 'done').length, 10)
    await assert.rejects(turns.take(account, () => Promise.reject(new Error('broken'))))
    assert.equal(await turns.take(account, work), 'done')
  })
})
