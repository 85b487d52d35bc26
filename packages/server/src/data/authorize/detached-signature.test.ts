import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leftHalfHash } from '@holdfast/protocol/jose/hash.ts'
import { decodeJwt, jwtVerify } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import { hashOfHandle } from '../handle.ts'
import { subjectFor } from '../mint/pairwise.ts'
import { type Browser, header, locationOf, openBrowser } from '../testing/browser.ts'
import { keys, redirectUri } from '../testing/clients.ts'
import {
  answered,
  byReference,
  byValue,
  fapi1Client,
  fragmentOf,
  hybridObject,
  pushObject,
  redeemBound,
  refreshBound,
} from '../testing/fapi1.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import type { RequestObjectOptions } from '../testing/request-objects.ts'
import { alice, issuerKeys, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'

/** FAPI 1.0 Advanced section 5.2.2.1: the response of `code id_token`, and the request that asks for it. */

type Claims = Readonly<Record<string, unknown>>

const open = (): Promise<World> => openWorld({ clients: [fapi1Client()] })

/** Checks the JWT with a library that is not ours. */
async function verified(jwt: string): Promise<Claims> {
  const key = issuerKeys.find(({ alg }) => alg === 'ES256')
  assert.ok(key)
  const { payload } = await jwtVerify(jwt, key.publicKey, {
    issuer: issuerUrl,
    audience: 'c_fapi1',
    algorithms: ['ES256'],
    currentDate: new Date(startOfWorld * 1000),
  })
  return payload
}

function hybrid(
  world: World,
  options: RequestObjectOptions = {},
  decision: 'allow' | 'deny' = 'allow',
): Promise<Reply> {
  return answered(openBrowser(world), byValue(hybridObject(world, options)), decision)
}

describe('the response of code id_token', () => {
  it('tells a client of a sector its pairwise subject, also in front of the browser', async () => {
    await using world = await openWorld({ clients: [{ ...fapi1Client(), sector: 'client.example' }] })
    const claims = await verified(fragmentOf(await hybrid(world)).get('id_token') ?? '')
    assert.equal(claims.sub, subjectFor(world.ports.keys, issuerUrl, 'client.example', alice))
    assert.notEqual(claims.sub, alice)
  })

  it('is in the fragment: a code, and an ID token that signs code and state and tells nothing about the person', async () => {
    await using world = await open()
    const reply = await hybrid(world)
    assert.equal(reply.status, 303)
    assert.equal(locationOf(reply).search, '')
    const response = fragmentOf(reply)
    assert.deepEqual([...response.keys()], ['code', 'id_token', 'state', 'iss'])
    assert.equal(response.get('iss'), issuerUrl)
    const claims = await verified(response.get('id_token') ?? '')
    assert.deepEqual(claims, {
      iss: issuerUrl,
      sub: alice,
      aud: 'c_fapi1',
      exp: startOfWorld + 300,
      iat: startOfWorld,
      auth_time: startOfWorld,
      nonce: 'n-1',
      acr: claims.acr,
      amr: ['pwd'],
      c_hash: leftHalfHash('ES256', response.get('code') ?? ''),
      s_hash: leftHalfHash('ES256', 'st-1'),
    })
    assert.equal((await world.lastAudit('code.issued'))?.facts?.response_type, 'code id_token')
  })

  it('has no s_hash when no state was sent, and none comes back', async () => {
    await using world = await open()
    const response = fragmentOf(await hybrid(world, { claims: { state: undefined } }))
    assert.deepEqual([...response.keys()], ['code', 'id_token', 'iss'])
    const claims = await verified(response.get('id_token') ?? '')
    assert.equal(claims.s_hash, undefined)
    assert.equal(claims.c_hash, leftHalfHash('ES256', response.get('code') ?? ''))
  })

  it('comes pushed as by value, and in the other order of words', async () => {
    await using world = await open()
    const pushed = await pushObject(
      world,
      hybridObject(world, { claims: { response_type: 'id_token code' } }),
    )
    assert.equal(pushed.status, 201)
    const response = fragmentOf(await answered(openBrowser(world), byReference(pushed), 'allow'))
    const claims = await verified(response.get('id_token') ?? '')
    assert.equal(claims.c_hash, leftHalfHash('ES256', response.get('code') ?? ''))
  })

  it('may be a form or one JWT, never in a query', async () => {
    await using world = await open()
    const posted = String((await hybrid(world, { claims: { response_mode: 'form_post' } })).body)
    const names = [...posted.matchAll(/type="hidden" name="([^"]*)"/g)].map(([, name]) => name)
    assert.deepEqual(names, ['code', 'id_token', 'state', 'iss'])
    for (const response_mode of ['jwt', 'fragment.jwt']) {
      const reply = await hybrid(world, { claims: { response_mode } })
      assert.equal(locationOf(reply).search, '')
      assert.deepEqual([...fragmentOf(reply).keys()], ['response'])
      const outer = await verified(fragmentOf(reply).get('response') ?? '')
      const inner = await verified(String(outer.id_token))
      assert.equal(inner.c_hash, leftHalfHash('ES256', String(outer.code)))
    }
  })

  it('is an error in the same place, without a code and without a token', async () => {
    await using world = await open()
    const denied = await hybrid(world, {}, 'deny')
    assert.equal(locationOf(denied).search, '')
    const response = fragmentOf(denied)
    assert.deepEqual([...response.keys()], ['error', 'error_description', 'state', 'iss'])
    assert.equal(response.get('error'), 'access_denied')
    const silent = await openBrowser(world).get(byValue(hybridObject(world, { claims: { prompt: 'none' } })))
    assert.equal(fragmentOf(silent).get('error'), 'login_required')
  })

  it('is signed before anything is spent: without a key the user can allow it again', async () => {
    // The test issuer has no key for PS256.
    await using world = await openWorld({ clients: [fapi1Client({ idTokenSignedResponseAlg: 'PS256' })] })
    const browser = openBrowser(world)
    const pushed = await pushObject(world, hybridObject(world))
    const opened = await browser.get(byReference(pushed))
    const consent = await browser.login(opened)
    const url = header(consent, 'location') ?? ''
    await assert.rejects(browser.decide(url, 'allow'), { code: 'keys.unavailable' })
    assert.equal(await world.lastAudit('code.issued'), undefined)
    const handle = textOf(pushed, 'request_uri').split(':').at(-1) ?? ''
    const kept = await world.store.findPushedRequest(hashOfHandle('request_uri', issuerUrl, handle))
    assert.equal(kept?.spentAt, undefined)
    assert.equal((await browser.get(url)).status, 200)
  })

  it('is one, also when sixteen browsers allow one signed request at one time', async () => {
    await using world = await open()
    const url = byValue(hybridObject(world))
    const ready: { readonly browser: Browser; readonly at: string }[] = []
    for (let index = 0; index < 16; index++) {
      const browser = openBrowser(world)
      const consent = await browser.login(await browser.get(url))
      ready.push({ browser, at: header(consent, 'location') ?? '' })
    }
    const replies = await Promise.all(ready.map(({ browser, at }) => browser.decide(at, 'allow')))
    const codes = replies.filter(reply => reply.status === 303 && fragmentOf(reply).has('code'))
    assert.equal(codes.length, 1)
    assert.equal(replies.filter(({ status }) => status === 400).length, 15)
    const issued = (await world.audit()).filter(({ event }) => event === 'code.issued')
    assert.equal(issued.length, 1)
  })

  it('ends when the client lost the response type between the page and the answer', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const consent = await browser.login(await browser.get(byValue(hybridObject(world))))
    const later = await openWorld({
      clients: [fapi1Client({ responseTypes: ['code'] })],
      store: world.store,
    })
    const moved = openBrowser(later)
    for (const [name, value] of browser.cookies) moved.cookies.set(name, value)
    const reply = await moved.get(header(consent, 'location') ?? '')
    assert.equal(reply.status, 400)
    assert.match(String(reply.body), /<code id="error-code">unauthorized_client</)
  })
})

describe('the tokens of code id_token', () => {
  it('are bound to the certificate, and both ID tokens tell the same authentication', async () => {
    await using world = await open()
    const claims = { scope: 'openid accounts offline_access' }
    const response = fragmentOf(await hybrid(world, { claims }))
    const front = await verified(response.get('id_token') ?? '')
    const reply = await redeemBound(world, response.get('code') ?? '')
    assert.equal(reply.status, 200, String(reply.body))
    assert.equal(jsonOf(reply).token_type, 'Bearer')
    assert.equal(jsonOf(reply).scope, claims.scope)
    const back = await verified(textOf(reply, 'id_token'))
    for (const name of ['iss', 'sub', 'aud', 'nonce', 'auth_time', 'acr', 'amr'])
      assert.deepEqual(back[name], front[name], name)
    assert.equal(back.at_hash, leftHalfHash('ES256', textOf(reply, 'access_token')))
    assert.equal((await world.lastAudit('token.issued'))?.facts?.constraint, 'mtls')

    const again = await redeemBound(world, response.get('code') ?? '')
    assert.equal(jsonOf(again).error, 'invalid_grant')
    assert.equal(jsonOf(await refreshBound(world, textOf(reply, 'refresh_token'))).error, 'invalid_grant')
  })

  it('are refreshed over the certificate only', async () => {
    await using world = await open()
    const claims = { scope: 'openid accounts offline_access' }
    const reply = await redeemBound(world, fragmentOf(await hybrid(world, { claims })).get('code') ?? '')
    const refreshed = await refreshBound(world, textOf(reply, 'refresh_token'))
    assert.equal(refreshed.status, 200)
    assert.equal(jsonOf(refreshed).refresh_token, undefined)
    assert.equal(decodeJwt(textOf(refreshed, 'id_token')).nonce, undefined)
  })
})

describe('a FAPI 1.0 Advanced request', () => {
  const claims = (spoil: Claims): RequestObjectOptions => ({ claims: spoil })
  const cases: readonly (readonly [name: string, options: RequestObjectOptions, error: string])[] = [
    ['a bare code', claims({ response_type: 'code' }), 'invalid_request'],
    [
      'a code in the fragment',
      claims({ response_type: 'code', response_mode: 'fragment' }),
      'invalid_request',
    ],
    ['an ID token in the query', claims({ response_mode: 'query' }), 'invalid_request'],
    ['an ID token in query.jwt', claims({ response_mode: 'query.jwt' }), 'invalid_request'],
    ['a token', claims({ response_type: 'token', response_mode: 'jwt' }), 'unsupported_response_type'],
    [
      'an ID token alone',
      claims({ response_type: 'id_token', response_mode: 'jwt' }),
      'unsupported_response_type',
    ],
    [
      'all three',
      claims({ response_type: 'code id_token token', response_mode: 'jwt' }),
      'unsupported_response_type',
    ],
    ['no response type', claims({ response_type: undefined, response_mode: 'jwt' }), 'invalid_request'],
    ['no nonce', claims({ nonce: undefined }), 'invalid_request'],
    [
      'no nonce for a code',
      claims({ nonce: undefined, response_type: 'code', response_mode: 'jwt' }),
      'invalid_request',
    ],
    [
      'no state without openid',
      claims({ scope: 'accounts', state: undefined, response_type: 'code', response_mode: 'jwt' }),
      'invalid_request',
    ],
    ['an ID token without openid', claims({ scope: 'accounts' }), 'invalid_request'],
    ['a plain challenge', claims({ code_challenge_method: 'plain' }), 'invalid_request'],
  ]

  for (const [name, options, error] of cases)
    it(`is refused pushed and by value: ${name}`, async () => {
      await using world = await open()
      const pushed = await pushObject(world, hybridObject(world, options))
      assert.equal(pushed.status, 400)
      assert.equal(jsonOf(pushed).error, error)
      const reply = await openBrowser(world).get(byValue(hybridObject(world, options)))
      assert.equal(reply.status, 303)
      const { search, hash, origin, pathname } = locationOf(reply)
      assert.equal(origin + pathname, redirectUri)
      // Whatever mode such a request asked for: what belongs after `#` is never told in a query.
      if (!Object.hasOwn(options.claims ?? {}, 'response_type')) assert.equal(search, '')
      const response = new URLSearchParams(hash === '' ? search : hash.slice(1))
      const told = response.has('response') ? await verified(response.get('response') ?? '') : undefined
      assert.equal(told?.error ?? response.get('error'), error)
    })

  it('is refused in its object: time, audience, algorithm, key, redirect URI', async () => {
    await using world = await open()
    const now = world.clock.now()
    const objects: readonly (readonly [name: string, options: RequestObjectOptions])[] = [
      ['no nbf', claims({ nbf: undefined })],
      ['nbf 3601 seconds ago', claims({ nbf: now - 3601, exp: now - 1 })],
      ['no exp', claims({ exp: undefined })],
      ['exp 3601 seconds after nbf', claims({ exp: now + 3601 })],
      ['expired', claims({ nbf: now - 10, exp: now })],
      ['another audience', claims({ aud: 'https://other.example' })],
      ['the key of another client', { key: keys.oidc }],
      ['no signature', { header: { alg: 'none' } }],
    ]
    for (const [name, options] of objects) {
      const pushed = await pushObject(world, hybridObject(world, options))
      assert.equal(jsonOf(pushed).error, 'invalid_request_object', name)
      const reply = await openBrowser(world).get(byValue(hybridObject(world, options)))
      assert.equal(reply.status, 400, name)
      assert.equal(header(reply, 'location'), undefined, name)
    }
    for (const options of [claims({ nbf: now - 3590, exp: now + 10 }), claims({ nbf: now, exp: now + 3600 })])
      assert.equal((await pushObject(world, hybridObject(world, options))).status, 201)
    assert.equal(
      (await pushObject(world, hybridObject(world, claims({ redirect_uri: undefined })))).status,
      400,
    )
    const pushedNative = hybridObject(world, claims({ redirect_uri: 'http://127.0.0.1/cb' }))
    assert.equal(jsonOf(await pushObject(world, pushedNative)).error, 'invalid_request')
  })

  it('is refused without a signed object, and what stands only outside of it does not count', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const plain = { response_type: 'code id_token', scope: 'openid', redirect_uri: redirectUri, nonce: 'n' }
    const query = new URLSearchParams({ client_id: 'c_fapi1', ...plain })
    const unsigned = await browser.get(`${issuerUrl}/authorize?${query}`)
    assert.equal(fragmentOf(unsigned).get('error'), 'invalid_request')

    const outside = { state: 'outside', nonce: 'outside', response_mode: 'query', acr_values: 'x' }
    const request = hybridObject(world, claims({ state: undefined }))
    const response = fragmentOf(await answered(browser, byValue(request, outside), 'allow'))
    assert.equal(response.get('state'), null)
    assert.equal((await verified(response.get('id_token') ?? '')).nonce, 'n-1')

    // What is required must stand inside.
    const nonceOutside = byValue(hybridObject(world, claims({ nonce: undefined })), { nonce: 'n-1' })
    assert.equal(fragmentOf(await openBrowser(world).get(nonceOutside)).get('error'), 'invalid_request')
  })

  it('needs PKCE when it is pushed, and not by value', async () => {
    await using world = await open()
    const bare = claims({ code_challenge: undefined, code_challenge_method: undefined })
    assert.equal(jsonOf(await pushObject(world, hybridObject(world, bare))).error, 'invalid_request')
    const response = fragmentOf(await hybrid(world, bare))
    const code = response.get('code') ?? ''
    const reply = await redeemBound(world, code, { code_verifier: undefined })
    assert.equal(reply.status, 200, String(reply.body))
  })

  it('for a code is answered as one JWT', async () => {
    await using world = await open()
    const reply = await hybrid(world, claims({ response_type: 'code', response_mode: 'jwt' }))
    assert.deepEqual([...locationOf(reply).searchParams.keys()], ['response'])
    const { code, ...rest } = await verified(locationOf(reply).searchParams.get('response') ?? '')
    assert.deepEqual(rest, { iss: issuerUrl, aud: 'c_fapi1', state: 'st-1', exp: startOfWorld + 60 })
    assert.equal((await redeemBound(world, String(code))).status, 200)
  })
})
