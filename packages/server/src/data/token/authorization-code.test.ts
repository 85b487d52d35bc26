import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { secondsAfter } from '@holdfast/protocol'
import { hashOfHandle } from '../handle.ts'
import { introspectRoom } from '../introspect/room.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import { accounts, clientOf, keys, payments } from '../testing/clients.ts'
import { codeVerifier, headersOf, jsonOf, redeem, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf, headerOf } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'

async function isActive(world: World, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

async function putUser(world: World, status: 'active' | 'disabled'): Promise<void> {
  const user = await world.store.findUserBySubject(issuerUrl, alice)
  assert.ok(user !== undefined)
  await world.store.commit([{ kind: 'put-user', record: { ...user, status } }])
}

describe('redeeming a code', () => {
  test('answers with exactly the members of a token response, uncached', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    const reply = await redeem(world, 'c_bank', code)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.deepEqual(headersOf(reply, 'content-type'), ['application/json'])
    assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
    assert.deepEqual(headersOf(reply, 'pragma'), ['no-cache'])
    const body = jsonOf(reply)
    assert.deepEqual(Object.keys(body), [
      'access_token',
      'token_type',
      'expires_in',
      'scope',
      'refresh_token',
      'id_token',
    ])
    assert.match(textOf(reply, 'access_token'), /^at_[\w-]{49}$/)
    assert.match(textOf(reply, 'refresh_token'), /^rt_[\w-]{49}$/)
    assert.equal(body.token_type, 'DPoP')
    assert.equal(body.expires_in, 300)
    assert.equal(body.scope, 'openid profile offline_access accounts')
  })

  test('an ID token says who, when, how strongly, for which request and beside which access token', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    const reply = await redeem(world, 'c_bank', code)
    const idToken = textOf(reply, 'id_token')
    const { at_hash: atHash, ...claims } = claimsOf(idToken)
    assert.deepEqual(claims, {
      iss: issuerUrl,
      sub: alice,
      aud: 'c_bank',
      exp: startOfWorld + 300,
      iat: startOfWorld,
      auth_time: startOfWorld - 30,
      nonce: 'n-1',
      acr: 'urn:holdfast:acr:password',
      amr: ['pwd'],
      sid: 'sid-1',
    })
    assert.match(String(atHash), /^[\w-]{22}$/)
    assert.deepEqual(headerOf(idToken), { alg: 'ES256', typ: 'JWT', kid: 'as-es256' })
  })

  test('the ID token echoes a nonce of 384 characters whole, and has none when none was sent', async () => {
    await using world = await openWorld()
    const nonce = 'n'.repeat(384)
    const long = await seedCode(world, 'c_bank', { code: { nonce } })
    assert.equal(claimsOf(textOf(await redeem(world, 'c_bank', long.code), 'id_token')).nonce, nonce)
    const without = await seedCode(world, 'c_bank', { code: { nonce: undefined } })
    assert.ok(!('nonce' in claimsOf(textOf(await redeem(world, 'c_bank', without.code), 'id_token'))))
  })

  test('without openid there is no ID token, and no user identifier in the answer', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { grant: { scopes: ['accounts'] } })
    const reply = await redeem(world, 'c_bank', code)
    assert.equal(reply.status, 200)
    assert.ok(!('id_token' in jsonOf(reply)))
    assert.ok(!reply.body.toString().includes(alice))
  })

  test('the audit record has the whole field list and no secret', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    const reply = await redeem(world, 'c_bank', code)
    const record = await world.lastAudit('token.issued')
    assert.equal(record?.subject, alice)
    assert.equal(record?.clientId, 'c_bank')
    assert.equal(record?.txn, `txn-${grantId}`)
    assert.deepEqual(Object.keys(record?.facts ?? {}).toSorted(), [
      'acr',
      'audience',
      'auth_method',
      'constraint',
      'expires_at',
      'grant_id',
      'grant_type',
      'jkt',
      'key_id',
      'policy_version',
      'profile',
      'refresh_token_issued',
      'revision',
      'scopes',
      'token_kind',
      'token_ref',
    ])
    const evidence = JSON.stringify(await world.audit())
    for (const secret of [code, codeVerifier, textOf(reply, 'access_token'), textOf(reply, 'refresh_token')])
      assert.ok(!evidence.includes(secret))
  })

  const spoiled: readonly [string, Readonly<Record<string, string | undefined>>, string, string][] = [
    ['no code', { code: undefined }, 'invalid_request', 'code.missing'],
    ['an unknown code', { code: 'ac_unknown' }, 'invalid_grant', 'code.known'],
    [
      'another redirect_uri',
      { redirect_uri: 'https://evil.example/cb' },
      'invalid_grant',
      'code.redirect-uri',
    ],
    ['no verifier', { code_verifier: undefined }, 'invalid_grant', 'pkce.verifier-present'],
    ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant', 'pkce.verifier-match'],
    ['a short verifier', { code_verifier: 'x'.repeat(42) }, 'invalid_grant', 'pkce.verifier-format'],
    ['an unknown resource', { resource: 'https://unknown.example' }, 'invalid_target', 'resource.allowed'],
    ['a resource not granted', { resource: payments }, 'invalid_target', 'resource.allowed'],
    ['a resource with a fragment', { resource: `${accounts}#x` }, 'invalid_target', 'resource.form'],
    ['the password grant', { grant_type: 'password' }, 'unsupported_grant_type', 'grant-type.supported'],
    ['no grant type', { grant_type: undefined }, 'invalid_request', 'grant-type.present'],
  ]
  for (const [name, spoil, error, ruleId] of spoiled)
    test(`with ${name} it is ${error}, and the code still works afterwards`, async () => {
      await using world = await openWorld()
      const { code } = await seedCode(world, 'c_bank')
      const reply = await redeem(world, 'c_bank', code, { spoil })
      await assertRefused(world, reply, { status: 400, error, ruleId })
      assert.equal((await redeem(world, 'c_bank', code)).status, 200)
    })

  test('a repeated parameter is invalid_request', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    const reply = await redeem(world, 'c_bank', code, { spoil: { code: [code, code] } })
    await assertRefused(world, reply, { status: 400, error: 'invalid_request', ruleId: 'form.duplicate' })
  })

  test('redirect_uri may be left out', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    const reply = await redeem(world, 'c_bank', code, { spoil: { redirect_uri: undefined } })
    assert.equal(reply.status, 200)
  })

  test('a verifier for a code without challenge is refused as a downgrade', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { code: { codeChallenge: undefined } })
    await assertRefused(world, await redeem(world, 'c_bank', code), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'pkce.downgrade',
    })
  })

  test("another client's code is invalid_grant, and stays good for its own client", async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    await assertRefused(world, await redeem(world, 'c_other', code), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'code.client',
    })
    assert.equal((await redeem(world, 'c_bank', code)).status, 200)
  })

  test('a grant type the client did not register is unauthorized_client', async () => {
    await using world = await openWorld({
      clients: [clientOf({ clientId: 'c_cc', grantTypes: ['client_credentials'] })],
    })
    const { code } = await seedCode(world, 'c_cc')
    await assertRefused(world, await redeem(world, 'c_cc', code), {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'grant-type.registered',
    })
  })

  const ages: readonly [number, number][] = [
    [59, 200],
    [60, 400],
    [61, 400],
  ]
  for (const [seconds, status] of ages)
    test(`a code that is ${seconds} seconds old is answered ${status}`, async () => {
      await using world = await openWorld()
      const { code } = await seedCode(world, 'c_bank')
      world.clock.advance(seconds)
      const reply = await redeem(world, 'c_bank', code)
      assert.equal(reply.status, status)
      if (status === 400)
        await assertRefused(world, reply, {
          status: 400,
          error: 'invalid_grant',
          ruleId: 'code.expired',
        })
    })

  test('the proof is checked before the code is spent: a nonce retry of the same code succeeds', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    const first = await redeem(world, 'c_bank', code, {
      proofKey: 'none',
      headers: [['dpop', world.proof('/token')]],
    })
    await assertRefused(world, first, { status: 400, error: 'use_dpop_nonce' })
    assert.equal((await redeem(world, 'c_bank', code)).status, 200)
  })

  test('a code bound to a key is redeemed with that key only', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { code: { dpopJkt: keys.proof.thumbprint } })
    const other = await redeem(world, 'c_bank', code, { proofKey: keys.otherProof })
    await assertRefused(world, other, { status: 400, error: 'invalid_grant', ruleId: 'code.dpop-key' })
    assert.equal((await redeem(world, 'c_bank', code)).status, 200)
  })

  test('a code bound to a key never yields an unbound token, whatever the profile allows', async () => {
    await using world = await openWorld()
    const grant = { scopes: ['openid'], resources: [] }
    const { code } = await seedCode(world, 'c_oidc', { grant, code: { dpopJkt: keys.proof.thumbprint } })
    const reply = await redeem(world, 'c_oidc', code, { proofKey: 'none' })
    await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'code.dpop-key' })
  })

  test('a plain OpenID Connect client gets a Bearer token where its profile allows it', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_oidc', { grant: { scopes: ['openid'], resources: [] } })
    const reply = await redeem(world, 'c_oidc', code, { proofKey: 'none' })
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal(jsonOf(reply).token_type, 'Bearer')
    assert.equal(jsonOf(reply).expires_in, 600)
  })

  test('private_key_jwt over mutual TLS binds to the certificate of the connection', async () => {
    await using world = await openWorld()
    const certificate = await newPeerCertificate({ subject: 'CN=any' })
    const { code } = await seedCode(world, 'c_bank_mtls')
    const reply = await redeem(world, 'c_bank_mtls', code, { certificate, proofKey: 'none' })
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal(jsonOf(reply).token_type, 'Bearer')
    const form = { token: textOf(reply, 'access_token'), ...world.assertion('c_rs') }
    const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
    assert.deepEqual(described.cnf, { 'x5t#S256': certificate.thumbprint })
  })

  test('a client registered for certificates that also sends a proof is bound to both', async () => {
    await using world = await openWorld()
    const certificate = await newPeerCertificate({ subject: 'CN=any' })
    const { code } = await seedCode(world, 'c_bank_mtls')
    const reply = await redeem(world, 'c_bank_mtls', code, { certificate })
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal((await world.lastAudit('token.issued'))?.facts.constraint, 'dpop+mtls')
  })
})

describe('a code comes a second time', () => {
  test('it is invalid_grant, an alert, and everything the first use bought is dead', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    const first = await redeem(world, 'c_bank', code)
    assert.equal(await isActive(world, textOf(first, 'access_token')), true)
    world.clock.advance(1)
    const again = await redeem(world, 'c_bank', code)
    await assertRefused(world, again, { status: 400, error: 'invalid_grant', ruleId: 'code.spent' })
    const alert = await world.lastAudit('code.replayed')
    assert.equal(alert?.outcome, 'alert')
    assert.ok(world.counted.includes('replays_detected_total'))
    assert.notEqual((await world.store.findGrant(grantId))?.revokedAt, undefined)
    assert.equal(await isActive(world, textOf(first, 'access_token')), false)
  })

  test('also after the code has expired', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    await redeem(world, 'c_bank', code)
    world.clock.advance(120)
    await assertRefused(world, await redeem(world, 'c_bank', code), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'code.spent',
    })
    assert.notEqual((await world.store.findGrant(grantId))?.revokedAt, undefined)
  })

  test('another client that presents it kills nothing', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    await redeem(world, 'c_bank', code)
    await assertRefused(world, await redeem(world, 'c_other', code), { status: 400, error: 'invalid_grant' })
    assert.equal((await world.store.findGrant(grantId))?.revokedAt, undefined)
  })
})

describe('what changed between consent and redemption', () => {
  test('a disabled user gets nothing', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    await putUser(world, 'disabled')
    await assertRefused(world, await redeem(world, 'c_bank', code), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'code.grant-live',
    })
  })

  test('a revoked grant gives nothing', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    await world.store.commit([{ kind: 'revoke-grant', id: grantId, at: world.clock.now() }])
    await assertRefused(world, await redeem(world, 'c_bank', code), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'code.grant-live',
    })
  })

  test('a scope the client lost since is left out', async () => {
    await using world = await openWorld({
      clients: [clientOf({ clientId: 'c_less', scopes: ['openid', 'accounts'] })],
    })
    const { code } = await seedCode(world, 'c_less')
    assert.equal(jsonOf(await redeem(world, 'c_less', code)).scope, 'openid accounts')
  })

  test('no token outlives its grant', async () => {
    await using world = await openWorld()
    const grant = { expiresAt: secondsAfter(startOfWorld, 100) }
    const { code } = await seedCode(world, 'c_bank', { grant })
    const reply = await redeem(world, 'c_bank', code)
    assert.equal(jsonOf(reply).expires_in, 100)
    const hash = hashOfHandle('refresh_token', issuerUrl, textOf(reply, 'refresh_token'))
    assert.equal((await world.store.findRefreshToken(hash))?.expiresAt, startOfWorld + 100)
  })
})

describe('resources', () => {
  const both = { scopes: ['openid', 'accounts', 'payments'], resources: [accounts, payments] }

  test('of two granted resources one is chosen, and the token has the scopes of that one alone', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { grant: both })
    const reply = await redeem(world, 'c_bank', code, { spoil: { resource: payments } })
    assert.equal(jsonOf(reply).scope, 'openid payments')
    const token = textOf(reply, 'access_token')
    assert.equal(claimsOf(token).aud, payments)
  })

  test('without resource it is invalid_target when the scopes belong to two', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { grant: both })
    await assertRefused(world, await redeem(world, 'c_bank', code), {
      status: 400,
      error: 'invalid_target',
      ruleId: 'resource.unambiguous',
    })
  })

  test('two resources for one token are invalid_target', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { grant: both })
    const reply = await redeem(world, 'c_bank', code, { spoil: { resource: [accounts, payments] } })
    await assertRefused(world, reply, { status: 400, error: 'invalid_target', ruleId: 'order.one-audience' })
  })

  test('a resource server that asks for JWTs gets one with every claim of a high-assurance token', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank', { grant: both })
    const reply = await redeem(world, 'c_bank', code, { spoil: { resource: payments } })
    const token = textOf(reply, 'access_token')
    assert.deepEqual(headerOf(token), { alg: 'ES256', typ: 'at+jwt', kid: 'as-es256' })
    const { jti, ...claims } = claimsOf(token)
    assert.match(String(jti), /^[\w-]{49}$/)
    assert.deepEqual(claims, {
      iss: issuerUrl,
      sub: alice,
      aud: payments,
      exp: startOfWorld + 300,
      iat: startOfWorld,
      nbf: startOfWorld,
      client_id: 'c_bank',
      scope: 'openid payments',
      tenant_id: 'tenant-1',
      auth_time: startOfWorld - 30,
      acr: 'urn:holdfast:acr:password',
      amr: ['pwd'],
      cnf: { jkt: keys.proof.thumbprint },
      txn: `txn-${grantId}`,
    })
  })

  test('a resource of a stricter tier tightens the whole request: unbound is refused there', async () => {
    const client = clientOf({
      clientId: 'c_lax',
      ownProfile: undefined,
      dpopBoundAccessTokens: false,
      jwks: { keys: [keys.bank.publicJwk] },
    })
    const lax = { ...client, profile: { ...client.profile, senderConstraint: 'allowed' as const } }
    await using world = await openWorld({ clients: [lax] })
    const { code } = await seedCode(world, 'c_lax', { grant: both })
    const reply = await redeem(world, 'c_lax', code, { proofKey: 'none', spoil: { resource: payments } })
    await assertRefused(world, reply, { status: 400, error: 'invalid_request', ruleId: 'order.unbound' })
    const open = await redeem(world, 'c_lax', code, { proofKey: 'none', spoil: { resource: accounts } })
    assert.equal(open.status, 200, open.body.toString())
  })
})

describe('whether a refresh token is given', () => {
  const cases: readonly [string, readonly string[], readonly string[], boolean][] = [
    ['offline_access was granted', ['openid', 'offline_access'], ['openid', 'offline_access'], true],
    [
      'the client could have asked for offline_access and did not',
      ['openid'],
      ['openid', 'offline_access'],
      false,
    ],
    ['the client has no offline_access to ask for', ['openid'], ['openid'], true],
    ['it is plain OAuth', ['accounts'], ['accounts', 'offline_access'], true],
  ]
  for (const [name, granted, registered, isGiven] of cases)
    test(`${isGiven ? 'yes' : 'no'}, when ${name}`, async () => {
      await using world = await openWorld({
        clients: [clientOf({ clientId: 'c_x', scopes: registered })],
      })
      const { code } = await seedCode(world, 'c_x', { grant: { scopes: granted } })
      assert.equal('refresh_token' in jsonOf(await redeem(world, 'c_x', code)), isGiven)
    })

  test('no, when the client did not register the grant type', async () => {
    await using world = await openWorld({
      clients: [clientOf({ clientId: 'c_x', grantTypes: ['authorization_code'] })],
    })
    const { code } = await seedCode(world, 'c_x')
    assert.ok(!('refresh_token' in jsonOf(await redeem(world, 'c_x', code))))
  })
})
