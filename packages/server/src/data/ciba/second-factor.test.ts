import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { ResourceServer } from '../../snapshot/snapshot.ts'
import {
  answerCode,
  answerPasskey,
  follow,
  newPasskey,
  optionsOn,
  registerPasskey,
  type SoftApp,
  setUpApp,
} from '../testing/authenticator.ts'
import { actionOf, type Browser, fieldOf, locationOf, openBrowser } from '../testing/browser.ts'
import { answerShown, askCiba, atApprovals, cibaClient, openApprovals, pollCiba } from '../testing/ciba.ts'
import { accounts, floor, resourceServers } from '../testing/clients.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { openWorld, type World, type WorldOptions } from '../testing/world.ts'

const pwd = 'urn:holdfast:acr:pwd'
const mfa = 'urn:holdfast:acr:mfa'
const phr = 'urn:holdfast:acr:phr'

const open = (options: WorldOptions = {}): Promise<World> =>
  openWorld({ clients: [cibaClient()], ...options })
const demanding = (change: Partial<ResourceServer>): readonly ResourceServer[] =>
  resourceServers.map(server => (server.audience === accounts ? { ...server, ...change } : server))

const has = (page: Reply, id: string): boolean => String(page.body).includes(`id="${id}"`)

async function ask(world: World, fields: Record<string, string> = {}): Promise<string> {
  return textOf(await askCiba(world, fields), 'auth_req_id')
}

/** What the tokens of an answered request say of the authentication. */
async function stated(world: World, authReqId: string): Promise<readonly unknown[]> {
  const { acr, amr, auth_time: authTime } = claimsOf(textOf(await pollCiba(world, authReqId), 'id_token'))
  return [acr, amr, authTime]
}

const pending = async (world: World, authReqId: string): Promise<void> => {
  assert.equal(jsonOf(await pollCiba(world, authReqId)).error, 'authorization_pending')
}

/** A user with an app, whose code of the time step after the next is not used yet. */
async function withApp(world: World): Promise<SoftApp> {
  const app = await setUpApp(world, openBrowser(world))
  world.clock.advance(60)
  return app
}

async function answerWithCode(browser: Browser, page: Reply, app: SoftApp): Promise<Reply> {
  return await follow(browser, await answerCode(browser, page, app.code()))
}

describe('what waits for a user, and how the user must sign in', () => {
  it('who has an app gives its code too: a password alone sees nothing and answers nothing', async () => {
    await using world = await open()
    const app = await withApp(world)
    const authReqId = await ask(world)
    const [browser, page] = await atApprovals(world)
    assert.ok(has(page, 'second-factor-form') && !has(page, 'approval-form-1'))
    const approvals = actionOf(page).replace('second-factor', 'approvals')
    assert.match(locationOf(await browser.get(approvals)).href, /\/second-factor$/)
    const forced = { csrf: fieldOf(page, 'csrf'), request: 'x', shown: 'x', decision: 'allow' }
    assert.match(locationOf(await browser.post(approvals, forced)).href, /\/second-factor$/)
    await pending(world, authReqId)
    const shown = await answerWithCode(browser, page, app)
    assert.equal((await answerShown(browser, shown)).status, 200)
    world.clock.advance(10)
    const [acr, amr] = await stated(world, authReqId)
    assert.deepEqual([acr, amr], [mfa, ['pwd', 'otp', 'mfa']])
  })

  it('who will not take the second step ends the visit, and no request', async () => {
    await using world = await open()
    await withApp(world)
    const authReqId = await ask(world)
    const [browser, page] = await atApprovals(world)
    const left = await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), decision: 'decline' })
    assert.match(String(left.body), /Nothing was changed/)
    assert.equal((await world.lastAudit('second-factor.refused'))?.ruleId, 'step-up.declined')
    await pending(world, authReqId)
  })

  it('what an API asks for is reached on the way from the answer to the grant, for that request alone', async () => {
    await using world = await open({ resourceServers: demanding({ acr: phr }) })
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const authReqId = await ask(world)
    const [browser, page] = await atApprovals(world)
    const step = await follow(browser, await answerShown(browser, page))
    assert.ok(has(step, 'passkey-form') && !has(step, 'approval-form-1'))
    const { facts, clientId } = (await world.lastAudit('ciba.step-up')) ?? {}
    assert.deepEqual([clientId, facts?.next], ['c_pos', 'second-factor'])
    await pending(world, authReqId)
    const again = await follow(browser, await answerPasskey(browser, step, passkey.get(optionsOn(step))))
    assert.equal((await answerShown(browser, again)).status, 200)
    world.clock.advance(10)
    assert.deepEqual((await stated(world, authReqId))[0], phr)
    assert.equal((await world.lastAudit('ciba.approved'))?.facts.acr, phr)
  })

  it('what nothing of the user reaches cannot be allowed, and can be denied', async () => {
    for (const [options, fields] of [
      [{ resourceServers: demanding({ acr: mfa }) }, {}],
      [{}, { acr_values: mfa }],
    ] as const) {
      await using world = await open(options)
      const authReqId = await ask(world, fields)
      const [browser, page] = await atApprovals(world)
      const told = await answerShown(browser, page)
      assert.equal(told.status, 409)
      assert.ok(has(told, 'answer-unreachable') && has(told, 'set-up') && has(told, 'approval-form-1'))
      assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'step-up.unreachable')
      await pending(world, authReqId)
      await answerShown(browser, told, 'deny')
      world.clock.advance(10)
      assert.equal(jsonOf(await pollCiba(world, authReqId)).error, 'access_denied')
    }
  })

  it('acr_values decides which level is stated, of those that were reached for this request', async () => {
    await using world = await open()
    const app = await withApp(world)
    const authReqId = await ask(world, { acr_values: `urn:nobody ${pwd} ${mfa}` })
    const start = world.clock.now()
    const [browser, page] = await atApprovals(world)
    await answerShown(browser, await answerWithCode(browser, page, app))
    assert.deepEqual(await stated(world, authReqId), [pwd, ['pwd'], start])
  })

  it('is a wish for a request for identity alone: the user may go on without', async () => {
    await using world = await open()
    await registerPasskey(openBrowser(world), newPasskey())
    const fields = { scope: 'openid', resource: '', acr_values: phr }
    const authReqId = await ask(world, fields)
    const [browser, page] = await atApprovals(world)
    const step = await follow(browser, await answerShown(browser, page))
    const declined = { csrf: fieldOf(step, 'csrf'), decision: 'decline' }
    const again = await follow(browser, await browser.post(actionOf(step), declined))
    assert.equal((await answerShown(browser, again)).status, 200)
    world.clock.advance(10)
    assert.deepEqual((await stated(world, authReqId))[0], pwd)
  })

  it('a method that the session used too long ago is not stated', async () => {
    await using world = await open()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const browser = openBrowser(world)
    const approvals = locationOf(await openApprovals(browser)).href
    const login = await follow(browser, await browser.get(approvals))
    await answerPasskey(browser, login, passkey.get(optionsOn(login)))
    assert.equal((await browser.get(approvals)).status, 200)
    world.clock.advance(301)
    const authReqId = await ask(world)
    const [, page] = await atApprovals(world, browser)
    await answerShown(browser, page)
    assert.deepEqual(await stated(world, authReqId), [pwd, ['pwd'], world.clock.now()])
  })

  it('a profile that wants a fresh sign-in has the user sign in once more, after the answer', async () => {
    const fresh = { ...floor, name: 'fresh', authenticationMaxAgeSeconds: 900 }
    await using world = await open({ resourceServers: demanding({ profile: fresh }) })
    const browser = openBrowser(world)
    await atApprovals(world, browser)
    world.clock.advance(100)
    const authReqId = await ask(world)
    const [, page] = await atApprovals(world, browser)
    assert.ok(has(page, 'approval-form-1'))
    const login = await follow(browser, await answerShown(browser, page))
    assert.ok(has(login, 'login-form'))
    const now = world.clock.now()
    const again = await follow(browser, await browser.login(login))
    assert.equal((await answerShown(browser, again)).status, 200)
    assert.deepEqual(await stated(world, authReqId), [pwd, ['pwd'], now])
  })
})
