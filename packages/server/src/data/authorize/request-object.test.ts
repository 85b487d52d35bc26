import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import type { Reply } from '../../http/exchange.ts'
import { hashOfHandle } from '../handle.ts'
import { parRoom } from '../par/room.ts'
import { header, locationOf, openBrowser, push } from '../testing/browser.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import { newTestKey } from '../testing/jws.ts'
import { type RequestObjectOptions, requestObject, signing } from '../testing/request-objects.ts'
import { type FormFields, issuerUrl, openWorld, type World } from '../testing/world.ts'

const relying = clientOf({
  clientId: 'c_relying',
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  requirePushedAuthorizationRequests: false,
  resources: [],
})

const open = (): Promise<World> => openWorld({ clients: [signing, relying] })

function pushObject(
  world: World,
  options: RequestObjectOptions = {},
  outside: FormFields = {},
): Promise<Reply> {
  const { clientId = 'c_signing' } = options
  const form = { ...world.assertion(clientId), request: requestObject(world, options), ...outside }
  return world.send(parRoom, '/par', { form })
}

function assertRefused(reply: Reply, error: string, why: string): void {
  assert.equal(reply.status, 400, why)
  assert.equal(jsonOf(reply).error, error, why)
}

describe('a pushed request object', () => {
  it('is accepted with and without its type, and with a list of audiences', async () => {
    await using world = await open()
    assert.equal((await pushObject(world)).status, 201)
    assert.equal((await pushObject(world, { header: { typ: undefined } })).status, 201)
    const aud = ['https://other.example', 'https://as.example']
    assert.equal((await pushObject(world, { claims: { aud } })).status, 201)
    const { facts } = (await world.lastAudit('request.pushed')) ?? {}
    assert.equal(facts?.signed_request, true)
    assert.equal(facts?.request_object, 'timed')
  })

  it('leaves neither itself nor its signature behind', async () => {
    await using world = await open()
    const request = requestObject(world, {})
    const reply = await world.send(parRoom, '/par', { form: { ...world.assertion('c_signing'), request } })
    assert.equal(reply.status, 201)
    const handle = textOf(reply, 'request_uri').replace('urn:ietf:params:oauth:request_uri:', '')
    const record = await world.store.findPushedRequest(hashOfHandle('request_uri', issuerUrl, handle))
    assert.ok(record)
    const kept = JSON.stringify([record, await world.audit()])
    for (const part of request.split('.')) assert.ok(!kept.includes(part))
  })

  it('is refused in every way it can be wrong', async () => {
    await using world = await open()
    const now = world.clock.now()
    const rsa = newTestKey('RS256', 'bank-1')
    const cases: readonly (readonly [string, RequestObjectOptions])[] = [
      ['the key of another client', { key: keys.oidc }],
      ['a key nobody registered', { key: { ...keys.attacker, kid: 'bank-1' } }],
      ['RS256', { key: rsa }],
      ['none', { header: { alg: 'none' } }],
      ['another kind of JWT', { header: { typ: 'JWT' } }],
      ['for another issuer', { claims: { aud: 'https://other.example' } }],
      ['by another issuer', { claims: { iss: 'c_bank' } }],
      ['of another client', { claims: { client_id: 'c_bank' } }],
      ['no nbf', { claims: { nbf: undefined } }],
      ['nbf 61 minutes old', { claims: { nbf: now - 3660, exp: now - 60 } }],
      ['no exp', { claims: { exp: undefined } }],
      ['61 minutes of life', { claims: { exp: now + 3660 } }],
      ['expired', { claims: { nbf: now - 60, exp: now } }],
      ['a request inside', { claims: { request: 'x' } }],
      ['a request_uri inside', { claims: { request_uri: 'urn:x' } }],
      ['longer than 48 KiB', { claims: { padding: 'x'.repeat(40_000) } }],
    ]
    for (const [why, options] of cases)
      assertRefused(await pushObject(world, options), 'invalid_request_object', why)
    await pushObject(world, { key: { ...keys.attacker, kid: 'bank-1' } })
    assert.equal((await world.lastAudit('request.refused'))?.ruleId, 'request-object.signature')
    const encrypted = 'eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d'
    assertRefused(await pushObject(world, {}, { request: encrypted }), 'invalid_request_object', 'encrypted')
    assert.equal((await pushObject(world, { claims: { nbf: now + 8 } })).status, 201)
  })

  it('only what stands in the request object counts', async () => {
    await using world = await open()
    const outside = {
      state: 'outside',
      scope: 'openid admin',
      nonce: 'outside',
      redirect_uri: 'https://evil.example',
    }
    const options = { claims: { state: undefined } }
    const reply = await pushObject(world, options, outside)
    assert.equal(reply.status, 201)
    const browser = openBrowser(world)
    const query = new URLSearchParams({ client_id: 'c_signing', request_uri: textOf(reply, 'request_uri') })
    const consent = await browser.login(await browser.get(`/authorize?${query}`))
    const answer = await browser.decide(header(consent, 'location') ?? '', 'allow')
    const [, claims = ''] = (locationOf(answer).searchParams.get('response') ?? '').split('.')
    const response = JSON.parse(Buffer.from(claims, 'base64url').toString())
    assert.equal(response.state, undefined)
    assert.match(response.code, /^ac_/)
    assert.equal(locationOf(answer).origin, 'https://client.example')
  })

  it('pushes once when it has a jti', async () => {
    await using world = await open()
    const request = requestObject(world)
    const send = (): Promise<Reply> =>
      world.send(parRoom, '/par', { form: { ...world.assertion('c_signing'), request } })
    assert.equal((await send()).status, 201)
    assertRefused(await send(), 'invalid_request_object', 'replayed')
    const alert = await world.lastAudit('request.refused')
    assert.equal(alert?.outcome, 'alert')
    assert.equal(alert?.ruleId, 'request-object.replay')
  })

  it('pushes once also when sixteen come at one time', async () => {
    await using world = await open()
    const request = requestObject(world)
    const replies = await Promise.all(
      Array.from({ length: 16 }, () =>
        world.send(parRoom, '/par', { form: { ...world.assertion('c_signing'), request } }),
      ),
    )
    assert.deepEqual(replies.map(({ status }) => status).toSorted(), [201, ...Array(15).fill(400)])
  })

  it('is no client assertion, and a client assertion is no request object', async () => {
    await using world = await open()
    const form = { ...world.assertion('c_signing'), client_assertion: requestObject(world) }
    const asAssertion = await world.send(parRoom, '/par', { form })
    assert.equal(asAssertion.status, 401)
    const request = world.assertion('c_signing').client_assertion
    assertRefused(await pushObject(world, {}, { request }), 'invalid_request_object', 'assertion')
  })

  it('is what a client or profile that requires it must push', async () => {
    const strict = clientOf({ clientId: 'c_strict', requireSignedRequestObject: true })
    await using world = await openWorld({ clients: [signing, strict] })
    for (const clientId of ['c_signing', 'c_strict']) {
      assertRefused(
        await push(world, { clientId, spoil: { response_mode: 'jwt' } }),
        'invalid_request',
        clientId,
      )
      const claims = { response_mode: 'jwt' }
      assert.equal((await pushObject(world, { clientId, claims })).status, 201)
    }
  })

  it('has the algorithm the client registered', async () => {
    const clients = [clientOf({ clientId: 'c_ps', requestObjectSigningAlg: 'PS256' })]
    await using world = await openWorld({ clients })
    assertRefused(await pushObject(world, { clientId: 'c_ps' }), 'invalid_request_object', 'ES256')
  })
})

describe('a request object in the browser', () => {
  const url = (
    world: World,
    options: RequestObjectOptions = {},
    outside: Record<string, string> = {},
  ): string => {
    const claims = { scope: 'openid profile', ...options.claims }
    const request = requestObject(world, { clientId: 'c_relying', ...options, claims })
    return `/authorize?${new URLSearchParams({ client_id: 'c_relying', request, ...outside })}`
  }

  it('opens the login, and leads to one answer however often it was opened', async () => {
    await using world = await open()
    const start = url(world)
    const one = openBrowser(world)
    const two = openBrowser(world)
    const toConsent = async (browser: typeof one): Promise<string> => {
      const opened = await browser.get(start)
      assert.equal(opened.status, 200)
      return header(await browser.login(opened), 'location') ?? ''
    }
    const first = await toConsent(one)
    const second = await toConsent(two)
    const answer = await one.decide(first, 'allow')
    assert.match(answer.headers.find(([name]) => name === 'location')?.[1] ?? '', /[?]response=/)
    const late = await two.decide(second, 'allow')
    assert.equal(late.status, 400)
    assert.equal(header(late, 'location'), undefined)
  })

  it('redirects nobody when it was not opened', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const outside = { redirect_uri: 'https://client.example/cb' }
    for (const options of [
      { key: keys.oidc },
      { claims: { aud: 'https://other.example' } },
      { claims: { client_id: 'c_bank' } },
      { claims: { redirect_uri: 'https://evil.example/cb' } },
    ] satisfies readonly RequestObjectOptions[]) {
      const reply = await browser.get(url(world, options, outside))
      assert.equal(reply.status, 400, JSON.stringify(options))
      assert.equal(header(reply, 'location'), undefined)
    }
  })

  it('does not come together with a request_uri, nor without client_id', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const both = await browser.get(url(world, {}, { request_uri: 'urn:ietf:params:oauth:request_uri:x' }))
    assert.equal(both.status, 400)
    assert.match(String(both.body), /<code id="error-code">invalid_request</)
    const alone = await browser.get(`/authorize?request=${requestObject(world, { clientId: 'c_relying' })}`)
    assert.equal(alone.status, 400)
    assert.equal(header(alone, 'location'), undefined)
  })

  it('is not opened for a client that must push', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const reply = await browser.get(`/authorize?client_id=c_signing&request=${requestObject(world)}`)
    assert.equal(reply.status, 400)
    assert.equal(header(reply, 'location'), undefined)
  })
})
