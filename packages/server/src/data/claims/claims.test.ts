import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { decodeJwt } from 'jose'
import { standardScopes } from '../../control/resources/scope.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { header, locationOf, openBrowser, push, pushedUrl } from '../testing/browser.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { jsonOf, requestToken } from '../testing/flow.ts'
import { signIn, userinfoOf } from '../testing/logout.ts'
import { requestObject, signing } from '../testing/request-objects.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

const clientId = 'c_oidc'

const withClaims = (claims: unknown): { claims: string } => ({ claims: JSON.stringify(claims) })

/** The consent page for a request with these claims. */
async function consentPage(world: World, claims: unknown, scope = 'openid'): Promise<string> {
  const browser = openBrowser(world)
  const opened = await browser.get(
    await pushedUrl(world, { clientId, spoil: { scope, ...withClaims(claims) } }),
  )
  const consent = await browser.login(opened)
  return String((await browser.get(header(consent, 'location') ?? '')).body)
}

async function withUser(
  claims: Readonly<Record<string, unknown>>,
  clients: readonly Client[],
): Promise<World> {
  const world = await openWorld({ scopes: standardScopes, clients })
  const record = {
    ...{ issuer: issuerUrl, subject: alice, username: 'alice' },
    ...{ passwordHash: 'fake:correct horse', status: 'active' as const, claims },
  }
  await world.store.commit([{ kind: 'put-user', record }])
  return world
}

const everything = {
  name: 'Alice Adams',
  given_name: 'Alice',
  family_name: 'Adams',
  middle_name: 'B',
  nickname: 'Ally',
  preferred_username: 'alice',
  profile: 'https://alice.example/',
  picture: 'https://alice.example/me.png',
  website: 'https://alice.example/',
  gender: 'female',
  birthdate: '1990-01-02',
  zoneinfo: 'Europe/Berlin',
  locale: 'de-DE',
  updated_at: 1_700_000_000,
  email: 'alice@example.com',
  email_verified: true,
  address: { formatted: 'Street 1', country: 'DE' },
  phone_number: '+49 30 1',
  phone_number_verified: false,
}

const allowedTo = (...scopes: readonly string[]): Client =>
  clientOf({
    clientId,
    ownProfile: oidcBaseline,
    jwks: { keys: [keys.oidc.publicJwk] },
    resources: [],
    dpopBoundAccessTokens: false,
    scopes,
  })

describe('claims about the user', () => {
  it('every standard claim of a user is released by its scope, with its type', async () => {
    const scope = 'openid profile email address phone'
    await using world = await withUser(everything, [allowedTo(...scope.split(' '))])
    const { accessToken, idToken } = await signIn(world, clientId, { scope })
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), { ...everything, sub: alice })
    for (const name of Object.keys(everything)) assert.ok(!(name in decodeJwt(idToken)), name)
  })

  it('a claim asked for by name is released where it was asked for, when the user allowed it', async () => {
    await using world = await openWorld()
    const claims = { id_token: { email: { essential: true } }, userinfo: { family_name: null } }
    const { accessToken, refreshToken, idToken } = await signIn(world, clientId, {
      scope: 'openid offline_access',
      spoil: withClaims(claims),
    })
    const first = decodeJwt(idToken)
    assert.equal(first.email, 'alice@example.com')
    assert.ok(!('family_name' in first))
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), { sub: alice, family_name: 'Adams' })

    const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const refreshed = jsonOf(await requestToken(world, clientId, fields, { proofKey: 'none' }))
    const again = decodeJwt(String(refreshed.id_token))
    assert.equal(again.email, 'alice@example.com')
    assert.equal(again.auth_time, first.auth_time)
    const told = jsonOf(await userinfoOf(world, String(refreshed.access_token)))
    assert.deepEqual(told, { sub: alice, family_name: 'Adams' })
  })

  it('the page names each claim in plain words, and the record says what it named', async () => {
    await using world = await openWorld()
    const claims = { id_token: { email: null }, userinfo: { name: null, email: null } }
    const page = await consentPage(world, claims)
    assert.match(page, /<h2 id="details">It also asks for these details about you<\/h2>/)
    assert.equal(page.match(/Your e-mail address/g)?.length, 1)
    assert.match(page, /<strong>Your full name<\/strong>/)
    await signIn(world, clientId, { scope: 'openid', spoil: withClaims(claims) })
    const { facts } = (await world.lastAudit('code.issued')) ?? {}
    assert.deepEqual(facts?.claims_id_token, ['email'])
    assert.deepEqual(facts?.claims_userinfo, ['name', 'email'])
    assert.equal(facts?.locale, 'en')
    assert.match(String(facts?.shown), /^[\w-]{43}$/)
  })

  it('what a scope of the page covers is not named twice', async () => {
    await using world = await openWorld()
    const page = await consentPage(world, { id_token: { name: null } }, 'openid profile')
    assert.doesNotMatch(page, /id="details"/)
  })

  it('claims that are unknown, absent, of another value or not for this client are no error', async () => {
    await using world = await openWorld()
    const wish = {
      email: { values: ['bob@example.com', 7] },
      email_verified: { essential: true },
      picture: { essential: true },
      'name#de': null,
      'https://example.com/x': { value: { deep: [1] } },
    }
    const claims = { id_token: wish, userinfo: wish, verified_claims: { anything: true } }
    const { accessToken, idToken } = await signIn(world, clientId, {
      scope: 'openid',
      spoil: withClaims(claims),
    })
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), { sub: alice })
    for (const name of Object.keys(wish)) assert.ok(!(name in decodeJwt(idToken)), name)
  })

  it('a value that the user has releases the claim', async () => {
    await using world = await withUser(everything, [allowedTo('openid', 'address', 'phone')])
    const claims = {
      userinfo: {
        address: { value: { country: 'DE', formatted: 'Street 1' } },
        phone_number_verified: { values: [true, false] },
        phone_number: { value: '+49 30 2' },
      },
    }
    const { accessToken } = await signIn(world, clientId, { scope: 'openid', spoil: withClaims(claims) })
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), {
      sub: alice,
      address: everything.address,
      phone_number_verified: false,
    })
  })

  it('a malformed parameter is refused at PAR, in a request object and in the browser', async () => {
    await using world = await openWorld({ clients: [signing] })
    for (const claims of ['{', '[]', '{"id_token":[]}', '{"id_token":{"acr":{"values":[]}}}']) {
      const reply = await push(world, { clientId, spoil: { claims } })
      assert.equal(reply.status, 400, claims)
      assert.equal(jsonOf(reply).error, 'invalid_request')
    }
    const pushed = async (claims: unknown): Promise<Reply> =>
      await push(world, {
        clientId: 'c_signing',
        spoil: { request: requestObject(world, { claims: { claims } }) },
      })
    assert.equal(jsonOf(await pushed({ id_token: 1 })).error, 'invalid_request')
    assert.equal((await pushed({ id_token: { email: null } })).status, 201)
    assert.equal((await world.lastAudit('request.refused'))?.ruleId, 'claims.members')
  })

  it('a claim that the client may not ask for any more is not told any more', async () => {
    await using world = await openWorld()
    const spoil = withClaims({ userinfo: { email: null } })
    const { accessToken } = await signIn(world, clientId, { scope: 'openid', spoil })
    assert.equal(jsonOf(await userinfoOf(world, accessToken)).email, 'alice@example.com')
    const clients = world.issuer.clients as Map<string, Client>
    clients.set(clientId, { ...(clients.get(clientId) as Client), scopes: ['openid'] })
    assert.deepEqual(jsonOf(await userinfoOf(world, accessToken)), { sub: alice })
  })
})

describe('what a request demands of the user', () => {
  it('an essential acr that no login reaches is unmet_authentication_requirements, before anybody signs in', async () => {
    await using world = await openWorld()
    const spoil = withClaims({ id_token: { acr: { essential: true, values: ['urn:strong'] } } })
    const reply = await openBrowser(world).get(
      await pushedUrl(world, { clientId, spoil: { scope: 'openid', ...spoil } }),
    )
    assert.equal(reply.status, 303)
    assert.equal(locationOf(reply).searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal(locationOf(reply).searchParams.get('state'), 'st-1')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'claims.essential-acr')
  })

  it('an essential acr that is reached stands in the ID token, and a voluntary one is no error', async () => {
    await using world = await openWorld()
    const acr = 'urn:holdfast:acr:pwd'
    for (const wish of [
      { essential: true, values: ['urn:strong', acr] },
      { essential: true },
      { value: 'urn:strong' },
    ]) {
      const { idToken } = await signIn(world, clientId, {
        scope: 'openid',
        spoil: withClaims({ id_token: { acr: wish } }),
      })
      assert.equal(decodeJwt(idToken).acr, acr)
    }
  })

  it('another sub than the one asked for gets nothing: login_required', async () => {
    await using world = await openWorld()
    const url = async (sub: string, spoil = {}): Promise<string> =>
      await pushedUrl(world, {
        clientId,
        spoil: { scope: 'openid', ...withClaims({ id_token: { sub: { value: sub } } }), ...spoil },
      })
    const { browser } = await signIn(world, clientId, { scope: 'openid' })
    assert.match(locationOf(await browser.get(await url(alice))).href, /\/consent$/)
    const silent = await browser.get(await url('u_bob', { prompt: 'none' }))
    assert.equal(locationOf(silent).searchParams.get('error'), 'login_required')

    const opened = await browser.get(await url('u_bob'))
    assert.match(locationOf(opened).href, /\/login$/)
    const reply = await browser.login(locationOf(opened).href)
    assert.equal(locationOf(reply).searchParams.get('error'), 'login_required')
    assert.equal(locationOf(reply).searchParams.get('code'), null)
    assert.equal((await world.lastAudit('login.refused'))?.ruleId, 'claims.subject')
    const answered = await browser.get(locationOf(opened).href)
    assert.equal(answered.status, 400)
    assert.match(String(answered.body), /already answered/)
  })
})
