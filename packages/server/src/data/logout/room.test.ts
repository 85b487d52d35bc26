import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { hashOfHandle } from '../handle.ts'
import { introspectRoom } from '../introspect/room.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  pushedUrl,
} from '../testing/browser.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { headersOf, jsonOf, requestToken } from '../testing/flow.ts'
import { compactJws } from '../testing/jws.ts'
import { logoutUrl, type SignedIn, signIn } from '../testing/logout.ts'
import { issuerKeys, issuerUrl, openWorld, type World } from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'

const bye = 'https://client.example/bye'
const asks = /<form id="logout-form"/
const done = /<h1>You are signed out<\/h1>/

/** Whether the browser still holds a session: then no login is asked for. */
async function isSignedIn(browser: Browser): Promise<boolean> {
  return asks.test(String((await browser.get(logoutUrl())).body))
}

function assertRefused(reply: Reply): void {
  assert.equal(reply.status, 400)
  assert.equal(header(reply, 'location'), undefined)
  assert.match(String(reply.body), /<code id="error-code">invalid_request<\/code>/)
}

/** An ID token of ours with something changed, signed again by us. */
function resigned(idToken: string, claims: object, headerPart: object = {}): string {
  const decode = (part = ''): object => JSON.parse(Buffer.from(part, 'base64url').toString()) as object
  const [head, body] = idToken.split('.')
  const key = issuerKeys[0]
  assert(key !== undefined)
  return compactJws({ ...decode(head), ...headerPart }, { ...decode(body), ...claims }, key)
}

async function answerQuestion(browser: Browser, page: Reply, decision = 'sign-out'): Promise<Reply> {
  const names = ['csrf', 'id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state']
  const fields = Object.fromEntries(names.map(name => [name, fieldOf(page, name) || undefined]))
  return await browser.post(actionOf(page), { ...fields, decision })
}

async function introspected(world: World, token: string): Promise<unknown> {
  const form = { ...world.assertion('c_rs'), token }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

describe('logout with the ID token of the session', () => {
  it('GET and POST end the session and go back to the registered URI with state', async () => {
    await using world = await openWorld()
    for (const method of ['GET', 'POST']) {
      const { browser, idToken } = await signIn(world, 'c_oidc')
      const sent = { id_token_hint: idToken, post_logout_redirect_uri: bye, state: 'a&b=ü' }
      const reply =
        method === 'GET' ? await browser.get(logoutUrl(sent)) : await browser.post('/logout', sent)
      assert.equal(reply.status, 303)
      assert.equal(header(reply, 'location'), `${bye}?state=a%26b%3D%C3%BC`)
      assert.match(
        headersOf(reply, 'set-cookie').join(),
        /^__Host-holdfast-session-[0-9a-f]{8}=; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=0$/,
      )
      const ended = await world.lastAudit('session.ended')
      assert.equal(ended?.clientId, 'c_oidc')
      assert.equal(ended?.facts.proof, 'hint')
    }
  })

  it('the session is dead on the server, not only in the browser', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const kept = new Map(browser.cookies)
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    for (const [name, value] of kept) browser.cookies.set(name, value)
    assert.equal(await isSignedIn(browser), false)
    const [, session = ''] = [...kept].find(([name]) => name.includes('session')) ?? []
    const record = await world.store.findSession(hashOfHandle('session', issuerUrl, session))
    assert.equal(record?.revokedAt, world.clock.now())
  })

  it('grants of the session without offline access end with it, the others live on', async () => {
    await using world = await openWorld()
    const bound = await signIn(world, 'c_bank', { scope: 'openid accounts' })
    const offline = await signIn(world, 'c_bank', {
      browser: bound.browser,
      scope: 'openid accounts offline_access',
    })
    assert.equal(await introspected(world, bound.accessToken), true)
    await bound.browser.get(logoutUrl({ id_token_hint: bound.idToken }))
    assert.equal(await introspected(world, bound.accessToken), false)
    assert.equal(await introspected(world, offline.accessToken), true)
    const refresh = (signedIn: SignedIn): Promise<Reply> =>
      requestToken(world, 'c_bank', {
        grant_type: 'refresh_token',
        refresh_token: signedIn.refreshToken ?? '',
      })
    assert.equal((await refresh(offline)).status, 200)
  })

  it('a refresh token without offline access ends with the session it came from', async () => {
    const scopes = ['openid', 'accounts']
    await using world = await openWorld({ clients: [clientOf({ clientId: 'c_bank', scopes })] })
    const { browser, idToken, refreshToken } = await signIn(world, 'c_bank', { scope: 'openid accounts' })
    assert.ok(refreshToken)
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    assert.equal(jsonOf(await requestToken(world, 'c_bank', form)).error, 'invalid_grant')
  })

  it('an expired ID token still says whose session is meant', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    world.clock.advance(1700)
    const reply = await browser.get(logoutUrl({ id_token_hint: idToken, post_logout_redirect_uri: bye }))
    assert.equal(header(reply, 'location'), bye)
    assert.equal(await isSignedIn(browser), false)
  })

  it('without a URI to go back to, a page says that it is done', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const reply = await browser.get(logoutUrl({ id_token_hint: idToken, state: 'lost' }))
    assert.equal(reply.status, 200)
    assert.match(String(reply.body), done)
  })

  it('unknown parameters, logout_hint and a language we do not have change nothing', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const more = { logout_hint: 'bob', ui_locales: 'xx', unknown: '1' }
    const sent = { id_token_hint: idToken, client_id: 'c_oidc', post_logout_redirect_uri: bye, ...more }
    assert.equal(header(await browser.get(logoutUrl(sent)), 'location'), bye)
  })

  it('who is not signed in goes back all the same', async () => {
    await using world = await openWorld()
    const { idToken } = await signIn(world, 'c_oidc')
    const sent = { id_token_hint: idToken, post_logout_redirect_uri: bye, state: 's' }
    assert.equal(header(await openBrowser(world).get(logoutUrl(sent)), 'location'), `${bye}?state=s`)
    assert.match(String((await openBrowser(world).get(logoutUrl())).body), done)
  })

  it('of 16 simultaneous logouts one ends the session', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const held = new Map(browser.cookies)
    const replies = await Promise.all(
      Array.from({ length: 16 }, () => {
        const tab = openBrowser(world)
        for (const [name, value] of held) tab.cookies.set(name, value)
        return tab.get(logoutUrl({ id_token_hint: idToken, post_logout_redirect_uri: bye }))
      }),
    )
    assert.ok(replies.every(reply => header(reply, 'location') === bye))
    assert.equal((await world.audit()).filter(({ event }) => event === 'session.ended').length, 1)
  })

  it('a consent page that was open gives nothing after the logout', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const held = new Map(browser.cookies)
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    for (const [name, value] of held) browser.cookies.set(name, value)
    const again = await signIn(world, 'c_oidc', { browser })
    const claims = (token: string): unknown =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid
    assert.notEqual(claims(again.idToken), claims(idToken))
  })

  it('a consent that a logout overtakes gives no code, and asks for a new login', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_bank', { scope: 'openid accounts' })
    const page = locationOf(await browser.get(await pushedUrl(world))).href
    const shown = await browser.get(page)
    // The room reads the session a moment before the logout ends it.
    const findSession: typeof world.store.findSession = async hash => {
      const found = await world.store.findSession(hash)
      return found && { ...found, revokedAt: undefined }
    }
    const ports = { ...world.ports, store: { ...world.store, findSession } }
    const late = openBrowser({
      ...world,
      send: (room, path, sent) => room(world.exchange(path, sent), ports),
    })
    for (const [name, value] of browser.cookies) late.cookies.set(name, value)
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    const form = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' }
    const issued = async (): Promise<number> =>
      (await world.audit()).filter(({ event }) => event === 'code.issued').length
    const before = await issued()
    const reply = await late.post(actionOf(shown), form)
    assert.equal(header(reply, 'location'), page.replace('/consent', '/login'))
    assert.equal(await issued(), before)
  })
})

describe('logout that nobody proved', () => {
  it('without a hint the user is asked, and nothing happens before the answer', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc')
    const page = await browser.get(logoutUrl())
    assert.equal(page.status, 200)
    assert.match(String(page.body), asks)
    assert.match(String(page.body), /signed in as <strong>alice<\/strong>/)
    assert.equal(await world.lastAudit('session.ended'), undefined)
    assert.equal((await answerQuestion(browser, page, 'stay')).status, 200)
    assert.equal(await isSignedIn(browser), true)
    assert.match(String((await answerQuestion(browser, page)).body), done)
    assert.equal(await isSignedIn(browser), false)
    assert.equal((await world.lastAudit('session.ended'))?.facts.proof, 'answer')
  })

  it('an answer without our token, or with that of another session, is refused', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc')
    const other = await signIn(world, 'c_oidc')
    const csrf = fieldOf(await other.browser.get(logoutUrl()), 'csrf')
    for (const spoiled of [undefined, '', csrf, `${csrf}A`]) {
      assertRefused(await browser.post('/logout/confirm', { csrf: spoiled, decision: 'sign-out' }))
      assert.equal((await world.lastAudit('logout.refused'))?.ruleId, 'logout.csrf')
    }
    assert.equal(await isSignedIn(browser), true)
  })

  it('the ID token of another session asks first, and then goes back', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc')
    const other = await signIn(world, 'c_oidc')
    const sent = { id_token_hint: other.idToken, post_logout_redirect_uri: bye, state: 's' }
    const page = await browser.get(logoutUrl(sent))
    assert.match(String(page.body), asks)
    assert.match(String(page.body), /The c_oidc application<\/strong> asks to sign you out/)
    const policy = header(page, 'content-security-policy') ?? ''
    assert.match(policy, /form-action 'self' https:\/\/client\.example;/)
    assert.equal(header(await answerQuestion(browser, page), 'location'), `${bye}?state=s`)
    assert.equal(await isSignedIn(browser), false)
    assert.equal(await isSignedIn(other.browser), true)
  })

  it('with client_id alone nobody is sent away, but may go', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc')
    const sent = { client_id: 'c_oidc', post_logout_redirect_uri: bye, state: 's' }
    const page = await browser.get(logoutUrl(sent))
    assert.match(String(page.body), asks)
    const reply = await answerQuestion(browser, page)
    assert.equal(reply.status, 200)
    assert.match(
      String(reply.body),
      /<a id="logout-return"[^>]* href="https:\/\/client\.example\/bye\?state=s"/,
    )
  })

  it('a form of another site comes without our cookie and is asked for again as a navigation', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const sent = { id_token_hint: idToken, post_logout_redirect_uri: bye, state: 's' }
    const reply = await openBrowser(world).post('/logout', { ...sent, unknown: 'x' })
    assert.equal(reply.status, 303)
    assert.equal(header(reply, 'location'), logoutUrl(sent))
    const long = { ...sent, state: 'x'.repeat(6000) }
    const without = header(await openBrowser(world).post('/logout', long), 'location') ?? ''
    assert.ok(!without.includes('id_token_hint'))
    assert.equal(header(await browser.get(header(reply, 'location') ?? ''), 'location'), `${bye}?state=s`)
  })
})

describe('logout requests that are refused', () => {
  it('are shown on a page, keep the session, and let the user sign out there', async () => {
    await using world = await openWorld()
    const { browser, idToken, accessToken } = await signIn(world, 'c_oidc')
    const [head, body, signature] = idToken.split('.')
    const good = { id_token_hint: idToken, post_logout_redirect_uri: bye }
    const foreign = compactJws(
      { alg: 'ES256', typ: 'JWT', kid: 'as-es256' },
      { iss: issuerUrl },
      keys.attacker,
    )
    const refusals: readonly (readonly [spoil: object, ruleId: string])[] = [
      [{ client_id: 'c_bank' }, 'logout.client-match'],
      [{ client_id: 'nobody' }, 'logout.client-match'],
      [{ post_logout_redirect_uri: `${bye}?more=1` }, 'logout.redirect-registered'],
      [{ post_logout_redirect_uri: `${bye}/` }, 'logout.redirect-registered'],
      [{ post_logout_redirect_uri: 'https://evil.example/' }, 'logout.redirect-registered'],
      [{ id_token_hint: undefined }, 'logout.redirect-registered'],
      [{ id_token_hint: undefined, client_id: 'nobody' }, 'logout.redirect-registered'],
      [{ id_token_hint: undefined, client_id: 'c_suspended' }, 'logout.redirect-registered'],
      [{ state: 'x'.repeat(2049) }, 'logout.state-length'],
      [{ id_token_hint: foreign }, 'logout.hint-signature'],
      [{ id_token_hint: `${head}.${body}.${signature?.slice(0, -4)}AAAA` }, 'logout.hint-signature'],
      [{ id_token_hint: resigned(idToken, {}, { kid: 'other' }) }, 'logout.hint-signature'],
      [{ id_token_hint: resigned(idToken, {}, { alg: 'none' }) }, 'jws.alg'],
      [{ id_token_hint: resigned(idToken, {}, { typ: 'logout+jwt' }) }, 'logout.hint-type'],
      [{ id_token_hint: resigned(idToken, {}, { typ: 'at+jwt' }) }, 'logout.hint-type'],
      [{ id_token_hint: resigned(idToken, { iss: 'https://other.example' }) }, 'logout.hint-issuer'],
      [{ id_token_hint: resigned(idToken, { aud: ['c_oidc'] }) }, 'logout.hint-claims'],
      [{ id_token_hint: resigned(idToken, { sid: undefined }) }, 'logout.hint-claims'],
      [{ id_token_hint: accessToken }, 'jws.parts'],
    ]
    for (const [spoil, ruleId] of refusals) {
      const reply = await browser.get(logoutUrl({ ...good, ...spoil }))
      assertRefused(reply)
      assert.match(String(reply.body), asks)
      const refused = await world.lastAudit('logout.refused')
      if (!ruleId.startsWith('jws.')) assert.equal(refused?.ruleId, ruleId)
      assert.doesNotMatch(JSON.stringify(refused), new RegExp(signature ?? '-'))
    }
    const last = await browser.get(logoutUrl({ ...good, client_id: 'c_bank' }))
    assert.match(String((await answerQuestion(browser, last)).body), done)
    assert.equal(await isSignedIn(browser), false)
  })

  it('a state of exactly 2048 bytes comes back', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const state = 'x'.repeat(2048)
    const reply = await browser.get(
      logoutUrl({ id_token_hint: idToken, post_logout_redirect_uri: bye, state }),
    )
    assert.equal(header(reply, 'location'), `${bye}?state=${state}`)
  })

  it('a repeated parameter is refused', async () => {
    await using world = await openWorld()
    assertRefused(await openBrowser(world).get(`${logoutUrl({ state: 'a' })}&state=b`))
  })

  it('a client removed since is not sent back to', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    ;(world.issuer.clients as Map<string, Client>).delete('c_oidc')
    assertRefused(await browser.get(logoutUrl({ id_token_hint: idToken, post_logout_redirect_uri: bye })))
  })

  it('a logout token is no access token and no proof for a logout', async () => {
    await using world = await openWorld()
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const token = resigned(idToken, { events }, { typ: 'logout+jwt' })
    const headers = [['authorization', `Bearer ${token}`]] as const
    assert.equal((await world.send(userinfoRoom, '/userinfo', { method: 'GET', headers })).status, 401)
    assertRefused(await browser.get(logoutUrl({ id_token_hint: token })))
    const untyped = resigned(idToken, { events })
    assertRefused(await browser.get(logoutUrl({ id_token_hint: untyped })))
    assert.equal((await world.lastAudit('logout.refused'))?.ruleId, 'logout.hint-type')
    assert.equal(await isSignedIn(browser), true)
  })
})

it('registered URIs keep their query, and state joins it', async () => {
  const uris = ['https://client.example/bye?from=as', 'https://client.example/bye?']
  const client = clientOf({
    ...{ clientId: 'c_oidc', ownProfile: oidcBaseline, dpopBoundAccessTokens: false, resources: [] },
    ...{ requirePushedAuthorizationRequests: false, jwks: { keys: [keys.oidc.publicJwk] } },
    postLogoutRedirectUris: uris,
  })
  await using world = await openWorld({ clients: [client] })
  for (const [index, joined] of ['&state=s', 'state=s'].entries()) {
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const post_logout_redirect_uri = uris[index] ?? ''
    const reply = await browser.get(
      logoutUrl({ id_token_hint: idToken, post_logout_redirect_uri, state: 's' }),
    )
    assert.equal(header(reply, 'location'), post_logout_redirect_uri + joined)
  }
})
