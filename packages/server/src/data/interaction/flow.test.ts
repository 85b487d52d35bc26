import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Client } from '../../snapshot/snapshot.ts'
import type { CodeRecord, GrantRecord } from '../../store/records.ts'
import { hashOfHandle } from '../handle.ts'
import {
  actionOf,
  type Browser,
  codeChallenge,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  type PushOptions,
  pushedUrl,
} from '../testing/browser.ts'
import { accounts, clientOf, payments, redirectUri } from '../testing/clients.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

/** A browser that stands before the consent page. */
async function atConsent(world: World, options: PushOptions = {}): Promise<[Browser, string]> {
  const browser = openBrowser(world)
  const opened = await browser.get(await pushedUrl(world, options))
  const reply = await browser.login(locationOf(opened).href)
  return [browser, locationOf(reply).href]
}

async function bought(
  world: World,
  location: URL,
): Promise<{ code: CodeRecord | undefined; grant: GrantRecord | undefined }> {
  const value = location.searchParams.get('code') ?? ''
  const code = await world.store.findCode(hashOfHandle('code', issuerUrl, value))
  return { code, grant: await world.store.findGrant(code?.grantId ?? '') }
}

describe('the consent step', () => {
  it('Allow issues one code that carries challenge, redirect, nonce and key, and redirects with 303', async () => {
    await using world = await openWorld()
    const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
    const [browser, url] = await atConsent(world, { spoil: { dpop_jkt: jkt } })
    const allowed = await browser.decide(url, 'allow')
    assert.equal(allowed.status, 303)
    const location = locationOf(allowed)
    assert.equal(location.origin + location.pathname, redirectUri)
    assert.deepEqual([...location.searchParams.keys()].sort(), ['code', 'iss', 'state'])
    assert.equal(location.searchParams.get('state'), 'st-1')
    const { code, grant } = await bought(world, location)
    assert.equal(code?.clientId, 'c_bank')
    assert.equal(code?.codeChallenge, codeChallenge)
    assert.equal(code?.redirectUri, redirectUri)
    assert.equal(code?.nonce, 'n-1')
    assert.equal(code?.dpopJkt, jkt)
    assert.equal((code?.expiresAt ?? 0) - (code?.issuedAt ?? 0), 60)
    assert.equal(grant?.subject, alice)
    assert.equal(grant?.acr, 'urn:holdfast:acr:pwd')
    assert.deepEqual(grant?.amr, ['pwd'])
    assert.equal(grant?.authTime, world.clock.now())
    assert.deepEqual(grant?.scopes, ['openid', 'accounts'])
  })

  it('the grant holds exactly the resources that were asked for', async () => {
    await using world = await openWorld()
    const spoil = { scope: 'openid accounts payments', resource: [accounts, payments] }
    const [browser, url] = await atConsent(world, { spoil })
    const { grant } = await bought(world, locationOf(await browser.decide(url, 'allow')))
    assert.deepEqual(grant?.resources, [accounts, payments])
    assert.deepEqual(grant?.scopes, ['openid', 'accounts', 'payments'])
  })

  it('absent state and nonce stay absent', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world, { spoil: { state: undefined, nonce: undefined } })
    const location = locationOf(await browser.decide(url, 'allow'))
    assert.deepEqual([...location.searchParams.keys()].sort(), ['code', 'iss'])
    assert.equal((await bought(world, location)).code?.nonce, undefined)
  })

  it('a state of 2048 odd characters comes back unchanged', async () => {
    await using world = await openWorld()
    const state = `&=+%20 "<>#?/\\'`.padEnd(2048, '~')
    const [browser, url] = await atConsent(world, { spoil: { state } })
    assert.equal(locationOf(await browser.decide(url, 'allow')).searchParams.get('state'), state)
  })

  it('Deny sends access_denied with state and iss, and no code', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const denied = await browser.decide(url, 'deny')
    assert.equal(denied.status, 303)
    const { searchParams } = locationOf(denied)
    assert.equal(searchParams.get('error'), 'access_denied')
    assert.equal(searchParams.get('state'), 'st-1')
    assert.equal(searchParams.get('iss'), issuerUrl)
    assert.equal(searchParams.get('code'), null)
    assert.equal((await world.lastAudit('consent.denied'))?.ruleId, 'consent.denied')
    assert.equal((await browser.get(url)).status, 400)
  })

  it('the consent page names client, user, host, scopes in plain words, resources and duration', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world, { spoil: { scope: 'openid accounts offline_access' } })
    const page = await browser.get(url)
    const text = String(page.body).replaceAll(/<[^>]+>/g, '')
    for (const shown of [
      'The c_bank application',
      'alice',
      'client.example',
      'See your accounts',
      'Balances and names',
      'Accounts accounts.example',
      'at most 30 days',
      'It cannot see your password',
    ])
      assert.ok(text.includes(shown), shown)
    const short = await atConsent(world)
    assert.ok(String((await short[0].get(short[1])).body).includes('ends by itself after at most 6 minutes'))
  })

  it('what the page showed is what is granted: an edited name or text is asked again', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const shown = await browser.get(url)
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_bank', clientOf({ clientId: 'c_bank', clientName: 'Another name' }))
    const form = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' }
    const reply = await browser.post(actionOf(shown), form)
    assert.equal(reply.status, 409)
    assert.match(String(reply.body), /has changed since you saw it/)
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'consent.changed')
    assert.equal(await world.lastAudit('code.issued'), undefined)
    assert.match(locationOf(await browser.decide(url, 'allow')).search, /code=/)
  })

  it('a scope taken from the client between page and answer is refused', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const shown = await browser.get(url)
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_bank', clientOf({ clientId: 'c_bank', scopes: ['openid'] }))
    const form = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' }
    assert.equal((await browser.post(actionOf(shown), form)).status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'scope.allowed')
  })

  it('of 16 simultaneous answers one gets a code', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const shown = await browser.get(url)
    const form = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' }
    const replies = await Promise.all(Array.from({ length: 16 }, () => browser.post(actionOf(shown), form)))
    assert.deepEqual(replies.map(reply => reply.status).sort(), [
      303,
      ...Array.from({ length: 15 }, () => 400),
    ])
    assert.equal((await world.audit()).filter(record => record.event === 'code.issued').length, 1)
  })

  it('two pages of one pushed request give one code', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const pushed = await pushedUrl(world)
    const first = await browser.login(locationOf(await browser.get(pushed)).href)
    const second = locationOf(await browser.get(pushed)).href
    assert.match(second, /consent$/)
    assert.match(locationOf(await browser.decide(second, 'allow')).search, /code=/)
    const late = await browser.decide(locationOf(first).href, 'allow')
    assert.equal(late.status, 400)
    assert.match(String(late.body), /already answered/)
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'interaction.once')
  })

  it('an answer without a decision shows the page again', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const shown = await browser.get(url)
    const reply = await browser.post(url, { csrf: fieldOf(shown, 'csrf') })
    assert.equal(reply.status, 200)
    assert.match(String(reply.body), /consent-form/)
  })

  it('a user disabled after the login is sent back to the login', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const user = await world.store.findUserBySubject(issuerUrl, alice)
    if (user === undefined) throw new TypeError('no alice')
    await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    assert.match(locationOf(await browser.get(url)).href, /\/login$/)
  })
})

describe('an interaction belongs to the browser that started it', () => {
  it('another browser sees nothing of it and cannot finish it', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const shown = await browser.get(url)
    const form = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' }
    const other = openBrowser(world)
    assert.equal((await other.get(url)).status, 400)
    assert.equal((await other.post(url, form)).status, 400)
    // Not even one that is logged in as the same user.
    const [same] = await atConsent(world)
    assert.equal((await same.get(url)).status, 400)
    assert.equal((await same.post(url, form)).status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.browser')
    assert.equal(await world.lastAudit('code.issued'), undefined)
  })

  it('an unknown, a finished and an expired interaction are refused', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    assert.equal((await browser.get(`${issuerUrl}/interaction/${'x'.repeat(49)}/consent`)).status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.known')
    await browser.decide(url, 'allow')
    assert.equal((await browser.get(url)).status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.finished')
    const [late, lateUrl] = await atConsent(world)
    world.clock.advance(599)
    assert.equal((await late.get(lateUrl)).status, 200)
    world.clock.advance(1)
    assert.equal((await late.get(lateUrl)).status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.expired')
  })

  it('steps cannot be skipped', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const login = locationOf(await browser.get(await pushedUrl(world))).href
    const consent = login.replace(/login$/, 'consent')
    assert.equal(header(await browser.get(consent), 'location'), login)
    const posted = await browser.post(consent, { csrf: 'x', shown: 'x', decision: 'allow' })
    assert.equal(header(posted, 'location'), login)
    await browser.login(login)
    assert.equal(header(await browser.get(login), 'location'), consent)
  })

  it('the pages of a session that ended lead back to the login', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    for (const name of browser.cookies.keys()) if (name.includes('session')) browser.cookies.delete(name)
    assert.match(locationOf(await browser.get(url)).href, /\/login$/)
  })
})

describe('what every page carries', () => {
  it('pages cannot be framed, sniffed by referrer, cached, or fed from elsewhere', async () => {
    await using world = await openWorld()
    const [browser, consent] = await atConsent(world)
    const login = locationOf(await openBrowser(world).get(await pushedUrl(world))).href
    const error = await browser.get('/authorize?client_id=nobody')
    const pages = await Promise.all([consent, login, '/device', '/logout'].map(url => browser.get(url)))
    for (const page of [error, ...pages]) {
      const csp = header(page, 'content-security-policy') ?? ''
      for (const part of [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ])
        assert.ok(csp.includes(part), part)
      assert.ok(!csp.includes('unsafe') && !csp.includes('script-src'))
      assert.equal(header(page, 'x-frame-options'), 'DENY')
      assert.equal(header(page, 'referrer-policy'), 'no-referrer')
      assert.equal(header(page, 'cache-control'), 'no-store')
      assert.ok(page.headers.every(([name]) => !name.startsWith('access-control-')))
      assert.ok(!/<script|javascript:|style=/i.test(String(page.body)))
      for (const [, url = ''] of String(page.body).matchAll(/(?:src|href|action)="([^"]*)"/g))
        assert.ok(url.startsWith(`${issuerUrl}/`), url)
    }
  })

  it('a form may lead to the client of its request and nowhere else', async () => {
    await using world = await openWorld()
    const [browser, url] = await atConsent(world)
    const csp = header(await browser.get(url), 'content-security-policy') ?? ''
    assert.match(csp, /form-action 'self' https:\/\/client\.example;/)
  })
})
