import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { secondsAfter } from '@holdfast/protocol'
import { decodeJwt } from 'jose'
import type { Client, Scope } from '../../snapshot/snapshot.ts'
import type { GrantRecord } from '../../store/records.ts'
import { hashOfHandle, newHandle } from '../handle.ts'
import { cookieName } from '../interaction/cookies.ts'
import { goodRequest, header, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { scopes } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import { signIn, userinfoOf } from '../testing/logout.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

/** A client that wants more about the user than was put before the user. */

const clientId = 'c_oidc'
const asking = (claims: unknown): { scope: string; spoil: { claims: string } } => ({
  scope: 'openid',
  spoil: { claims: JSON.stringify(claims) },
})

async function grantBehind(world: World, code: string): Promise<GrantRecord | undefined> {
  const found = await world.store.findCode(hashOfHandle('code', issuerUrl, code))
  return await world.store.findGrant(found?.grantId ?? '')
}

/** Alice, whose document says things that only the protocol may say, under a scope that would release them. */
async function lyingWorld(): Promise<World> {
  const lies = {
    ...{ iss: 'https://evil.example', aud: 'c_bank', sub: 'u_bob', exp: 1, iat: 1, nonce: 'x', sid: 'x' },
    ...{
      acr: 'urn:strong',
      amr: ['hwk'],
      auth_time: 1,
      azp: 'x',
      at_hash: 'x',
      cnf: { jkt: 'x' },
      events: {},
    },
  }
  const lying: Scope = { name: 'profile', title: 'See', description: 'See', claims: Object.keys(lies) }
  const world = await openWorld({ scopes: [lying, ...scopes.filter(({ name }) => name !== 'profile')] })
  const account = { issuer: issuerUrl, subject: alice, username: 'alice', status: 'active' } as const
  await world.store.commit([
    { kind: 'put-user', record: { ...account, passwordHash: 'fake:correct horse', claims: lies } },
  ])
  return world
}

describe('claims cannot be smuggled', () => {
  it('by a user document that says what only the protocol says', async () => {
    await using world = await lyingWorld()
    const names = ['iss', 'aud', 'sub', 'exp', 'nonce', 'sid', 'amr', 'auth_time', 'cnf', 'events', 'azp']
    const wish = Object.fromEntries(names.map(name => [name, null]))
    const { idToken, accessToken } = await signIn(world, clientId, {
      ...asking({ id_token: wish, userinfo: wish }),
      scope: 'openid profile',
    })
    const claims = decodeJwt(idToken)
    assert.equal(claims.iss, issuerUrl)
    assert.equal(claims.aud, clientId)
    assert.equal(claims.sub, alice)
    assert.equal(claims.nonce, 'n-1')
    assert.deepEqual(claims.amr, ['pwd'])
    assert.equal(claims.exp, (claims.iat ?? 0) + 300)
    for (const name of ['cnf', 'events', 'azp']) assert.ok(!(name in claims), name)
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), { sub: alice })
  })

  it('beyond the scopes of the client: neither shown nor granted nor told', async () => {
    await using world = await openWorld()
    const clients = world.issuer.clients as Map<string, Client>
    clients.set(clientId, { ...(clients.get(clientId) as Client), scopes: ['openid', 'profile'] })
    const claims = { id_token: { email: { essential: true } }, userinfo: { email: null, name: null } }
    const browser = openBrowser(world)
    const { scope, spoil } = asking(claims)
    const opened = await browser.get(await pushedUrl(world, { clientId, spoil: { scope, ...spoil } }))
    const consent = header(await browser.login(opened), 'location') ?? ''
    assert.doesNotMatch(String((await browser.get(consent)).body), /e-mail/i)
    const callback = locationOf(await browser.decide(consent, 'allow'))
    const grant = await grantBehind(world, callback.searchParams.get('code') ?? '')
    assert.deepEqual(grant?.claims, { idToken: [], userinfo: [{ name: 'name', essential: false }] })
    const { accessToken, idToken } = await signIn(world, clientId, asking(claims))
    assert.ok(!('email' in decodeJwt(idToken)))
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), { sub: alice, name: 'Alice Adams' })
  })

  it('by names that objects inherit', async () => {
    await using world = await openWorld()
    const wish = { constructor: null, toString: null, hasOwnProperty: { essential: true } }
    const { accessToken, idToken } = await signIn(world, clientId, asking({ id_token: wish, userinfo: wish }))
    for (const name of Object.keys(wish)) assert.ok(!Object.hasOwn(decodeJwt(idToken), name))
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), { sub: alice })
  })

  it('beside a pushed request', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const url = await pushedUrl(world, { clientId, spoil: { scope: 'openid' } })
    const extra = new URLSearchParams({ claims: '{"userinfo":{"email":null}}', id_token_hint: 'x' })
    const opened = await browser.get(`${url}&${extra}`)
    const consent = header(await browser.login(opened), 'location') ?? ''
    const callback = locationOf(await browser.decide(consent, 'allow'))
    const grant = await grantBehind(world, callback.searchParams.get('code') ?? '')
    assert.ok(grant !== undefined && grant.claims === undefined)
  })

  it('without openid', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const spoil = { scope: 'profile', claims: '{"userinfo":{"email":null},"id_token":{"email":null}}' }
    const opened = await browser.get(await pushedUrl(world, { clientId, spoil }))
    const consent = header(await browser.login(opened), 'location') ?? ''
    assert.doesNotMatch(String((await browser.get(consent)).body), /id="details"/)
    const callback = locationOf(await browser.decide(consent, 'allow'))
    const grant = await grantBehind(world, callback.searchParams.get('code') ?? '')
    assert.ok(grant !== undefined && grant.claims === undefined)
  })

  it('by changing what a claim means between the page and the answer', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const spoil = { scope: 'openid', claims: '{"userinfo":{"email":null}}' }
    const opened = await browser.get(await pushedUrl(world, { clientId, spoil }))
    const consent = header(await browser.login(opened), 'location') ?? ''
    const shown = await browser.get(consent)
    const clients = world.issuer.clients as Map<string, Client>
    clients.set(clientId, { ...(clients.get(clientId) as Client), scopes: ['openid', 'profile'] })
    const [, csrf = ''] = /name="csrf" value="([^"]*)"/.exec(String(shown.body)) ?? []
    const [, digest = ''] = /name="shown" value="([^"]*)"/.exec(String(shown.body)) ?? []
    const reply = await browser.post(consent, { csrf, shown: digest, decision: 'allow' })
    assert.equal(reply.status, 409)
    assert.match(String(reply.body), /has changed since you saw it/)
  })

  it('by another client that holds a token of the same grant', async () => {
    await using world = await openWorld()
    const { accessToken } = await signIn(world, clientId, asking({ userinfo: { email: null } }))
    const mine = await world.store.findAccessToken(hashOfHandle('access_token', issuerUrl, accessToken))
    assert.ok(mine)
    const { value, hash } = newHandle(world.ports.entropy, 'access_token', issuerUrl, world.clock.now())
    const plain = world.issuer.clients.get(clientId) as Client
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_reader', { ...plain, clientId: 'c_reader' })
    const { spentAt: _spent, revokedAt: _revoked, ...record } = mine
    await world.store.commit([
      { kind: 'insert-access-token', record: { ...record, hash, clientId: 'c_reader' } },
    ])
    assert.equal(jsonOf(await userinfoOf(world, accessToken)).email, 'alice@example.com')
    assert.deepEqual(jsonOf(await userinfoOf(world, value)), { sub: alice })
  })

  it('an essential acr is not downgraded by a weaker session', async () => {
    await using world = await openWorld()
    const now = world.clock.now()
    const browser = openBrowser(world)
    const { value, hash } = newHandle(world.ports.entropy, 'session', issuerUrl, now)
    const ends = { issuedAt: now, idleExpiresAt: secondsAfter(now, 600), expiresAt: secondsAfter(now, 600) }
    const session = {
      hash,
      issuer: issuerUrl,
      sid: 's-weak',
      subject: alice,
      authTime: now,
      acr: 'urn:holdfast:acr:pwd',
    }
    await world.store.commit([{ kind: 'insert-session', record: { ...session, amr: [], ...ends } }])
    browser.cookies.set(cookieName('session', issuerUrl), value)
    const acr = { essential: true, value: 'urn:holdfast:acr:mfa' }
    const fields = {
      ...goodRequest(clientId),
      scope: 'openid',
      claims: JSON.stringify({ id_token: { acr } }),
    }
    const reply = await browser.get(`/authorize?${new URLSearchParams(fields)}`)
    assert.equal(locationOf(reply).searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal(locationOf(reply).searchParams.get('code'), null)
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'step-up.unreachable')
  })
})
