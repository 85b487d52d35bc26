import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { parseChallenges } from '@holdfast/protocol/wire/challenge.ts'
import type { Reply } from '../../http/exchange.ts'
import type { GrantRecord } from '../../store/records.ts'
import { introspectRoom } from '../introspect/room.ts'
import { type Browser, header, locationOf, openBrowser, push, pushedUrl } from '../testing/browser.ts'
import { accounts, clientOf, keys, payments } from '../testing/clients.ts'
import { asking, detailTypes, payingClient, paymentOf } from '../testing/details.ts'
import {
  currentNonce,
  headersOf,
  jsonOf,
  redeem,
  requestToken,
  seedCode,
  type TokenRequestOptions,
  textOf,
} from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { roomFor } from '../testing/room-for.ts'
import { alice, type FormFields, issuerUrl, openWorld, type World } from '../testing/world.ts'

const manager = 'c_manager'

/** Alice answers what the client pushed; returns where the browser is sent. */
async function consented(world: World, spoil: FormFields, clientId = manager): Promise<URL> {
  const browser = openBrowser(world)
  const url = await pushedUrl(world, { clientId, spoil })
  const login = await browser.login(await browser.get(url))
  return locationOf(await browser.decide(header(login, 'location') ?? '', 'allow'))
}

interface Tokens {
  readonly grantId: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly scope: string
}

async function allowed(world: World, spoil: FormFields, clientId = manager): Promise<Tokens> {
  const callback = await consented(world, spoil, clientId)
  const reply = await redeem(world, clientId, callback.searchParams.get('code') ?? '')
  assert.equal(reply.status, 200, reply.body.toString())
  return {
    grantId: textOf(reply, 'grant_id'),
    accessToken: textOf(reply, 'access_token'),
    refreshToken: textOf(reply, 'refresh_token'),
    scope: textOf(reply, 'scope'),
  }
}

const create = {
  grant_management_action: 'create',
  scope: 'openid accounts offline_access',
  resource: accounts,
}

async function managementToken(
  world: World,
  scope = 'grant_management_query grant_management_revoke',
  clientId = manager,
  options: TokenRequestOptions = {},
): Promise<string> {
  const fields = { grant_type: 'client_credentials', scope }
  return textOf(await requestToken(world, clientId, fields, options), 'access_token')
}

async function call(world: World, method: 'GET' | 'DELETE', id: string, token?: string): Promise<Reply> {
  const path = `/grants/${id}`
  const accessToken = token ?? (await managementToken(world))
  const found = roomFor(method, path)
  assert.ok(found)
  const proof = world.proof(path, { method, accessToken, nonce: currentNonce(world) })
  const headers = [['authorization', `DPoP ${accessToken}`] as const, ['dpop', proof] as const]
  return world.send(found.room, path, { method, headers, params: found.params })
}

async function isActive(world: World, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

async function refreshError(world: World, refreshToken: string): Promise<unknown> {
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
  return jsonOf(await requestToken(world, manager, fields)).error
}

/** A live managed grant of whoever is asked for. */
async function seedGrant(world: World, spoil: Partial<GrantRecord> = {}): Promise<string> {
  const id = `managed-${world.ports.entropy.bytes(16).toString('base64url')}`
  const managed = { id, createdAt: world.clock.now() }
  await seedCode(world, spoil.clientId ?? manager, { grant: { managed, ...spoil } })
  return id
}

describe('managed grants', () => {
  test('create answers with a grant_id at the token endpoint, and nowhere before', async () => {
    await using world = await openWorld()
    const callback = await consented(world, create)
    assert.deepEqual([...callback.searchParams.keys()].sort(), ['code', 'iss', 'state'])
    const reply = await redeem(world, manager, callback.searchParams.get('code') ?? '')
    assert.match(textOf(reply, 'grant_id'), /^[\w-]{32}$/)
    const refresh = { grant_type: 'refresh_token', refresh_token: textOf(reply, 'refresh_token') }
    const refreshed = await requestToken(world, manager, refresh)
    assert.equal(jsonOf(refreshed).grant_id, jsonOf(reply).grant_id)
    const { grantId } = await allowed(world, create)
    assert.notEqual(grantId, jsonOf(reply).grant_id)
  })

  test('who asks for no grant_id gets none', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, manager)
    assert.ok(!('grant_id' in jsonOf(await redeem(world, manager, code))))
  })

  test('merge keeps details and claims of before, replace does not', async () => {
    const scopes = ['openid', 'accounts', 'payments', 'profile', 'email', 'offline_access']
    const owner = payingClient({
      clientId: manager,
      scopes: [...scopes, 'grant_management_query', 'grant_management_revoke'],
    })
    await using world = await openWorld({ clients: [owner], detailTypes })
    const first = paymentOf('12.00')
    const second = paymentOf('7.00')
    const email = { claims: JSON.stringify({ id_token: { email: null } }) }
    const name = { claims: JSON.stringify({ userinfo: { name: null } }) }
    const asked = { scope: 'openid offline_access', resource: undefined }
    const action = { ...asked, grant_management_action: 'create' }
    const { grantId } = await allowed(world, { ...action, ...asking(first), ...email })
    const merge = { ...asked, grant_management_action: 'merge', grant_id: grantId }
    await allowed(world, { ...merge, ...asking(first, second), ...name })
    const merged = jsonOf(await call(world, 'GET', grantId))
    assert.deepEqual(merged.authorization_details, [first, second])
    assert.deepEqual([...(merged.claims as readonly string[])].sort(), ['email', 'name', 'sub'])
    await allowed(world, { ...merge, grant_management_action: 'replace', ...asking(second) })
    const replaced = jsonOf(await call(world, 'GET', grantId))
    assert.deepEqual(replaced.authorization_details, [second])
    assert.deepEqual(replaced.claims, ['sub'])
  })

  test('merge shows and grants the union, and ends the tokens of before', async () => {
    await using world = await openWorld()
    const before = await allowed(world, create)
    const browser = openBrowser(world)
    const spoil = {
      ...{ grant_management_action: 'merge', grant_id: before.grantId },
      ...{ scope: 'openid profile', resource: undefined, resources: accounts },
    }
    const url = await pushedUrl(world, { clientId: manager, spoil: { ...spoil, resource: accounts } })
    const login = await browser.login(await browser.get(url))
    const consent = header(login, 'location') ?? ''
    const page = String((await browser.get(consent)).body)
    for (const title of ['See your accounts', 'See your profile', 'Stay connected'])
      assert.ok(page.includes(title), title)
    assert.match(page, /id="consent-change"/)
    const callback = locationOf(await browser.decide(consent, 'allow'))
    const after = await redeem(world, manager, callback.searchParams.get('code') ?? '')
    assert.equal(jsonOf(after).grant_id, before.grantId)
    assert.deepEqual(textOf(after, 'scope').split(' ').sort(), [
      'accounts',
      'offline_access',
      'openid',
      'profile',
    ])
    assert.equal(await isActive(world, before.accessToken), false)
    assert.equal(await refreshError(world, before.refreshToken), 'invalid_grant')
    assert.equal(await isActive(world, textOf(after, 'access_token')), true)
  })

  test('replace leaves what was asked for now, and ends the tokens of before', async () => {
    await using world = await openWorld()
    const before = await allowed(world, create)
    const narrower = { scope: 'openid profile offline_access', resource: accounts }
    const after = await allowed(world, {
      ...{ grant_management_action: 'replace', grant_id: before.grantId },
      ...narrower,
    })
    assert.equal(after.grantId, before.grantId)
    assert.ok(!after.scope.includes('accounts'))
    assert.equal(await isActive(world, before.accessToken), false)
    assert.equal(await refreshError(world, before.refreshToken), 'invalid_grant')
    const read = jsonOf(await call(world, 'GET', before.grantId))
    assert.ok(!JSON.stringify(read.scopes).includes('"accounts"'))
  })

  test('nothing changes while the user has not allowed it, and nothing when the user denies it', async () => {
    await using world = await openWorld()
    const before = await allowed(world, create)
    const browser = openBrowser(world)
    const spoil = { grant_management_action: 'replace', grant_id: before.grantId, scope: 'openid' }
    const url = await pushedUrl(world, { clientId: manager, spoil })
    const login = await browser.login(await browser.get(url))
    assert.equal(await isActive(world, before.accessToken), true)
    const callback = locationOf(await browser.decide(header(login, 'location') ?? '', 'deny'))
    assert.equal(callback.searchParams.get('error'), 'access_denied')
    assert.equal(await isActive(world, before.accessToken), true)
  })

  test('of sixteen replacements of one grant at once none loses the grant, and one record is left', async () => {
    await using world = await openWorld()
    const grantId = await seedGrant(world)
    const spoil = {
      ...{ grant_management_action: 'merge', grant_id: grantId },
      ...{ scope: 'openid accounts', resource: accounts },
    }
    const waiting: { readonly browser: Browser; readonly consent: string }[] = []
    for (let count = 0; count < 16; count++) {
      const browser = openBrowser(world)
      const url = await pushedUrl(world, { clientId: manager, spoil })
      const login = await browser.login(await browser.get(url))
      waiting.push({ browser, consent: header(login, 'location') ?? '' })
    }
    const answers = await Promise.all(waiting.map(({ browser, consent }) => browser.decide(consent, 'allow')))
    const codes = answers.filter(reply => locationOf(reply).searchParams.has('code'))
    assert.equal(codes.length, 1)
    // The others are asked again, about the grant as it is now.
    for (const reply of answers.filter(one => !codes.includes(one)))
      assert.match(header(reply, 'location') ?? '', /\/consent$/)
    const [winner] = codes
    assert.ok(winner)
    const code = locationOf(winner).searchParams.get('code') ?? ''
    assert.equal(jsonOf(await redeem(world, manager, code)).grant_id, grantId)
  })

  test('a consent that was shown before the grant changed is asked again', async () => {
    await using world = await openWorld()
    const grantId = await seedGrant(world, { scopes: ['openid', 'accounts'] })
    const browser = openBrowser(world)
    const spoil = { grant_management_action: 'merge', grant_id: grantId, scope: 'openid', resource: accounts }
    const url = await pushedUrl(world, { clientId: manager, spoil })
    const login = await browser.login(await browser.get(url))
    const shown = await browser.get(header(login, 'location') ?? '')
    const found = await world.store.findManagedGrant(grantId)
    assert.ok(found)
    const { spentAt: _spentAt, revokedAt: _revokedAt, ...record } = found
    await world.store.commit([
      { kind: 'end-grant', id: found.id, at: world.clock.now() },
      {
        kind: 'insert-grant',
        record: { ...record, id: 'g-wider', scopes: ['openid', 'accounts', 'profile'] },
      },
    ])
    const field = (name: string): string =>
      new RegExp(`name="${name}" value="([^"]*)"`).exec(String(shown.body))?.[1] ?? ''
    const form = { csrf: field('csrf'), shown: field('shown'), decision: 'allow' }
    const reply = await browser.post(header(login, 'location') ?? '', form)
    assert.equal(reply.status, 409)
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'consent.changed')
  })

  test('a client that lost a scope gets it back by no merge', async () => {
    await using world = await openWorld()
    const grantId = await seedGrant(world, { scopes: ['openid', 'accounts', 'offline_access', 'email'] })
    const merge = { grant_management_action: 'merge', grant_id: grantId, scope: 'openid profile' }
    const after = await allowed(world, { ...merge, resource: accounts })
    assert.ok(!after.scope.includes('email'))
  })
})

describe('a grant that cannot be named', () => {
  const pushed = async (world: World, spoil: FormFields, error: string, ruleId: string): Promise<void> => {
    const reply = await push(world, { clientId: manager, spoil })
    await assertRefused(world, reply, { status: 400, error, ruleId: `grant-management.${ruleId}` })
  }

  test('is refused when it is pushed', async () => {
    await using world = await openWorld()
    const own = await seedGrant(world)
    const foreign = await seedGrant(world, { clientId: 'c_bank' })
    const ended = await seedGrant(world)
    const record = await world.store.findManagedGrant(ended)
    assert.ok(record)
    await world.store.commit([{ kind: 'revoke-grant', id: record.id, at: world.clock.now() }])
    const merge = { grant_management_action: 'merge' }
    for (const grant_id of ['nobody-has-it', foreign, ended, record.id])
      await pushed(world, { ...merge, grant_id }, 'invalid_grant_id', 'known')
    await pushed(world, { grant_id: own }, 'invalid_request', 'action')
    await pushed(world, { grant_id: own, grant_management_action: 'query' }, 'invalid_request', 'action')
    await pushed(world, { grant_id: own, grant_management_action: 'create' }, 'invalid_request', 'grant-id')
    await pushed(world, merge, 'invalid_request', 'grant-id')
    world.clock.advance(31_536_000)
    await pushed(world, { ...merge, grant_id: own }, 'invalid_grant_id', 'known')
  })

  test('is refused to a public client', async () => {
    await using world = await openWorld()
    const reply = await world.send(roomFor('POST', '/par')?.room as never, '/par', {
      form: {
        ...{ response_type: 'code', client_id: 'c_app', redirect_uri: 'https://client.example/cb' },
        ...{ scope: 'openid', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' },
        ...{ code_challenge_method: 'S256', grant_management_action: 'create' },
      },
    })
    assert.equal(jsonOf(reply).error, 'unauthorized_client')
  })

  test('goes back to the client when another user signed in, and nothing has changed', async () => {
    await using world = await openWorld()
    const grantId = await seedGrant(world, { subject: 'u_bob' })
    const merge = { grant_management_action: 'merge', grant_id: grantId, scope: 'openid' }
    const browser = openBrowser(world)
    const url = await pushedUrl(world, { clientId: manager, spoil: merge })
    const login = await browser.login(await browser.get(url))
    const callback = locationOf(await browser.get(header(login, 'location') ?? ''))
    assert.equal(callback.searchParams.get('error'), 'invalid_grant_id')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'grant-management.user')
    assert.equal((await browser.get(header(login, 'location') ?? '')).status, 400)
    assert.equal((await world.store.findManagedGrant(grantId))?.subject, 'u_bob')
  })

  test('is refused in a merge that would carry a strict resource through a looser request', async () => {
    const loose = clientOf({
      ...{ clientId: 'c_loose', ownProfile: oidcBaseline, requirePushedAuthorizationRequests: false },
    })
    await using world = await openWorld({ clients: [loose] })
    const grantId = await seedGrant(world, { clientId: 'c_loose', resources: [payments] })
    const spoil = { grant_management_action: 'merge', grant_id: grantId, scope: 'openid', resource: accounts }
    const browser = openBrowser(world)
    const url = await pushedUrl(world, { clientId: 'c_loose', spoil })
    const login = await browser.login(await browser.get(url))
    const callback = locationOf(await browser.get(header(login, 'location') ?? ''))
    assert.equal(callback.searchParams.get('error'), 'invalid_request')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'grant-management.merge-profile')
  })
})

describe('the grant management endpoint', () => {
  test('the client reads what its grant holds, and no token of it', async () => {
    await using world = await openWorld()
    const { grantId, accessToken, refreshToken } = await allowed(world, {
      ...create,
      scope: 'openid profile accounts offline_access',
    })
    world.clock.advance(10)
    const reply = await call(world, 'GET', grantId)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
    const at = world.clock.now() - 10
    const read = jsonOf(reply)
    assert.deepEqual(read.scopes, [
      { scope: 'openid profile offline_access' },
      { scope: 'accounts', resource: [accounts] },
    ])
    assert.deepEqual(read.claims, ['sub', 'name', 'family_name'])
    assert.deepEqual(read.authorization_details, [])
    assert.equal(read.created_at, at)
    assert.equal(read.last_updated, at)
    assert.ok(Number(read.expires_at) > at)
    assert.equal(read.updated_by, 'client')
    for (const secret of [accessToken, refreshToken, alice]) assert.ok(!String(reply.body).includes(secret))
  })

  test('the client ends its grant and every token of it, once', async () => {
    await using world = await openWorld()
    const { grantId, accessToken, refreshToken } = await allowed(world, create)
    const replies = await Promise.all(Array.from({ length: 16 }, () => call(world, 'DELETE', grantId)))
    assert.deepEqual(replies.map(({ status }) => status).toSorted(), [204, ...Array(15).fill(404)])
    assert.equal(String(replies.find(({ status }) => status === 204)?.body), '')
    assert.equal(await isActive(world, accessToken), false)
    assert.equal(await refreshError(world, refreshToken), 'invalid_grant')
    assert.equal((await call(world, 'GET', grantId)).status, 404)
    const revoked = (await world.audit()).filter(({ event }) => event === 'grant.revoked')
    assert.equal(revoked.length, 1)
    assert.equal(revoked[0]?.clientId, manager)
  })

  test('a grant of another client is as unknown as one that never was: 404', async () => {
    await using world = await openWorld()
    const foreign = await seedGrant(world, { clientId: 'c_bank' })
    const own = await seedGrant(world)
    const internal = await world.store.findManagedGrant(own)
    const answers = []
    for (const id of [foreign, 'never-was', internal?.id ?? '', 'x'.repeat(129)])
      for (const method of ['GET', 'DELETE'] as const) {
        const reply = await call(world, method, id)
        assert.equal(reply.status, 404)
        answers.push(String(reply.body).replace(/req-\d+/, ''))
      }
    assert.equal(new Set(answers).size, 1)
    assert.equal((await world.lastAudit('grant.refused'))?.ruleId, 'grant-management.not-found')
    assert.ok(await world.store.findManagedGrant(foreign))
  })

  test('the endpoint wants a live token for itself, with the scope and its key', async () => {
    await using world = await openWorld()
    const grantId = await seedGrant(world)
    const errorOf = (reply: Reply): unknown =>
      headersOf(reply, 'www-authenticate')
        .flatMap(field => parseChallenges(field) ?? [])
        .find(({ scheme }) => scheme.toLowerCase() === 'dpop')
        ?.params.get('error')
    const query = await managementToken(world, 'grant_management_query')
    const forbidden = await call(world, 'DELETE', grantId, query)
    assert.equal(forbidden.status, 403)
    assert.match(headersOf(forbidden, 'www-authenticate').join(), /scope="grant_management_revoke"/)
    const forApi = await allowed(world, { ...create, scope: 'openid accounts offline_access' })
    const atApi = await call(world, 'GET', grantId, forApi.accessToken)
    assert.equal(atApi.status, 401)
    assert.equal(errorOf(atApi), 'invalid_token')
    assert.equal((await world.lastAudit('grant.refused'))?.ruleId, 'grant-management.audience')
    const other = await managementToken(world, 'grant_management_query', manager, {
      proofKey: keys.otherProof,
    })
    assert.equal((await call(world, 'GET', grantId, other)).status, 401)
    const bare = await world.send(roomFor('GET', '/grants/x')?.room as never, '/grants/x', { method: 'GET' })
    assert.equal(bare.status, 401)
    assert.equal((await call(world, 'GET', grantId, query)).status, 200)
    world.clock.advance(300)
    assert.equal((await call(world, 'GET', grantId, query)).status, 401)
  })

  test('a token for an API never carries the scopes of this endpoint, whatever was asked for', async () => {
    await using world = await openWorld()
    const fields = { grant_type: 'client_credentials', scope: 'accounts grant_management_revoke' }
    const reply = await requestToken(world, manager, { ...fields, resource: accounts })
    assert.equal(jsonOf(reply).scope, 'accounts')
    const token = await managementToken(world)
    const form = { token, ...world.assertion('c_rs') }
    // It is for the issuer: an API that asks about it learns nothing (I20).
    assert.deepEqual(jsonOf(await world.send(introspectRoom, '/introspect', { form })), { active: false })
    const stored = (await world.lastAudit('token.issued'))?.facts
    assert.equal(stored?.audience, issuerUrl)
  })
})
