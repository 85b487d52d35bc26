import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import { revokeRoom } from '../revoke/room.ts'
import { accounts, clientOf, keys, payments, resourceServers } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, type TokenRequestOptions, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, type FormFields, openWorld, type World } from '../testing/world.ts'

const exchanging = {
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', tokenExchangeGrantType],
} as const
/** A service behind the API that the user's application calls. */
const service = (clientId: string, more: Partial<Client> = {}): Client =>
  clientOf({ clientId, ...exchanging, ...more })

const clients: readonly Client[] = [
  service('c_bank'),
  service('c_api', { exchanges: { tokensOf: [], tokensFor: [accounts] } }),
  service('c_next', { exchanges: { tokensOf: ['c_api', 'c_third'], tokensFor: [] } }),
  service('c_third', { exchanges: { tokensOf: ['c_next'], tokensFor: [] } }),
  service('c_other'),
  service('c_careful', { mayAct: 'c_next' }),
]
/** `accounts` means something at both: a scope never grows on its way from one to the other. */
const servers = resourceServers.map(server =>
  server.audience === payments ? { ...server, scopes: ['payments', 'accounts'] } : server,
)

async function openServices(more: readonly Client[] = []): Promise<World> {
  return openWorld({ clients: [...clients, ...more], resourceServers: servers })
}

/** The access token Alice's application got, bound to its key. */
async function userToken(
  world: World,
  clientId = 'c_bank',
): Promise<{ readonly token: string; readonly grantId: string }> {
  const { code, grantId } = await seedCode(world, clientId)
  return { token: textOf(await redeem(world, clientId, code), 'access_token'), grantId }
}

function exchangeToken(
  world: World,
  clientId: string,
  subjectToken: string,
  spoil: FormFields = {},
  options: TokenRequestOptions = { proofKey: keys.otherProof },
): Promise<Reply> {
  const fields = {
    grant_type: tokenExchangeGrantType,
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
    resource: payments,
    ...spoil,
  }
  return requestToken(world, clientId, fields, options)
}

async function introspect(world: World, token: string): Promise<Readonly<Record<string, unknown>>> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form }))
}

describe('token exchange', () => {
  test('an API exchanges the token of a user for one of its own, with itself as the actor', async () => {
    await using world = await openServices()
    const { token } = await userToken(world)
    const reply = await exchangeToken(world, 'c_api', token)
    assert.equal(reply.status, 200, reply.body.toString())
    const answer = jsonOf(reply)
    assert.deepEqual(Object.keys(answer).sort(), [
      ...['access_token', 'expires_in', 'issued_token_type', 'scope', 'token_type'],
    ])
    assert.equal(answer.issued_token_type, accessTokenType)
    assert.equal(answer.token_type, 'DPoP')
    assert.equal(answer.scope, 'accounts')
    const claims = claimsOf(textOf(reply, 'access_token'))
    assert.equal(claims.sub, alice)
    assert.equal(claims.client_id, 'c_api')
    assert.equal(claims.aud, payments)
    assert.deepEqual(claims.act, { sub: 'c_api' })
    assert.deepEqual(claims.cnf, { jkt: keys.otherProof.thumbprint })
  })

  test('the new token keeps assurance and grant, and dies with its subject token', async () => {
    await using world = await openServices()
    const { token, grantId } = await userToken(world)
    const before = await introspect(world, token)
    world.clock.advance(200)
    const reply = await exchangeToken(world, 'c_api', token, { resource: accounts })
    const made = textOf(reply, 'access_token')
    const after = await introspect(world, made)
    for (const name of ['sub', 'auth_time', 'acr', 'amr', 'txn', 'exp'])
      assert.deepEqual(after[name], before[name], name)
    assert.equal(jsonOf(reply).expires_in, Number(before.exp) - world.clock.now())
    await world.store.commit([{ kind: 'revoke-grant', id: grantId, at: world.clock.now() }])
    assert.deepEqual(await introspect(world, made), { active: false })
  })

  test('revoking the refresh token of the application ends what was exchanged from its access token', async () => {
    await using world = await openServices()
    const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    const made = await exchangeToken(world, 'c_api', textOf(first, 'access_token'), { resource: accounts })
    const form = { token: textOf(first, 'refresh_token'), ...world.assertion('c_bank') }
    await world.send(revokeRoom, '/revoke', { form })
    assert.deepEqual(await introspect(world, textOf(made, 'access_token')), { active: false })
  })

  test('suspending the application ends what others exchanged from its tokens', async () => {
    await using world = await openServices()
    const { token } = await userToken(world)
    const made = textOf(await exchangeToken(world, 'c_api', token, { resource: accounts }), 'access_token')
    const suspended = clientOf({ clientId: 'c_bank', status: 'suspended' })
    await using later = await openWorld({ clients: [...clients, suspended], store: world.store })
    assert.deepEqual(await introspect(later, made), { active: false })
  })

  test('three services in a row are told newest first, in tokens and in introspection', async () => {
    await using world = await openServices()
    const { token } = await userToken(world)
    const one = textOf(await exchangeToken(world, 'c_api', token), 'access_token')
    const two = textOf(await exchangeToken(world, 'c_next', one), 'access_token')
    const three = textOf(await exchangeToken(world, 'c_third', two), 'access_token')
    const act = { sub: 'c_third', act: { sub: 'c_next', act: { sub: 'c_api' } } }
    assert.deepEqual(claimsOf(three).act, act)
    const four = textOf(await exchangeToken(world, 'c_next', three, { resource: accounts }), 'access_token')
    assert.deepEqual((await introspect(world, four)).act, { sub: 'c_next', act })
    const fifth = await exchangeToken(world, 'c_api', four)
    await assertRefused(world, fifth, { status: 400, error: 'invalid_request', ruleId: 'exchange.chain' })
  })

  test('a client narrows a token of its own, and nobody acts', async () => {
    await using world = await openServices()
    const { token } = await userToken(world)
    const options = { proofKey: keys.proof }
    const reply = await exchangeToken(world, 'c_bank', token, { scope: 'accounts' }, options)
    assert.equal(reply.status, 200, reply.body.toString())
    const claims = claimsOf(textOf(reply, 'access_token'))
    assert.ok(!('act' in claims))
    assert.equal(claims.scope, 'accounts')
  })

  test('an actor token names the actor', async () => {
    await using world = await openServices()
    const { token } = await userToken(world)
    const options = { proofKey: keys.otherProof }
    const fields = { grant_type: 'client_credentials', resource: accounts }
    const actor = textOf(await requestToken(world, 'c_api', fields, options), 'access_token')
    const actorFields = { actor_token: actor, actor_token_type: accessTokenType }
    const reply = await exchangeToken(world, 'c_api', token, actorFields)
    assert.deepEqual(claimsOf(textOf(reply, 'access_token')).act, { sub: 'c_api' })
    const stolen = await exchangeToken(world, 'c_next', token, actorFields)
    assert.equal(jsonOf(stolen).error, 'invalid_request')
    const otherKey = await exchangeToken(world, 'c_api', token, actorFields, { proofKey: keys.proof })
    await assertRefused(world, otherKey, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'exchange.actor-owner',
    })
  })

  test('a client credentials token is exchanged without a grant, and its client stays the subject', async () => {
    await using world = await openServices()
    const fields = { grant_type: 'client_credentials', resource: accounts }
    const token = textOf(await requestToken(world, 'c_bank', fields), 'access_token')
    const made = textOf(await exchangeToken(world, 'c_api', token, { resource: accounts }), 'access_token')
    const described = await introspect(world, made)
    assert.equal(described.sub, 'c_bank')
    assert.equal(described.client_id, 'c_api')
    assert.deepEqual(described.act, { sub: 'c_api' })
  })

  test('may_act stands in the tokens of a client that names who may act, and stops everybody else', async () => {
    const willing = service('c_next', { exchanges: { tokensOf: ['c_careful'], tokensFor: [] } })
    await using world = await openServices([willing])
    const { token } = await userToken(world, 'c_careful')
    assert.deepEqual((await introspect(world, token)).may_act, { sub: 'c_next' })
    const reply = await exchangeToken(world, 'c_next', token)
    assert.deepEqual(claimsOf(textOf(reply, 'access_token')).may_act, { sub: 'c_next' })
    const refused = await exchangeToken(world, 'c_api', token)
    await assertRefused(world, refused, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'exchange.may-act',
    })
  })

  test('the audit links the subject token with what was issued for it', async () => {
    await using world = await openServices()
    const { token } = await userToken(world)
    const subject = (await world.lastAudit('token.issued'))?.facts
    await exchangeToken(world, 'c_api', token)
    const issued = await world.lastAudit('token.issued')
    assert.equal(issued?.facts.subject_token_ref, subject?.token_ref)
    assert.equal(issued?.facts.subject_token_client, 'c_bank')
    assert.deepEqual(issued?.facts.actors, ['c_api'])
    assert.equal(issued?.facts.grant_id, subject?.grant_id)
    assert.equal(issued?.subject, alice)
  })
})

describe('token exchange refuses', () => {
  const spoiled: readonly [string, string, FormFields, string, string][] = [
    [
      'a token nobody issued',
      'c_api',
      { subject_token: 'at_x' },
      'invalid_request',
      'exchange.subject-active',
    ],
    [
      'no subject token',
      'c_api',
      { subject_token: undefined },
      'invalid_request',
      'exchange.subject-missing',
    ],
    ['an unknown type', 'c_api', { subject_token_type: 'x' }, 'invalid_request', 'exchange.subject-type'],
    ['an actor type alone', 'c_api', { actor_token_type: 'x' }, 'invalid_request', 'exchange.actor-type'],
    ['a refresh token', 'c_api', { requested_token_type: 'x' }, 'invalid_request', 'exchange.requested-type'],
    ['a client without policy', 'c_other', {}, 'invalid_request', 'exchange.policy'],
    ['its own token with another key', 'c_bank', {}, 'invalid_request', 'exchange.subject-binding'],
    ['openid', 'c_api', { scope: 'openid' }, 'invalid_scope', 'exchange.scope'],
    ['a scope the token lacks', 'c_api', { scope: 'payments' }, 'invalid_scope', 'exchange.scope'],
    ['an unknown resource', 'c_api', { resource: 'https://x.example' }, 'invalid_target', 'resource.allowed'],
    ['an unknown audience', 'c_api', { audience: 'x' }, 'invalid_target', 'resource.form'],
    ['two targets', 'c_api', { audience: accounts }, 'invalid_target', 'order.one-audience'],
  ]
  for (const [name, clientId, fields, error, ruleId] of spoiled)
    test(`${name}: ${error}`, async () => {
      await using world = await openServices()
      const { token } = await userToken(world)
      const reply = await exchangeToken(world, clientId, token, fields)
      await assertRefused(world, reply, { status: 400, error, ruleId })
    })

  test('a client that may ask for no resource', async () => {
    const bare = service('c_api', { resources: [], exchanges: { tokensOf: ['c_bank'], tokensFor: [] } })
    await using world = await openServices([bare])
    const { token } = await userToken(world)
    const reply = await exchangeToken(world, 'c_api', token, { resource: undefined })
    await assertRefused(world, reply, { status: 400, error: 'invalid_target', ruleId: 'exchange.target' })
  })

  test('a token without the registered grant type', async () => {
    await using world = await openServices([clientOf({ clientId: 'c_api' })])
    const { token } = await userToken(world)
    const reply = await exchangeToken(world, 'c_api', token)
    await assertRefused(world, reply, {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'grant-type.registered',
    })
  })

  test('a token that expired, and one whose user was disabled', async () => {
    await using world = await openServices()
    const { token } = await userToken(world)
    const user = await world.store.findUserBySubject(world.issuer.url, alice)
    assert.ok(user)
    await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    const dead = { status: 400, error: 'invalid_request', ruleId: 'exchange.subject-active' }
    await assertRefused(world, await exchangeToken(world, 'c_api', token), dead)
    await world.store.commit([{ kind: 'put-user', record: user }])
    assert.equal((await exchangeToken(world, 'c_api', token)).status, 200)
    world.clock.advance(300)
    await assertRefused(world, await exchangeToken(world, 'c_api', token), dead)
  })

  test('a grant that ends while it is exchanged is refused by exchange.ended', async () => {
    await using world = await openServices()
    const { token, grantId } = await userToken(world)
    const { store } = world.ports
    const racing = {
      ...world.ports,
      store: {
        ...store,
        commit: async (writes: Parameters<typeof store.commit>[0]) => {
          if (writes.some(({ kind }) => kind === 'insert-access-token'))
            await store.commit([{ kind: 'revoke-grant', id: grantId, at: world.clock.now() }])
          return store.commit(writes)
        },
      },
    }
    const during: World = {
      ...world,
      send: (room, path, request) => room(world.exchange(path, request), racing),
    }
    const reply = await exchangeToken(during, 'c_api', token)
    await assertRefused(world, reply, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'exchange.ended',
    })
  })

  test('a bound token where the request proves no key', async () => {
    const loose = { dpopBoundAccessTokens: false, resources: [accounts] }
    const { profile } = clientOf({ clientId: 'c_api' })
    const client = service('c_api', {
      ...loose,
      exchanges: { tokensOf: ['c_bank'], tokensFor: [] },
    })
    await using world = await openServices([
      { ...client, profile: { ...profile, senderConstraint: 'allowed' } },
    ])
    const { token } = await userToken(world)
    const reply = await exchangeToken(world, 'c_api', token, { resource: accounts }, { proofKey: 'none' })
    await assertRefused(world, reply, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'exchange.unbound',
    })
  })
})
