import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { Fault } from '../../ports.ts'
import { hashOfHandle } from '../handle.ts'
import { header, locationOf, openBrowser, push } from '../testing/browser.ts'
import { accounts, clientOf, floor, keys, payments } from '../testing/clients.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { outstandingKey } from './outstanding.ts'
import { parRoom } from './room.ts'

const prefix = 'urn:ietf:params:oauth:request_uri:'

function bodyOf(reply: Reply): Record<string, unknown> {
  return JSON.parse(String(reply.body)) as Record<string, unknown>
}

async function stored(world: World, reply: Reply): ReturnType<World['store']['findPushedRequest']> {
  const uri = String(bodyOf(reply).request_uri)
  return await world.store.findPushedRequest(hashOfHandle('request_uri', issuerUrl, uri.slice(prefix.length)))
}

function nonceOf(reply: Reply): string {
  return header(reply, 'dpop-nonce') ?? ''
}

describe('pushed authorization requests', () => {
  it('a good push is 201 with a fresh request_uri, its lifetime and no-store', async () => {
    await using world = await openWorld()
    const [first, second] = [await push(world), await push(world)]
    assert.equal(first.status, 201)
    assert.equal(header(first, 'content-type'), 'application/json')
    assert.equal(header(first, 'cache-control'), 'no-store')
    assert.deepEqual(Object.keys(bodyOf(first)).sort(), ['expires_in', 'request_uri'])
    assert.match(String(bodyOf(first).request_uri), /^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43,}$/)
    assert.equal(bodyOf(first).expires_in, 60)
    assert.notEqual(bodyOf(first).request_uri, bodyOf(second).request_uri)
  })

  it('a push is recorded with what was asked, and with nothing secret', async () => {
    await using world = await openWorld()
    const reply = await push(world)
    const record = await world.lastAudit('request.pushed')
    assert.equal(record?.outcome, 'accepted')
    assert.equal(record?.clientId, 'c_bank')
    assert.match(record?.txn ?? '', /^txn_/)
    assert.deepEqual(record?.facts.scopes, ['openid', 'accounts'])
    assert.equal(record?.facts.redirect_uri, 'https://client.example/cb')
    assert.equal(record?.facts.signed_request, false)
    assert.equal(record?.facts.auth_method, 'private_key_jwt')
    const uri = String(bodyOf(reply).request_uri).slice(prefix.length)
    assert.ok(!JSON.stringify(await world.audit()).includes(uri))
  })

  it('a push that is not a form is refused', async () => {
    await using world = await openWorld()
    const reply = await world.send(parRoom, '/par', {
      body: '{}',
      headers: [['content-type', 'application/json']],
    })
    assert.equal(reply.status, 400)
    assert.equal(bodyOf(reply).error, 'invalid_request')
  })

  it('a push without client authentication is 401 invalid_client', async () => {
    await using world = await openWorld()
    const without = { client_assertion: undefined, client_assertion_type: undefined }
    const cases = [
      without,
      { ...without, client_id: undefined },
      { client_assertion: 'abc' },
      { client_id: 'c_other' },
      world.assertion('c_bank', { key: keys.attacker }),
      world.assertion('c_bank', { claims: { aud: `${issuerUrl}/par` } }),
      world.assertion('c_bank', { claims: { aud: [issuerUrl] } }),
      world.assertion('c_bank', { claims: { exp: world.clock.now() - 300 } }),
    ]
    for (const spoil of cases) {
      const reply = await push(world, { spoil })
      assert.equal(reply.status, 401, JSON.stringify(Object.keys(spoil)))
      assert.equal(bodyOf(reply).error, 'invalid_client')
      assert.equal(header(reply, 'cache-control'), 'no-store')
    }
    assert.equal(await world.lastAudit('request.pushed'), undefined)
  })

  it('an assertion pushes once', async () => {
    await using world = await openWorld()
    const spoil = { ...world.assertion('c_bank') }
    assert.equal((await push(world, { spoil })).status, 201)
    const replayed = await push(world, { spoil })
    assert.equal(replayed.status, 401)
    assert.equal(bodyOf(replayed).error, 'invalid_client')
    assert.equal((await world.lastAudit('request.refused'))?.outcome, 'alert')
  })

  it('a push is judged as a whole authorization request', async () => {
    await using world = await openWorld()
    const cases: readonly (readonly [spoil: Record<string, string | undefined>, error: string])[] = [
      [{ response_type: undefined }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'code id_token' }, 'unsupported_response_type'],
      [{ response_mode: 'web_message' }, 'invalid_request'],
      [{ redirect_uri: undefined }, 'invalid_request'],
      [{ redirect_uri: 'https://client.example/cb/' }, 'invalid_request'],
      [{ redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
      [{ redirect_uri: 'http://client.example/cb' }, 'invalid_request'],
      [{ scope: undefined }, 'invalid_scope'],
      [{ scope: '' }, 'invalid_scope'],
      [{ scope: 'openid admin' }, 'invalid_scope'],
      [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge: 'a'.repeat(42) }, 'invalid_request'],
      [{ state: 'a'.repeat(2049) }, 'invalid_request'],
      [{ nonce: 'a'.repeat(513) }, 'invalid_request'],
      [{ prompt: 'none login' }, 'invalid_request'],
      [{ max_age: '-1' }, 'invalid_request'],
      [{ max_age: 'soon' }, 'invalid_request'],
      [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'invalid_request_object'],
      [{ request_uri: `${prefix}${'a'.repeat(49)}` }, 'invalid_request'],
      [{ registration: '{}' }, 'registration_not_supported'],
      [{ authorization_details: '[{"type":"x"}]' }, 'invalid_authorization_details'],
      [{ resource: 'foo' }, 'invalid_target'],
      [{ resource: `${accounts}#x` }, 'invalid_target'],
      [{ resource: 'https://unknown.example' }, 'invalid_target'],
      [{ dpop_jkt: 'short' }, 'invalid_request'],
    ]
    for (const [spoil, error] of cases) {
      const reply = await push(world, { spoil })
      assert.equal(reply.status, 400, JSON.stringify(spoil))
      assert.equal(bodyOf(reply).error, error, JSON.stringify(spoil))
      assert.equal(header(reply, 'cache-control'), 'no-store')
      assert.equal(header(reply, 'location'), undefined)
    }
    assert.equal(await world.lastAudit('request.pushed'), undefined)
  })

  it('a refusal names its rule and clauses in the audit, and spends the assertion', async () => {
    await using world = await openWorld()
    const spoil = { ...world.assertion('c_bank') }
    await push(world, { spoil: { ...spoil, code_challenge_method: 'plain' } })
    const record = await world.lastAudit('request.refused')
    assert.equal(record?.ruleId, 'pkce.method')
    assert.ok(record?.clauses?.includes('FAPI2-SP-FINAL-5.3.2.2-5'))
    assert.equal(record?.clientId, 'c_bank')
    assert.equal((await push(world, { spoil })).status, 401)
  })

  it('a parameter sent twice is refused', async () => {
    await using world = await openWorld()
    for (const spoil of [{ state: ['a', 'b'] }, { redirect_uri: ['https://client.example/cb', 'x'] }]) {
      const reply = await push(world, { spoil })
      assert.equal(reply.status, 400)
      assert.equal(bodyOf(reply).error, 'invalid_request')
    }
  })

  it('a push with prompt=none is accepted: only the browser can know about a session', async () => {
    await using world = await openWorld()
    assert.equal((await push(world, { spoil: { prompt: 'none' } })).status, 201)
  })

  it('resources may repeat, and without one the scopes say which', async () => {
    await using world = await openWorld()
    const named = await push(world, { spoil: { scope: 'openid', resource: [accounts, payments, accounts] } })
    assert.deepEqual((await stored(world, named))?.request.resources, [accounts, payments])
    const meant = await push(world, { spoil: { scope: 'openid payments' } })
    assert.deepEqual((await stored(world, meant))?.request.resources, [payments])
    const both = await push(world, { spoil: { scope: 'accounts payments' } })
    assert.equal(bodyOf(both).error, 'invalid_target')
  })

  it('an unregistered redirect_uri is refused; where a profile allows it, it serves its own transaction alone', async () => {
    const elsewhere = 'https://client.example/another'
    const spoil = { redirect_uri: elsewhere }
    await using strict = await openWorld()
    assert.equal(bodyOf(await push(strict, { spoil })).error, 'invalid_request')

    const lax = <P extends object>(profile: P) =>
      ({ ...profile, unregisteredRedirectUris: 'allowed' }) as const
    const bank = clientOf({ clientId: 'c_bank' })
    const app = clientOf({
      clientId: 'c_open',
      isPublic: true,
      ownProfile: oauth21,
      tokenEndpointAuthMethod: 'none',
    })
    const clients = [bank, app].map(client => ({ ...client, profile: lax(client.profile) }))
    await using world = await openWorld({ clients, floor: lax(floor) })
    const pushed = await push(world, { spoil })
    assert.equal(pushed.status, 201, String(pushed.body))
    const authorize = (query: Readonly<Record<string, string>>): string =>
      `/authorize?${new URLSearchParams({ client_id: 'c_bank', ...query })}`
    const browser = openBrowser(world)
    const opened = await browser.get(authorize({ request_uri: String(bodyOf(pushed).request_uri) }))
    const consent = header(await browser.login(opened), 'location') ?? ''
    const answer = header(await browser.decide(consent, 'allow'), 'location') ?? ''
    assert.ok(answer.startsWith(`${elsewhere}?code=`), answer)

    const direct = await openBrowser(world).get(authorize({ ...spoil, response_type: 'code' }))
    assert.equal(direct.status, 400)
    assert.equal(header(direct, 'location'), undefined)
    const fromApp = await push(world, {
      clientId: 'c_open',
      spoil: { ...spoil, client_id: 'c_open', client_assertion: undefined, client_assertion_type: undefined },
    })
    assert.equal(fromApp.status, 400)
    assert.equal(bodyOf(fromApp).error, 'invalid_request')
    assert.equal((await world.lastAudit('request.refused'))?.ruleId, 'redirect-uri.registered')
  })

  it('a client without the code grant may not push', async () => {
    await using world = await openWorld({
      clients: [clientOf({ clientId: 'c_bank', grantTypes: ['client_credentials'] })],
    })
    const reply = await push(world)
    assert.equal(reply.status, 400)
    assert.equal(bodyOf(reply).error, 'unauthorized_client')
  })

  it('state over 1000 characters and a nonce of 512 are kept whole', async () => {
    await using world = await openWorld()
    const spoil = { state: 's'.repeat(2048), nonce: 'n'.repeat(512) }
    const record = await stored(world, await push(world, { spoil }))
    assert.equal(record?.request.state, spoil.state)
    assert.equal(record?.request.nonce, spoil.nonce)
  })

  describe('that nobody completes', () => {
    const few = clientOf({ clientId: 'c_few', outstandingRequestsMax: 3 })
    const pushFew = (world: World): Promise<Reply> => push(world, { clientId: 'c_few' })

    it('make their client wait with 429 once there are too many, until the first one expires', async () => {
      await using world = await openWorld({ clients: [few] })
      assert.equal((await pushFew(world)).status, 201)
      world.clock.advance(10)
      for (let count = 0; count < 2; count++) assert.equal((await pushFew(world)).status, 201)
      const refused = await pushFew(world)
      assert.equal(refused.status, 429)
      assert.equal(header(refused, 'retry-after'), '50')
      assert.equal(header(refused, 'cache-control'), 'no-store')
      assert.equal(bodyOf(refused).error, 'temporarily_unavailable')
      assert.equal((await world.lastAudit('request.refused'))?.ruleId, 'par.outstanding')
      assert.equal((await push(world)).status, 201, 'another client')
      world.clock.advance(49)
      assert.equal((await pushFew(world)).status, 429)
      world.clock.advance(1)
      assert.equal((await pushFew(world)).status, 201)
      assert.equal((await pushFew(world)).status, 429)
    })

    it('are not counted when they could not be stored: an outage leaves nobody waiting', async () => {
      await using world = await openWorld({ clients: [few] })
      const { commit } = world.store
      Object.assign(world.store, { commit: () => Promise.reject(new Fault('store.unavailable')) })
      for (let count = 0; count < 5; count++)
        await assert.rejects(pushFew(world), { code: 'store.unavailable' })
      Object.assign(world.store, { commit })
      for (let count = 0; count < 3; count++) assert.equal((await pushFew(world)).status, 201)
    })

    it('are no more than was allowed when 16 come at once', async () => {
      await using world = await openWorld({ clients: [few] })
      const replies = await Promise.all(Array.from({ length: 16 }, () => pushFew(world)))
      assert.equal(replies.filter(({ status }) => status === 201).length, 3)
      assert.equal(replies.filter(({ status }) => status === 429).length, 13)
    })

    it('are fewer by each that is completed, allowed or denied', async () => {
      await using world = await openWorld({ clients: [few] })
      for (const decision of ['allow', 'deny'] as const) {
        const replies = [await pushFew(world), await pushFew(world), await pushFew(world)]
        assert.equal((await pushFew(world)).status, 429)
        const browser = openBrowser(world)
        const query = { client_id: 'c_few', request_uri: String(bodyOf(replies[0] as Reply).request_uri) }
        const login = locationOf(await browser.get(`/authorize?${new URLSearchParams(query)}`)).href
        const consent = header(await browser.login(login), 'location') ?? ''
        assert.equal((await browser.decide(consent, decision)).status, 303)
        assert.equal((await pushFew(world)).status, 201)
        assert.equal((await pushFew(world)).status, 429)
        world.clock.advance(60)
      }
    })

    it('are counted by source where anybody can push, so that nobody keeps the users of an app out', () => {
      const app = clientOf({ clientId: 'c_app', isPublic: true })
      const from = (remoteAddress: string) => ({ issuer: { url: issuerUrl }, remoteAddress }) as Exchange
      assert.notEqual(outstandingKey(from('192.0.2.1'), app), outstandingKey(from('198.51.100.1'), app))
      assert.equal(outstandingKey(from('192.0.2.1'), app), outstandingKey(from('192.0.2.99'), app))
      assert.equal(outstandingKey(from('192.0.2.1'), few), outstandingKey(from('198.51.100.1'), few))
    })
  })

  describe('with DPoP', () => {
    it('a proof without a nonce is asked to repeat with one, and the same assertion then works', async () => {
      await using world = await openWorld()
      const spoil = { ...world.assertion('c_bank') }
      const asked = await push(world, { spoil, headers: [['dpop', world.proof('/par')]] })
      assert.equal(asked.status, 400)
      assert.equal(bodyOf(asked).error, 'use_dpop_nonce')
      assert.equal(asked.headers.filter(([name]) => name === 'dpop-nonce').length, 1)
      const proof = world.proof('/par', { nonce: nonceOf(asked) })
      assert.equal((await push(world, { spoil, headers: [['dpop', proof]] })).status, 201)
    })

    it('a proof at the push binds the code to its key', async () => {
      await using world = await openWorld()
      const nonce = nonceOf(await push(world))
      const reply = await push(world, { headers: [['dpop', world.proof('/par', { nonce })]] })
      assert.equal((await stored(world, reply))?.request.dpopJkt, keys.proof.thumbprint)
    })

    it('dpop_jkt binds the code, and a proof by another key is invalid_dpop_proof', async () => {
      await using world = await openWorld()
      const spoil = { dpop_jkt: keys.proof.thumbprint }
      const alone = await push(world, { spoil })
      assert.equal((await stored(world, alone))?.request.dpopJkt, keys.proof.thumbprint)
      const nonce = nonceOf(alone)
      const same = await push(world, { spoil, headers: [['dpop', world.proof('/par', { nonce })]] })
      assert.equal(same.status, 201)
      const other = world.proof('/par', { nonce, key: keys.otherProof })
      const reply = await push(world, { spoil, headers: [['dpop', other]] })
      assert.equal(reply.status, 400)
      assert.equal(bodyOf(reply).error, 'invalid_dpop_proof')
    })

    it('a proof for another endpoint, or used twice, is invalid_dpop_proof', async () => {
      await using world = await openWorld()
      const nonce = nonceOf(await push(world))
      const wrong = await push(world, { headers: [['dpop', world.proof('/token', { nonce })]] })
      assert.equal(bodyOf(wrong).error, 'invalid_dpop_proof')
      const proof = world.proof('/par', { nonce })
      assert.equal((await push(world, { headers: [['dpop', proof]] })).status, 201)
      const replayed = await push(world, { headers: [['dpop', proof]] })
      assert.equal(replayed.status, 400)
      assert.equal(bodyOf(replayed).error, 'invalid_dpop_proof')
    })
  })
})
