import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import {
  answerCode,
  answerPasskey,
  follow,
  newPasskey,
  openAccount,
  optionsOn,
  registerPasskey,
  setUpApp,
} from '../testing/authenticator.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  pushedUrl,
} from '../testing/browser.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

const phr = 'urn:holdfast:acr:phr'

async function putBob(world: World): Promise<void> {
  const record = {
    issuer: issuerUrl,
    subject: 'u_bob',
    username: 'bob',
    passwordHash: 'fake:bob bob',
    claims: {},
  }
  await world.store.commit([{ kind: 'put-user', record: { ...record, status: 'active' } }])
}

const openPage = async (
  world: World,
  browser: Browser,
  spoil: Readonly<Record<string, string>> = {},
): Promise<Reply> => await follow(browser, await browser.get(await pushedUrl(world, { spoil })))

describe('attacks on the second factor', () => {
  it('the step cannot be skipped by its address, by a new request, by prompt=none or by the account page', async () => {
    await using world = await openWorld()
    await setUpApp(world, openBrowser(world))
    const thief = openBrowser(world)
    const login = await openPage(world, thief)
    await thief.login(login)
    const consentUrl = actionOf(login).replace(/login$/, 'consent')
    assert.match(locationOf(await thief.get(consentUrl)).pathname, /\/second-factor$/)
    const posted = await thief.post(consentUrl, { decision: 'allow' })
    assert.match(locationOf(posted).pathname, /\/second-factor$/)
    assert.match(String((await openPage(world, thief)).body), /id="second-factor-form"/)
    const silent = locationOf(await thief.get(await pushedUrl(world, { spoil: { prompt: 'none' } })))
    assert.equal(silent.searchParams.get('error'), 'login_required')
    for (const path of [paths.security, paths.addPasskey, paths.addTotp]) {
      const page = await follow(thief, await thief.get(path))
      assert.match(String(page.body), /id="second-factor-form"/, path)
    }
    const removal = await thief.post(paths.removeAuthenticator, { csrf: '', id: 'x' })
    assert.match(String((await follow(thief, removal)).body), /id="second-factor-form"/)
    assert.equal(await world.lastAudit('code.issued'), undefined)
  })

  it('a session id that was planted or known before does not come out stronger', async () => {
    await using world = await openWorld()
    const app = await setUpApp(world, openBrowser(world))
    world.clock.advance(60)
    const victim = openBrowser(world)
    const factor = await follow(victim, await victim.login(await openPage(world, victim)))
    const name = [...victim.cookies.keys()].find(cookie => cookie.includes('session')) ?? ''
    const known = victim.cookies.get(name) ?? ''
    await answerCode(victim, factor, app.code())
    assert.notEqual(victim.cookies.get(name), known)
    const thief = openBrowser(world)
    thief.cookies.set(name, known)
    assert.match(String((await openPage(world, thief)).body), /id="login-form"/)
  })

  it('the passkey of one user is none of another, neither as a step nor for a page already known', async () => {
    await using world = await openWorld()
    await putBob(world)
    const [mine, theirs] = [newPasskey(), newPasskey()]
    await registerPasskey(openBrowser(world), mine)
    await registerPasskey(openBrowser(world), theirs, { username: 'bob', password: 'bob bob' })
    const browser = openBrowser(world)
    const login = await openPage(world, browser, { acr_values: phr })
    const page = await follow(browser, await browser.login(login))
    assert.deepEqual(
      optionsOn(page).allowCredentials?.map(({ id }) => id),
      [mine.id],
    )
    const refused = await answerPasskey(browser, page, theirs.get(optionsOn(page)))
    assert.equal(refused.status, 400)
    assert.equal((await world.lastAudit('second-factor.refused'))?.ruleId, 'passkey.owner')
    const right = await answerPasskey(browser, refused, mine.get(optionsOn(refused)))
    assert.equal(right.status, 303)
  })

  it('a passkey answer works once, in the interaction and the browser it was made for', async () => {
    await using world = await openWorld()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const victim = openBrowser(world)
    const login = await openPage(world, victim)
    const credential = passkey.get(optionsOn(login))

    const thief = openBrowser(world)
    const own = await openPage(world, thief)
    assert.equal((await answerPasskey(thief, own, credential)).status, 400)
    assert.equal((await world.lastAudit('login.refused'))?.ruleId, 'passkey.challenge')
    const stolen = await thief.post(actionOf(login), { csrf: fieldOf(login, 'csrf'), credential })
    assert.equal(stolen.status, 400)
    assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.browser')

    assert.ok(header(await answerPasskey(victim, login, credential), 'set-cookie'))
    const replayed = await answerPasskey(victim, login, credential)
    assert.match(locationOf(replayed).pathname, /\/consent$/)
    assert.equal(header(replayed, 'set-cookie'), undefined)
    const other = await openPage(world, victim, { prompt: 'login' })
    assert.equal((await answerPasskey(victim, other, credential)).status, 400)
    assert.equal((await world.lastAudit('login.refused'))?.ruleId, 'passkey.challenge')
  })

  it('a registration works once, in the session it was made for, and not for a form of another site', async () => {
    await using world = await openWorld()
    await putBob(world)
    const browser = openBrowser(world)
    const page = await openAccount(browser, paths.addPasskey)
    const credential = newPasskey().create(optionsOn(page))
    const fields = { csrf: fieldOf(page, 'csrf'), credential, name: 'x' }
    const forged = await browser.post(actionOf(page), { ...fields, csrf: 'x' })
    assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'account.csrf')
    assert.equal(forged.status, 400)
    const bob = openBrowser(world)
    const bobs = await openAccount(bob, paths.addPasskey, { username: 'bob', password: 'bob bob' })
    assert.equal((await bob.post(actionOf(bobs), { ...fields, csrf: fieldOf(bobs, 'csrf') })).status, 400)
    assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'passkey.challenge')
    assert.deepEqual(await world.store.listAuthenticators(issuerUrl, 'u_bob'), [])

    const replies = await Promise.all(Array.from({ length: 16 }, () => browser.post(actionOf(page), fields)))
    assert.equal(replies.filter(reply => header(reply, 'set-cookie') !== undefined).length, 1)
    assert.equal((await world.store.listAuthenticators(issuerUrl, alice)).length, 1)
    assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'account.once')
    const late = await browser.post(actionOf(page), fields)
    assert.equal(late.status, 400)
    assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'account.csrf')
  })

  it('nobody removes what is not theirs', async () => {
    await using world = await openWorld()
    await putBob(world)
    await registerPasskey(openBrowser(world), newPasskey())
    const [victims] = await world.store.listAuthenticators(issuerUrl, alice)
    const bob = openBrowser(world)
    const page = await openAccount(bob, paths.addPasskey, { username: 'bob', password: 'bob bob' })
    const tried = await bob.post(paths.removeAuthenticator, {
      csrf: fieldOf(page, 'csrf'),
      id: victims?.id ?? '',
    })
    assert.equal(tried.status, 400)
    assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'account.authenticator')
    assert.equal((await world.store.listAuthenticators(issuerUrl, alice)).length, 1)
  })

  it('adding and removing need a sign-in of the last five minutes, to the second', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    await registerPasskey(browser, newPasskey())
    const page = await openAccount(browser)
    const [passkey] = await world.store.listAuthenticators(issuerUrl, alice)
    world.clock.advance(300)
    assert.match(String((await browser.get(paths.addTotp)).body), /id="totp-form"/)
    world.clock.advance(1)
    assert.match(locationOf(await browser.get(paths.addTotp)).pathname, /\/login$/)
    assert.equal((await browser.get(paths.security)).status, 200)
    const fields = { csrf: fieldOf(page, 'csrf'), id: passkey?.id ?? '' }
    const late = await browser.post(paths.removeAuthenticator, fields)
    assert.equal(header(late, 'location'), `${issuerUrl}/account/security?again=yes`)
    assert.equal((await world.store.listAuthenticators(issuerUrl, alice)).length, 1)
    const back = await follow(browser, await browser.login(await follow(browser, late)))
    const done = await browser.post(paths.removeAuthenticator, { ...fields, csrf: fieldOf(back, 'csrf') })
    assert.match(header(done, 'location') ?? '', /done=removed/)
  })

  it('removing a method ends every other session of the user, with their grants, and keeps this one', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    await registerPasskey(browser, newPasskey())
    const thief = openBrowser(world)
    const consent = await follow(thief, await thief.login(await openPage(world, thief)))
    const hidden = { csrf: fieldOf(consent, 'csrf'), shown: fieldOf(consent, 'shown') }
    await thief.post(actionOf(consent), { ...hidden, decision: 'allow' })
    const grantId = String((await world.lastAudit('code.issued'))?.facts.grant)
    const page = await openAccount(browser)
    const [passkey] = await world.store.listAuthenticators(issuerUrl, alice)
    const before = new Map(browser.cookies)
    await browser.post(paths.removeAuthenticator, { csrf: fieldOf(page, 'csrf'), id: passkey?.id ?? '' })
    assert.notDeepEqual(browser.cookies, before)
    assert.match(String((await openPage(world, thief)).body), /id="login-form"/)
    assert.notEqual((await world.store.findGrant(grantId))?.revokedAt, undefined)
    assert.match(String((await openPage(world, browser)).body), /id="consent-form"/)
    const audit = await world.lastAudit('authenticator.removed')
    assert.equal([audit?.facts.ended_sids].flat().length, 1)
  })

  it('an interaction for the account page issues nothing', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const login = await follow(browser, await browser.get(paths.security))
    const url = actionOf(login)
    await browser.login(login)
    const consent = await browser.get(url.replace(/login$/, 'consent'))
    assert.equal(header(consent, 'location'), `${issuerUrl}/account/security`)
    const allowed = await browser.post(url.replace(/login$/, 'consent'), { decision: 'allow' })
    assert.equal(header(allowed, 'location'), `${issuerUrl}/account/security`)
    assert.equal(await world.lastAudit('code.issued'), undefined)
    assert.match(locationOf(await openBrowser(world).get(paths.security)).pathname, /\/login$/)
  })

  it('a password that changed while it was typed opens no session', async () => {
    const raced: { change: (() => Promise<void>) | undefined } = { change: undefined }
    await using world = await openWorld()
    const browser = openBrowser(world)
    const login = await openPage(world, browser)
    const user = await world.store.findUserBySubject(issuerUrl, alice)
    assert.ok(user)
    raced.change = async () => {
      await world.store.commit([{ kind: 'put-user', record: { ...user, passwordHash: 'fake:new password' } }])
    }
    const commit = world.store.commit
    Object.assign(world.store, {
      commit: async (writes: Parameters<typeof commit>[0]) => {
        const { change } = raced
        raced.change = undefined
        await change?.()
        return await commit(writes)
      },
    })
    const reply = await browser.login(login)
    assert.equal(header(reply, 'set-cookie'), undefined)
    assert.match(locationOf(await browser.get(locationOf(reply).href)).pathname, /\/login$/)
  })
})
