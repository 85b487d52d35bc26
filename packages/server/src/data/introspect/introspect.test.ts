import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { accounts, clientOf, keys, payments } from '../testing/clients.ts'
import { headersOf, jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { compactJws, headerOf } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, type FormFields, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'
import { introspectRoom } from './room.ts'

function introspect(world: World, token: string | undefined, spoil: FormFields = {}): Promise<Reply> {
  const form = { token, ...world.assertion('c_rs'), ...spoil }
  return world.send(introspectRoom, '/introspect', { form })
}

async function assertInactive(reply: Reply): Promise<void> {
  assert.equal(reply.status, 200)
  assert.equal(reply.body.toString(), '{"active":false}')
}

async function issued(
  world: World,
  clientId = 'c_bank',
): Promise<{ token: string; grantId: string; reply: Reply }> {
  const { code, grantId } = await seedCode(world, clientId)
  const reply = await redeem(world, clientId, code)
  return { token: textOf(reply, 'access_token'), grantId, reply }
}

/** A resource server that answers for payments, where tokens are JWTs. */
const paymentsServer = clientOf({
  clientId: 'c_rs',
  jwks: { keys: [keys.resourceServer.publicJwk] },
  dpopBoundAccessTokens: false,
  grantTypes: [],
  introspects: [payments],
})

describe('introspection', () => {
  test('an active token is described completely, with its binding', async () => {
    await using world = await openWorld()
    const { token, grantId } = await issued(world)
    const reply = await introspect(world, token)
    assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
    const { jti, ...described } = jsonOf(reply)
    assert.match(String(jti), /^[\w-]{22}$/)
    assert.deepEqual(described, {
      active: true,
      iss: issuerUrl,
      sub: alice,
      aud: accounts,
      client_id: 'c_bank',
      scope: 'openid profile offline_access accounts',
      token_type: 'DPoP',
      exp: startOfWorld + 300,
      iat: startOfWorld,
      nbf: startOfWorld,
      tenant_id: 'tenant-1',
      cnf: { jkt: keys.proof.thumbprint },
      auth_time: startOfWorld - 30,
      acr: 'urn:holdfast:acr:password',
      amr: ['pwd'],
      txn: `txn-${grantId}`,
    })
  })

  test('a token of client credentials has no authentication in its description', async () => {
    await using world = await openWorld()
    const fields = { grant_type: 'client_credentials', scope: 'accounts' }
    const token = textOf(await requestToken(world, 'c_bank', fields), 'access_token')
    const described = jsonOf(await introspect(world, token))
    assert.equal(described.active, true)
    assert.equal(described.sub, 'c_bank')
    assert.ok(!('auth_time' in described))
  })

  for (const hint of ['access_token', 'refresh_token', 'nonsense'])
    test(`the hint ${hint} keeps no token from being described`, async () => {
      await using world = await openWorld()
      const { token } = await issued(world)
      assert.equal(jsonOf(await introspect(world, token, { token_type_hint: hint })).active, true)
    })

  test('expired at its second, active the second before', async () => {
    await using world = await openWorld()
    const { token } = await issued(world)
    world.clock.advance(299)
    assert.equal(jsonOf(await introspect(world, token)).active, true)
    world.clock.advance(1)
    await assertInactive(await introspect(world, token))
    assert.equal((await world.audit()).at(-1)?.facts.inactive_by, 'token.expired')
  })

  test('unknown, revoked, of a dead grant, of a disabled user, of a suspended client: exactly {"active":false}', async () => {
    await using world = await openWorld()
    await assertInactive(await introspect(world, 'at_unknown'))
    const { store, clock } = world
    const one = await issued(world)
    await store.commit([{ kind: 'revoke-grant', id: one.grantId, at: clock.now() }])
    await assertInactive(await introspect(world, one.token))
    assert.equal((await world.audit()).at(-1)?.facts.inactive_by, 'token.grant-live')

    const two = await issued(world)
    const user = await store.findUserBySubject(issuerUrl, alice)
    assert.ok(user !== undefined)
    await store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    await assertInactive(await introspect(world, two.token))
    assert.equal((await world.audit()).at(-1)?.facts.inactive_by, 'token.user-active')
    await store.commit([{ kind: 'put-user', record: user }])

    const clients = [clientOf({ clientId: 'c_bank', status: 'suspended' })]
    await using later = await openWorld({ clients, store })
    const form = { token: two.token, ...world.assertion('c_rs') }
    await assertInactive(await later.send(introspectRoom, '/introspect', { form }))
    assert.equal((await world.audit()).at(-1)?.facts.inactive_by, 'token.client-active')
  })

  test('a token for another resource server is not active for this one', async () => {
    await using world = await openWorld()
    const fields = { grant_type: 'client_credentials', scope: 'payments' }
    const token = textOf(await requestToken(world, 'c_bank', fields), 'access_token')
    await assertInactive(await introspect(world, token))
    assert.equal((await world.audit()).at(-1)?.facts.inactive_by, 'introspection.addressed')
  })

  test('a refresh token, a code and an ID token are not active', async () => {
    await using world = await openWorld()
    const { reply } = await issued(world)
    const { code } = await seedCode(world, 'c_bank')
    for (const value of [textOf(reply, 'refresh_token'), textOf(reply, 'id_token'), code])
      await assertInactive(await introspect(world, value))
  })

  test('a JWT access token is found by its identifier, and only with our signature and type', async () => {
    await using world = await openWorld({ clients: [paymentsServer] })
    const fields = { grant_type: 'client_credentials', scope: 'payments' }
    const token = textOf(await requestToken(world, 'c_bank', fields), 'access_token')
    const described = jsonOf(await introspect(world, token))
    assert.equal(described.active, true)
    assert.equal(described.aud, payments)
    const [header = '', claims = ''] = token.split('.')
    const forged = compactJws(
      headerOf(token),
      JSON.parse(Buffer.from(claims, 'base64url').toString()),
      keys.attacker,
    )
    await assertInactive(await introspect(world, forged))
    await assertInactive(await introspect(world, `${header}.${claims}.`))
  })

  test('an ordinary client is 403 access_denied', async () => {
    await using world = await openWorld()
    const { token } = await issued(world)
    const reply = await introspect(world, token, world.assertion('c_bank'))
    await assertRefused(world, reply, { status: 403, error: 'access_denied', ruleId: 'introspection.caller' })
  })

  test('without authentication it is 401, without token 400', async () => {
    await using world = await openWorld()
    const anonymous = await world.send(introspectRoom, '/introspect', { form: { token: 'at_x' } })
    await assertRefused(world, anonymous, { status: 401, error: 'invalid_client' })
    await assertRefused(world, await introspect(world, undefined), {
      status: 400,
      error: 'invalid_request',
      ruleId: 'introspection.token',
    })
  })

  test('an assertion is used once here too', async () => {
    await using world = await openWorld()
    const form = { token: 'at_unknown', ...world.assertion('c_rs') }
    await assertInactive(await world.send(introspectRoom, '/introspect', { form }))
    const again = await world.send(introspectRoom, '/introspect', { form })
    await assertRefused(world, again, { status: 401, error: 'invalid_client' })
  })
})
