import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accounts, clientOf, keys, payments } from '../testing/clients.ts'
import { jsonOf, requestToken, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { issuerUrl, openWorld } from '../testing/world.ts'

const grantType = { grant_type: 'client_credentials' }

describe('client credentials', () => {
  test('the client is its own subject, and gets neither refresh nor ID token', async () => {
    await using world = await openWorld()
    const fields = { ...grantType, scope: 'payments' }
    const reply = await requestToken(world, 'c_bank', fields)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.deepEqual(Object.keys(jsonOf(reply)), ['access_token', 'token_type', 'expires_in', 'scope'])
    const claims = claimsOf(textOf(reply, 'access_token'))
    assert.equal(claims.sub, 'c_bank')
    assert.equal(claims.client_id, 'c_bank')
    assert.equal(claims.aud, payments)
    assert.deepEqual(claims.cnf, { jkt: keys.proof.thumbprint })
    for (const name of ['auth_time', 'acr', 'amr']) assert.ok(!(name in claims))
  })

  const spoiled: readonly [string, Readonly<Record<string, string>>, string, string][] = [
    ['openid', { scope: 'openid accounts' }, 'invalid_scope', 'client-credentials.openid'],
    ['offline_access', { scope: 'offline_access' }, 'invalid_scope', 'client-credentials.openid'],
    ['an unknown scope', { scope: 'accounts admin' }, 'invalid_scope', 'client-credentials.scope'],
    [
      'scopes of two resource servers',
      { scope: 'accounts payments' },
      'invalid_target',
      'resource.unambiguous',
    ],
    [
      'a scope of another resource',
      { scope: 'payments', resource: accounts },
      'invalid_scope',
      'order.scope-empty',
    ],
    ['an unknown resource', { resource: 'https://unknown.example' }, 'invalid_target', 'resource.allowed'],
  ]
  for (const [name, fields, error, ruleId] of spoiled)
    test(`${name} is ${error}`, async () => {
      await using world = await openWorld()
      const reply = await requestToken(world, 'c_bank', { ...grantType, ...fields })
      await assertRefused(world, reply, { status: 400, error, ruleId })
    })

  test('without scope the token has what the client registered for the resource, and nothing of a user', async () => {
    await using world = await openWorld()
    const reply = await requestToken(world, 'c_bank', { ...grantType, resource: accounts })
    assert.equal(jsonOf(reply).scope, 'accounts')
  })

  test('scope order does not matter and repeats are dropped', async () => {
    await using world = await openWorld()
    const reply = await requestToken(world, 'c_bank', { ...grantType, scope: 'accounts  accounts' })
    assert.equal(jsonOf(reply).scope, 'accounts')
  })

  test('a client without resources gets a token for the issuer itself', async () => {
    const client = clientOf({ clientId: 'c_bare', resources: [], scopes: ['own'] })
    await using world = await openWorld({ clients: [client] })
    const reply = await requestToken(world, 'c_bare', grantType)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal((await world.lastAudit('token.issued'))?.facts.audience, issuerUrl)
  })

  test('a public client is unauthorized_client', async () => {
    await using world = await openWorld()
    const reply = await requestToken(world, 'c_app', grantType, { authentication: 'none' })
    await assertRefused(world, reply, {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'client-credentials.confidential',
    })
  })

  test('profiles of client and resource that contradict each other are invalid_target', async () => {
    const client = clientOf({ clientId: 'c_rsa' })
    const odd = {
      ...client,
      profile: { ...client.profile, signingAlgs: ['RS256' as const, 'ES256' as const] },
    }
    await using world = await openWorld({
      clients: [{ ...odd, profile: { ...odd.profile, senderConstraintMethods: [] } }],
    })
    const reply = await requestToken(world, 'c_rsa', { ...grantType, scope: 'payments' })
    await assertRefused(world, reply, { status: 400, error: 'invalid_target', ruleId: 'order.profile' })
  })
})
