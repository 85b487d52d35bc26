import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import type { Reply } from '../../http/exchange.ts'
import type { ResourceServer } from '../../snapshot/snapshot.ts'
import { newHandle } from '../handle.ts'
import { introspectRoom } from '../introspect/room.ts'
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
import {
  actionOf,
  type Browser,
  fieldOf,
  locationOf,
  openBrowser,
  type PushOptions,
  pushedUrl,
} from '../testing/browser.ts'
import { accounts, payments, resourceServers, scopes } from '../testing/clients.ts'
import { deviceClient, requestDevice } from '../testing/device.ts'
import { codeVerifier, jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'

const mfa = 'urn:holdfast:acr:mfa'
const phr = 'urn:holdfast:acr:phr'
const pwd = 'urn:holdfast:acr:pwd'

const demanding = (change: Partial<ResourceServer>): readonly ResourceServer[] =>
  resourceServers.map(server => (server.audience === accounts ? { ...server, ...change } : server))

const openPage = async (world: World, browser: Browser, spoil: PushOptions['spoil'] = {}): Promise<Reply> =>
  await follow(browser, await browser.get(await pushedUrl(world, { spoil })))

const has = (page: Reply, id: string): boolean => String(page.body).includes(`id="${id}"`)

async function allow(browser: Browser, page: Reply): Promise<URL> {
  const hidden = { csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown') }
  return locationOf(await browser.post(actionOf(page), { ...hidden, decision: 'allow' }))
}

/** What the tokens of an allowed request say. */
async function stated(world: World, callback: URL): Promise<Readonly<Record<string, unknown>>> {
  const code = callback.searchParams.get('code') ?? ''
  const reply = await redeem(world, 'c_bank', code, { spoil: { code_verifier: codeVerifier } })
  const idToken = parseCompactJws(textOf(reply, 'id_token'), 8192)
  assert.ok(idToken.ok)
  const token = textOf(reply, 'access_token')
  const asked = await world.send(introspectRoom, '/introspect', {
    form: { token, ...world.assertion('c_rs') },
  })
  const { acr, auth_time: authTime, amr } = idToken.value.claims
  const introspected = jsonOf(asked)
  assert.deepEqual([introspected.acr, introspected.auth_time, introspected.amr], [acr, authTime, amr])
  return { acr, authTime, amr }
}

describe('step-up', () => {
  it('a level that is asked for is reached by one more step, and every token says so', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const first = await follow(browser, await browser.login(await openPage(world, browser)))
    const start = world.clock.now()
    assert.deepEqual(await stated(world, await allow(browser, first)), {
      acr: pwd,
      authTime: start,
      amr: ['pwd'],
    })
    world.clock.advance(100)
    const before = new Map(browser.cookies)
    const asked = await openPage(world, browser, { acr_values: `${phr} ${mfa}` })
    assert.ok(has(asked, 'passkey-form') && !has(asked, 'second-factor-form'))
    const answered = await answerPasskey(browser, asked, passkey.get(optionsOn(asked)))
    const consent = await follow(browser, answered)
    assert.deepEqual(await stated(world, await allow(browser, consent)), {
      acr: phr,
      authTime: start + 100,
      amr: ['pop', 'user', 'mfa'],
    })
    const session = [...browser.cookies.keys()].find(name => name.includes('session')) ?? ''
    assert.notEqual(browser.cookies.get(session), before.get(session))
    // And now the session has it: no more steps.
    assert.ok(has(await openPage(world, browser, { acr_values: mfa }), 'consent-form'))
  })

  it('the value asked for is stated when something stronger reaches it', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const login = await openPage(world, browser, { acr_values: `${mfa} ${pwd}` })
    const consent = await follow(browser, await answerPasskey(browser, login, passkey.get(optionsOn(login))))
    assert.equal((await stated(world, await allow(browser, consent))).acr, mfa)
  })

  it('what no method of the user reaches is told to the client: before the page, and after the password', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const login = await openPage(world, browser, { acr_values: mfa })
    assert.ok(has(login, 'login-form'))
    const after = locationOf(await follow(browser, await browser.login(login)))
    assert.equal(after.searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal(after.searchParams.get('state'), 'st-1')
    assert.equal(after.searchParams.get('iss'), issuerUrl)
    assert.equal((await world.lastAudit('second-factor.refused'))?.ruleId, 'step-up.unreachable')
    const before = locationOf(
      await browser.get(await pushedUrl(world, { spoil: { acr_values: 'urn:nobody' } })),
    )
    assert.equal(before.searchParams.get('error'), 'unmet_authentication_requirements')
    const silent = await pushedUrl(world, { spoil: { acr_values: phr, prompt: 'none' } })
    assert.equal(
      locationOf(await browser.get(silent)).searchParams.get('error'),
      'unmet_authentication_requirements',
    )
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'step-up.unreachable')
  })

  it('prompt=none with a step still to take is login_required', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    await registerPasskey(openBrowser(world), newPasskey())
    await browser.login(await openPage(world, browser))
    const silent = await pushedUrl(world, { spoil: { acr_values: phr, prompt: 'none' } })
    assert.equal(locationOf(await browser.get(silent)).searchParams.get('error'), 'login_required')
  })

  it('a user who will not go on ends a request that needs it, and not one that only wishes', async () => {
    await using world = await openWorld()
    await registerPasskey(openBrowser(world), newPasskey())
    const browser = openBrowser(world)
    const decline = async (page: Reply): Promise<Reply> => {
      assert.ok(has(page, 'second-factor-decline'))
      const form = { csrf: fieldOf(page, 'csrf'), decision: 'decline' }
      return await follow(browser, await browser.post(actionOf(page), form))
    }
    const needed = await follow(
      browser,
      await browser.login(await openPage(world, browser, { acr_values: phr })),
    )
    const refused = locationOf(await decline(needed))
    assert.equal(refused.searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal((await world.lastAudit('second-factor.refused'))?.ruleId, 'step-up.declined')

    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'c_oidc',
      redirect_uri: 'https://client.example/cb',
      scope: 'openid',
      acr_values: phr,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const wished = await follow(browser, await browser.get(`${issuerUrl}/authorize?${query}`))
    const consent = await decline(wished)
    assert.ok(has(consent, 'consent-form'))
    assert.match((await allow(browser, consent)).search, /code=/)
    assert.equal((await world.lastAudit('code.issued'))?.facts.acr, pwd)
  })

  it('a wish nobody can fulfil changes nothing for a request for identity alone', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'c_oidc',
      redirect_uri: 'https://client.example/cb',
      scope: 'openid',
      acr_values: `urn:nobody ${phr}`,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const login = await follow(browser, await browser.get(`${issuerUrl}/authorize?${query}`))
    const consent = await follow(browser, await browser.login(login))
    assert.ok(has(consent, 'consent-form'))
  })

  it('max_age asks again for everything that is older, and not for what is younger', async () => {
    await using world = await openWorld()
    const setUp = openBrowser(world)
    const app: SoftApp = await setUpApp(world, setUp)
    world.clock.advance(60)
    const browser = openBrowser(world)
    const factor = await follow(browser, await browser.login(await openPage(world, browser)))
    await answerCode(browser, factor, app.code())
    world.clock.advance(300)
    assert.ok(has(await openPage(world, browser, { max_age: '300' }), 'consent-form'))
    world.clock.advance(1)
    const again = await openPage(world, browser, { max_age: '300' })
    assert.ok(has(again, 'login-form'))
    const second = await follow(browser, await browser.login(again))
    assert.ok(has(second, 'second-factor-form'))
    world.clock.advance(30)
    const consent = await follow(browser, await answerCode(browser, second, app.code()))
    const { acr, authTime } = await stated(world, await allow(browser, consent))
    assert.deepEqual([acr, authTime], [mfa, world.clock.now() - 30])
  })

  it('what a resource server asks for holds without acr_values, and nothing weaker is left of them', async () => {
    await using world = await openWorld({ resourceServers: demanding({ acr: mfa }) })
    const app = await setUpApp(world, openBrowser(world))
    world.clock.advance(60)
    for (const spoil of [{}, { acr_values: pwd }, { acr_values: `${pwd} ${mfa}` }]) {
      world.clock.advance(60)
      const browser = openBrowser(world)
      const factor = await follow(browser, await browser.login(await openPage(world, browser, spoil)))
      const consent = await follow(browser, await answerCode(browser, factor, app.code()))
      assert.equal((await stated(world, await allow(browser, consent))).acr, mfa)
    }
  })

  it('what a scope asks for holds, and the user without it hears no', async () => {
    await using world = await openWorld({
      scopes: scopes.map(scope => (scope.name === 'accounts' ? { ...scope, acr: phr } : scope)),
    })
    const browser = openBrowser(world)
    const refused = await follow(browser, await browser.login(await openPage(world, browser)))
    assert.equal(locationOf(refused).searchParams.get('error'), 'unmet_authentication_requirements')
    assert.ok(
      has(await openPage(world, openBrowser(world), { scope: 'openid', resource: payments }), 'login-form'),
    )
  })

  it('an age that a resource server asks for is measured for the session and for every token', async () => {
    await using world = await openWorld({ resourceServers: demanding({ maxAuthenticationAgeSeconds: 300 }) })
    const browser = openBrowser(world)
    const consent = await follow(browser, await browser.login(await openPage(world, browser)))
    const callback = await allow(browser, consent)
    const code = callback.searchParams.get('code') ?? ''
    const reply = await redeem(world, 'c_bank', code, { spoil: { code_verifier: codeVerifier } })
    assert.equal(reply.status, 200)
    world.clock.advance(300)
    assert.ok(has(await openPage(world, browser), 'consent-form'))
    world.clock.advance(1)
    assert.ok(has(await openPage(world, browser), 'login-form'))
  })

  it('no token is minted for a grant below what its API asks for by now', async () => {
    await using world = await openWorld({
      resourceServers: demanding({ acr: mfa, maxAuthenticationAgeSeconds: 300 }),
    })
    const weak = await seedCode(world, 'c_bank', { grant: { acr: pwd } })
    const refused = await redeem(world, 'c_bank', weak.code, { spoil: { resource: accounts } })
    assert.deepEqual([refused.status, jsonOf(refused).error], [400, 'invalid_grant'])
    assert.equal((await world.lastAudit('token.refused'))?.ruleId, 'step-up.order-acr')

    const authTime = world.clock.now()
    const good = await seedCode(world, 'c_bank', { grant: { acr: phr, authTime } })
    const tokens = await redeem(world, 'c_bank', good.code, { spoil: { resource: accounts } })
    assert.equal(tokens.status, 200)
    const refresh = (): Promise<Reply> =>
      requestToken(world, 'c_bank', {
        grant_type: 'refresh_token',
        refresh_token: textOf(tokens, 'refresh_token'),
        resource: accounts,
      })
    world.clock.advance(300)
    assert.equal((await refresh()).status, 200)
    world.clock.advance(1)
    assert.equal(jsonOf(await refresh()).error, 'invalid_grant')
    assert.equal((await world.lastAudit('token.refused'))?.ruleId, 'step-up.order-age')
  })

  it('a device whose user cannot reach the level is denied', async () => {
    await using world = await openWorld({
      clients: [deviceClient()],
      scopes: scopes.map(scope => (scope.name === 'accounts' ? { ...scope, acr: phr } : scope)),
    })
    const asked = jsonOf(await requestDevice(world))
    const browser = openBrowser(world)
    const page = await browser.get(String(asked.verification_uri_complete))
    const code = /id="user_code"[^>]*value="([^"]*)"/.exec(String(page.body))?.[1] ?? ''
    const confirm = await follow(
      browser,
      await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), user_code: code }),
    )
    const login = await follow(
      browser,
      await browser.post(actionOf(confirm), { csrf: fieldOf(confirm, 'csrf'), decision: 'continue' }),
    )
    const done = await follow(browser, await browser.login(login))
    assert.ok(has(done, 'device-denied'), String(done.body))
  })

  it('an issuer that says nothing of a password alone takes none', async () => {
    await using world = await openWorld({
      authenticationLevels: [{ acr: 'urn:strong', anyOf: [['pwd', 'otp'], ['passkey']] }],
    })
    const browser = openBrowser(world)
    const refused = await follow(browser, await browser.login(await openPage(world, browser)))
    assert.equal(locationOf(refused).searchParams.get('error'), 'unmet_authentication_requirements')
  })

  it('a session from before methods were kept is a password login', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    await follow(browser, await browser.login(await openPage(world, browser)))
    const now = world.clock.now()
    const [session] = await world.store.listSessions(issuerUrl, 'u_alice', now, 9)
    assert.ok(session)
    const { methods, ...before } = session
    assert.deepEqual(methods, { pwd: now })
    const { value, hash } = newHandle(world.ports.entropy, 'session', issuerUrl, now)
    await world.store.commit([{ kind: 'insert-session', record: { ...before, hash } }])
    const name = [...browser.cookies.keys()].find(cookie => cookie.includes('session')) ?? ''
    browser.cookies.set(name, value)
    const page = await openPage(world, browser)
    assert.ok(has(page, 'consent-form'))
    assert.deepEqual(await stated(world, await allow(browser, page)), {
      acr: pwd,
      authTime: now,
      amr: ['pwd'],
    })
  })
})
