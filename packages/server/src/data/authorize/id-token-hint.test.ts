import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { decodeJwt } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { type Browser, goodRequest, locationOf, openBrowser, push, pushedUrl } from '../testing/browser.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import { compactJws, type TestKey } from '../testing/jws.ts'
import { signIn, userinfoOf } from '../testing/logout.ts'
import { alice, issuerKeys, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'

/** ID tokens that say who is meant: good ones, and everything that only looks like one. */

const clientId = 'c_oidc'
const [issuerKey = keys.attacker] = issuerKeys

function hint(
  claims: Readonly<Record<string, unknown>> = {},
  heading: Readonly<Record<string, unknown>> = {},
  key: TestKey = issuerKey,
): string {
  const good = { iss: issuerUrl, sub: alice, aud: clientId, iat: startOfWorld, exp: startOfWorld + 300 }
  const header = { alg: key.alg, typ: 'JWT', kid: issuerKey.kid, ...heading }
  return compactJws(header, { ...good, at_hash: 'x', sid: 's', ...claims }, key)
}

async function ask(browser: Browser, idTokenHint: string, more: Record<string, string> = {}): Promise<Reply> {
  const fields = { ...goodRequest(clientId), scope: 'openid', id_token_hint: idTokenHint, ...more }
  return await browser.get(`/authorize?${new URLSearchParams(fields)}`)
}

const errorOf = (reply: Reply): string | null => locationOf(reply).searchParams.get('error')

async function hintedWorld(): Promise<{ world: World; browser: Browser; idToken: string }> {
  const world = await openWorld()
  const { browser, idToken } = await signIn(world, clientId, { scope: 'openid' })
  return { world, browser, idToken }
}

describe('an ID token hint', () => {
  it('of the user who is signed in goes on, also long after its end', async () => {
    const { world, browser, idToken } = await hintedWorld()
    await using _open = world
    world.clock.advance(1700)
    assert.match(locationOf(await ask(browser, idToken)).href, /\/consent$/)
    assert.equal(errorOf(await ask(browser, idToken, { prompt: 'none' })), 'consent_required')
    assert.equal((await world.lastAudit('authorization.opened'))?.facts.hinted_subject, alice)
    const beside = hint({ at_hash: undefined, c_hash: 'x' })
    assert.match(locationOf(await ask(browser, beside)).href, /\/consent$/)
  })

  it('of a client with pairwise subjects names its user as the client knows it, and by no other name', async () => {
    const pairwise = clientOf({
      ...{ clientId: 'c_sector', sector: 'client.example', ownProfile: oidcBaseline },
      ...{ dpopBoundAccessTokens: false, requirePushedAuthorizationRequests: false, resources: [] },
      scopes: ['openid', 'profile'],
    })
    await using world = await openWorld({ clients: [pairwise] })
    const { browser, idToken } = await signIn(world, 'c_sector', { scope: 'openid' })
    const fields = { ...goodRequest('c_sector'), scope: 'openid' }
    const askFor = (more: Record<string, string>): Promise<Reply> =>
      browser.get(`/authorize?${new URLSearchParams({ ...fields, ...more })}`)
    assert.match(locationOf(await askFor({ id_token_hint: idToken })).href, /\/consent$/)
    const { sub } = decodeJwt(idToken)
    assert.notEqual(sub, alice)
    const wanting = (value: unknown): Record<string, string> => ({
      claims: JSON.stringify({ id_token: { sub: { value } } }),
      prompt: 'none',
    })
    assert.equal(errorOf(await askFor(wanting(sub))), 'consent_required')
    assert.equal(errorOf(await askFor(wanting(alice))), 'login_required')
    const other = openBrowser(world)
    const query = new URLSearchParams({ ...fields, id_token_hint: idToken })
    const login = locationOf(await other.get(`/authorize?${query}`)).href
    assert.match(login, /\/login$/)
    assert.match(locationOf(await other.login(login)).href, /\/consent$/)
  })

  it('of another user asks for a login, and only that user gets an answer', async () => {
    const { world, browser } = await hintedWorld()
    await using _open = world
    const other = hint({ sub: 'u_bob' })
    assert.equal(errorOf(await ask(browser, other, { prompt: 'none' })), 'login_required')
    const opened = locationOf(await ask(browser, other)).href
    assert.match(opened, /\/login$/)
    // The consent page is not to be reached around the login, with the session of somebody else.
    assert.match(locationOf(await browser.get(opened.replace('login', 'consent'))).href, /\/login$/)
    const answer = await browser.login(opened)
    assert.equal(errorOf(answer), 'login_required')
    assert.equal((await world.lastAudit('login.refused'))?.ruleId, 'oidc.hinted-subject')

    const record = { issuer: issuerUrl, subject: 'u_bob', username: 'bob', status: 'active' } as const
    await world.store.commit([
      { kind: 'put-user', record: { ...record, passwordHash: 'fake:battery', claims: {} } },
    ])
    const again = locationOf(await ask(browser, other)).href
    const consent = await browser.login(again, 'bob', 'battery')
    const allowed = await browser.decide(locationOf(consent).href, 'allow')
    assert.match(locationOf(allowed).searchParams.get('code') ?? '', /^ac_/)
  })

  it('ends a pushed request once, also when its page is answered in two browsers at one time', async () => {
    const { world } = await hintedWorld()
    await using _open = world
    const spoil = { scope: 'openid', id_token_hint: hint({ sub: 'u_bob' }) }
    const url = await pushedUrl(world, { clientId, spoil })
    const browsers = [openBrowser(world), openBrowser(world)]
    const pages = await Promise.all(
      browsers.map(async browser => await browser.get(locationOf(await browser.get(url)).href)),
    )
    const replies = await Promise.all(pages.map((page, index) => browsers[index]?.login(page)))
    const statuses = replies.map(reply => reply?.status).toSorted()
    assert.deepEqual(statuses, [303, 400])
    const ended = replies.find(reply => reply?.status === 303)
    assert.equal(ended && errorOf(ended), 'login_required')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'interaction.once')
  })

  it('of a user nobody is signed in as is login_required when nothing may be shown', async () => {
    await using world = await openWorld()
    assert.equal(errorOf(await ask(openBrowser(world), hint(), { prompt: 'none' })), 'login_required')
  })

  it('is refused when it is forged or is something else', async () => {
    const { world, browser, idToken } = await hintedWorld()
    await using _open = world
    const [, body = '', signature = ''] = idToken.split('.')
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const cases: readonly (readonly [why: string, hint: string, ruleId: string])[] = [
      ['alg none', `${none}.${body}.`, 'jws.form'],
      ['alg none with a signature', `${none}.${body}.${signature}`, 'oidc.hint-signature'],
      ['another key', hint({}, {}, keys.attacker), 'oidc.hint-signature'],
      ['the client key', hint({}, { kid: keys.oidc.kid }, keys.oidc), 'oidc.hint-signature'],
      ['no kid', hint({}, { kid: undefined }), 'oidc.hint-signature'],
      ['a logout token', hint({ events: {} }, { typ: 'logout+jwt' }), 'oidc.hint-type'],
      ['an access token', hint({}, { typ: 'at+jwt' }), 'oidc.hint-type'],
      ['events', hint({ events: {} }), 'oidc.hint-type'],
      ['a signed response', hint({ at_hash: undefined, sub: undefined, code: 'x' }), 'oidc.hint-type'],
      ['no end', hint({ exp: undefined }), 'oidc.hint-type'],
      ['another issuer', hint({ iss: 'https://other.example' }), 'oidc.hint-issuer'],
      ['another client', hint({ aud: 'c_bank' }), 'oidc.hint-audience'],
      ['two clients', hint({ aud: [clientId, 'c_bank'] }), 'oidc.hint-audience'],
      ['encrypted', 'eyJhbGciOiJFQ0RILUVTIn0.a.b.c.d', 'jws.form'],
      ['nothing', 'x', 'jws.form'],
      ['8193 bytes', hint({ padding: 'x'.repeat(8193) }), 'jws.size'],
    ]
    for (const [why, idTokenHint, ruleId] of cases) {
      const reply = await push(world, { clientId, spoil: { id_token_hint: idTokenHint } })
      assert.equal(reply.status, 400, why)
      assert.equal(jsonOf(reply).error, 'invalid_request', why)
      assert.equal((await world.lastAudit('request.refused'))?.ruleId, ruleId, why)
      if (idTokenHint.length < 6000)
        assert.equal(errorOf(await ask(browser, idTokenHint)), 'invalid_request', why)
    }
  })

  it('is no signed userinfo answer', async () => {
    await using world = await openWorld()
    const clients = world.issuer.clients as Map<string, Client>
    clients.set(clientId, { ...(clients.get(clientId) as Client), userinfoSignedResponseAlg: 'ES256' })
    const { accessToken, browser } = await signIn(world, clientId, { scope: 'openid' })
    const told = String((await userinfoOf(world, accessToken)).body)
    assert.equal(errorOf(await ask(browser, told)), 'invalid_request')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'oidc.hint-type')
  })

  it('is not kept: the store and the audit know its subject only', async () => {
    const { world, browser, idToken } = await hintedWorld()
    await using _open = world
    await ask(browser, idToken)
    assert.ok(!JSON.stringify(await world.audit()).includes(idToken.split('.')[2] ?? idToken))
  })
})
