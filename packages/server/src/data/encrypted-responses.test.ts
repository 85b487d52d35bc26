import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import * as oracle from 'jose'
import type { Reply } from '../http/exchange.ts'
import { Fault } from '../ports.ts'
import type { Client } from '../snapshot/snapshot.ts'
import { introspectRoom } from './introspect/room.ts'
import { goodRequest, header, locationOf, openBrowser, push } from './testing/browser.ts'
import { accounts, clientOf, keys } from './testing/clients.ts'
import { answered, byValue, fapi1Client, fragmentOf, hybridObject, redeemBound } from './testing/fapi1.ts'
import { jsonOf, requestToken } from './testing/flow.ts'
import { signIn, userinfoOf } from './testing/logout.ts'
import { requestObject, signing } from './testing/request-objects.ts'
import { alice, issuerKeys, issuerUrl, openWorld, startOfWorld, type World } from './testing/world.ts'

/** A client that wants its answers encrypted gets no plain one, whatever goes wrong. */

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const encryptionJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'enc-1', use: 'enc' }
const how = { alg: 'ECDH-ES+A256KW', enc: 'A256GCM' } as const
const all = { id_token: how, userinfo: how, authorization: how, introspection: how }

const encrypting = clientOf({
  clientId: 'c_oidc',
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  jwks: { keys: [keys.oidc.publicJwk, encryptionJwk] },
  resources: [],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  grantTypes: ['authorization_code', 'refresh_token'],
  userinfoSignedResponseAlg: 'ES256',
  encryptedResponses: all,
})

/** Decrypts and verifies with a library that is not ours; plain JWTs fail here. */
async function opened(text: string, key: KeyObject = pair.privateKey): Promise<oracle.JWTPayload> {
  const { plaintext, protectedHeader } = await oracle.compactDecrypt(text, key, {
    keyManagementAlgorithms: [how.alg],
    contentEncryptionAlgorithms: [how.enc],
  })
  assert.equal(protectedHeader.cty, 'JWT')
  assert.equal(protectedHeader.kid, 'enc-1')
  assert.ok(!('zip' in protectedHeader))
  const signer = issuerKeys.find(({ alg }) => alg === 'ES256')
  assert.ok(signer)
  const options = { issuer: issuerUrl, currentDate: new Date(startOfWorld * 1000) }
  return (await oracle.jwtVerify(plaintext, signer.publicKey, options)).payload
}

const open = (client: Client = encrypting): Promise<World> => openWorld({ clients: [client] })

describe('encrypted answers', () => {
  it('every kind of answer is encrypted for the client that registered so, on every path', async () => {
    await using world = await open()
    const { idToken, accessToken, refreshToken, browser } = await signIn(world, 'c_oidc', {
      scope: 'openid offline_access',
      spoil: { claims: '{"id_token":{"email":null}}' },
    })
    const first = await opened(idToken)
    assert.equal(first.sub, alice)
    assert.equal(first.email, 'alice@example.com')
    const told = await userinfoOf(world, accessToken)
    assert.equal(header(told, 'content-type'), 'application/jwt')
    assert.deepEqual(await opened(String(told.body)), { sub: alice, iss: issuerUrl, aud: 'c_oidc' })
    const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const refreshed = jsonOf(await requestToken(world, 'c_oidc', fields, { proofKey: 'none' }))
    assert.equal((await opened(String(refreshed.id_token))).sub, alice)

    const ask = async (spoil: Record<string, string>): Promise<Reply> => {
      const request = { ...goodRequest('c_oidc'), scope: 'openid', response_mode: 'jwt', ...spoil }
      const { requirePushedAuthorizationRequests: _push, ...rest } = encrypting
      const clients = world.issuer.clients as Map<string, Client>
      clients.set('c_oidc', { ...rest, requirePushedAuthorizationRequests: false })
      return await browser.get(`/authorize?${new URLSearchParams(request)}`)
    }
    const consent = locationOf(await ask({})).href
    const responses = {
      code: await browser.decide(consent, 'allow'),
      access_denied: await browser.decide(locationOf(await ask({})).href, 'deny'),
      consent_required: await ask({ prompt: 'none' }),
      invalid_scope: await ask({ scope: 'nothing' }),
      login_required: await ask({ prompt: 'none', max_age: '0' }),
    }
    for (const [expected, reply] of Object.entries(responses)) {
      const { searchParams } = locationOf(reply)
      assert.deepEqual([...searchParams.keys()], ['response'], expected)
      const { code, error, aud } = await opened(searchParams.get('response') ?? '')
      assert.equal(aud, 'c_oidc')
      if (expected === 'code') assert.match(String(code), /^ac_/)
      else assert.equal(error, expected)
    }
  })

  it('the ID token beside a code is encrypted too, and tells nothing that was asked for by name', async () => {
    const jwks = { keys: [keys.bank.publicJwk, encryptionJwk] }
    const client = fapi1Client({ jwks, encryptedResponses: { id_token: how } })
    await using world = await open(client)
    const claims = { claims: { id_token: { email: null } } }
    const url = byValue(hybridObject(world, { claims }))
    const response = fragmentOf(await answered(openBrowser(world), url, 'allow'))
    const front = await opened(response.get('id_token') ?? '')
    assert.equal(front.sub, alice)
    assert.ok(typeof front.c_hash === 'string' && !('email' in front))
    const reply = await redeemBound(world, response.get('code') ?? '')
    assert.equal((await opened(String(jsonOf(reply).id_token))).email, 'alice@example.com')
  })

  it('introspection is encrypted for the caller that registered so, also about nothing', async () => {
    const caller = clientOf({
      clientId: 'c_rs',
      jwks: { keys: [keys.resourceServer.publicJwk, encryptionJwk] },
      dpopBoundAccessTokens: false,
      introspects: [accounts],
      encryptedResponses: { introspection: how },
    })
    await using world = await open(caller)
    const reply = await world.send(introspectRoom, '/introspect', {
      form: { ...world.assertion('c_rs', { key: keys.resourceServer }), token: 'at_unknown' },
      headers: [['accept', 'application/token-introspection+jwt']],
    })
    assert.equal(reply.status, 200)
    assert.deepEqual((await opened(String(reply.body))).token_introspection, { active: false })
  })

  it('a client without a usable key gets no answer, and its code is not spent', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const pushed = await push(world, { clientId: 'c_oidc', spoil: { scope: 'openid' } })
    const request = new URLSearchParams({
      client_id: 'c_oidc',
      request_uri: String(jsonOf(pushed).request_uri),
    })
    const begun = await browser.get(`/authorize?${request}`)
    const consent = header(await browser.login(begun), 'location') ?? ''
    const code = locationOf(await browser.decide(consent, 'allow')).searchParams.get('code') ?? ''
    const clients = world.issuer.clients as Map<string, Client>
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: goodRequest('c_oidc').redirect_uri,
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    }
    clients.set('c_oidc', { ...encrypting, jwks: { keys: [keys.oidc.publicJwk] } })
    await assert.rejects(
      requestToken(world, 'c_oidc', fields, { proofKey: 'none' }),
      (fault: unknown) => fault instanceof Fault && fault.code === 'client-keys.encryption',
    )
    clients.set('c_oidc', encrypting)
    const reply = await requestToken(world, 'c_oidc', fields, { proofKey: 'none' })
    assert.equal((await opened(String(jsonOf(reply).id_token))).sub, alice)

    clients.set('c_oidc', { ...encrypting, jwks: { keys: [keys.oidc.publicJwk] } })
    await assert.rejects(userinfoOf(world, String(jsonOf(reply).access_token)), Fault)
    assert.equal(await world.lastAudit('userinfo.read'), undefined)
  })

  it('a client without a usable key for its response does not cost the user the consent', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const spoil = { scope: 'openid', response_mode: 'jwt' }
    const pushed = await push(world, { clientId: 'c_oidc', spoil })
    const request = new URLSearchParams({
      client_id: 'c_oidc',
      request_uri: String(jsonOf(pushed).request_uri),
    })
    const begun = await browser.get(`/authorize?${request}`)
    const consent = header(await browser.login(begun), 'location') ?? ''
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_oidc', { ...encrypting, jwks: { keys: [keys.oidc.publicJwk] } })
    await assert.rejects(browser.decide(consent, 'allow'), Fault)
    clients.set('c_oidc', encrypting)
    const answer = locationOf(await browser.decide(consent, 'allow')).searchParams.get('response')
    assert.match(String((await opened(answer ?? '')).code), /^ac_/)
  })

  it('keys behind jwks_uri are found, and a key set without one for encryption gives no answer', async () => {
    const uri = 'https://keys.client.example/jwks.json'
    const remote = { ...encrypting, jwks: undefined, jwksUri: uri }
    const documents = new Map<string, unknown>([[uri, { keys: [keys.oidc.publicJwk, encryptionJwk] }]])
    await using world = await openWorld({ clients: [remote], documents })
    const { idToken } = await signIn(world, 'c_oidc', { scope: 'openid' })
    assert.equal((await opened(idToken)).sub, alice)
    documents.set(uri, { keys: [keys.oidc.publicJwk] })
    world.clock.advance(601)
    await assert.rejects(signIn(world, 'c_oidc', { scope: 'openid' }), Fault)
  })

  it('an error of userinfo holds nothing to encrypt and says nothing about the user', async () => {
    await using world = await open()
    const reply = await userinfoOf(world, 'at_unknown')
    assert.equal(reply.status, 401)
    assert.deepEqual(Object.keys(jsonOf(reply)).toSorted(), ['error', 'error_description'])
  })
})

describe('encrypted requests', () => {
  it('are refused by their form, before any key is looked at, however they are made', async () => {
    await using world = await openWorld({ clients: [signing] })
    const inner = Buffer.from(requestObject(world))
    const zipBomb = `${Buffer.from('{"alg":"ECDH-ES","enc":"A256GCM","zip":"DEF"}').toString('base64url')}.a.b.c.d`
    const made = await new oracle.CompactEncrypt(inner)
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(pair.publicKey)
    const direct = await new oracle.CompactEncrypt(inner)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(new Uint8Array(32))
    for (const request of [made, direct, zipBomb]) {
      const reply = await push(world, { clientId: 'c_signing', spoil: { request } })
      assert.equal(reply.status, 400)
      assert.equal(jsonOf(reply).error, 'invalid_request_object')
      assert.equal((await world.lastAudit('request.refused'))?.ruleId, 'jws.form')
    }
  })
})
