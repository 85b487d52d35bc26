import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { revokeRoom } from '../revoke/room.ts'
import { accounts, clientOf, payments } from '../testing/clients.ts'
import { detailTypes } from '../testing/details.ts'
import { currentNonce, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { callRoom } from './call-room.ts'

/**
 * A resource server turns against the others (E2): it asks with what is not its own, about what is not addressed to it,
 * and in texts that mean two things.
 */

const path = '/policies/access/v1/evaluation'
const scope = 'access_evaluation'
const gateway = clientOf({
  ...{ clientId: 'c_gateway', scopes: ['openid', 'accounts', scope], introspects: [accounts] },
})
const elsewhere = clientOf({ clientId: 'c_elsewhere', scopes: ['openid', scope] })
const gone = clientOf({ clientId: 'c_gone', status: 'suspended' })
const guarding = policiesWith(
  `@id("own.secret") forbid (principal, action == Action::"access", resource in Resource::"${payments}")
   when { context has user && context.user == User::"u_watched" };`,
)
const open = (): Promise<World> => openWorld({ clients: [gateway, elsewhere, gone], policies: guarding })

const context = { client_id: 'c_bank', audience: [accounts], scopes: ['accounts'], binding: 'key' }
const question = (change: object = {}, subject = 'u_alice'): object => ({
  ...{ subject: { type: 'user', id: subject }, action: { name: 'read' } },
  ...{ resource: { type: 'account', id: '7' }, context: { ...context, ...change } },
})

async function ownToken(world: World, clientId = 'c_gateway'): Promise<string> {
  return textOf(
    await requestToken(world, clientId, { grant_type: 'client_credentials', scope }),
    'access_token',
  )
}

async function ask(world: World, body: object | string, token?: string): Promise<Reply> {
  const accessToken = token ?? (await ownToken(world))
  return await world.send(callRoom, path, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: [
      ['content-type', 'application/json'],
      ['authorization', `DPoP ${accessToken}`],
      ['dpop', world.proof(path, { accessToken, nonce: currentNonce(world) })],
    ],
  })
}

async function told(world: World, body: object, token?: string): Promise<string> {
  const reply = await ask(world, body, token)
  assert.equal(reply.status, 200, String(reply.body))
  return String(reply.body)
}

describe('whoever asks about calls', () => {
  const ends: readonly (readonly [string, string, (world: World, token: string) => unknown])[] = [
    [
      'was revoked',
      'token.revoked',
      (world, token) =>
        world.send(revokeRoom, '/revoke', { form: { token, ...world.assertion('c_gateway') } }),
    ],
    [
      'expired',
      'token.expired',
      world => void world.clock.advance(gateway.profile.accessTokenLifetimeSeconds),
    ],
    [
      'is of a client that was suspended',
      'token.client-active',
      world =>
        void (world.issuer.clients as Map<string, Client>).set('c_gateway', {
          ...gateway,
          status: 'suspended',
        }),
    ],
  ]
  for (const [name, ruleId, end] of ends)
    test(`has a token that lives: one that ${name} asks nothing`, async () => {
      await using world = await open()
      const token = await ownToken(world)
      assert.match(await told(world, question(), token), /^{"decision":true/)
      await end(world, token)
      const reply = await ask(world, question(), token)
      assert.equal(reply.status, 401)
      assert.equal((await world.lastAudit('access.refused'))?.ruleId, ruleId)
      assert.equal((await world.audit()).filter(({ event }) => event === 'policy.access').length, 1)
    })

  test('speaks for itself: a user who allowed it does not lend it the question', async () => {
    await using world = await open()
    const grant = { resources: [issuerUrl], scopes: ['openid', scope] }
    const { code } = await seedCode(world, 'c_gateway', { grant })
    const token = textOf(await redeem(world, 'c_gateway', code), 'access_token')
    assert.equal((await ask(world, question(), token)).status, 401)
    assert.equal((await world.lastAudit('access.refused'))?.ruleId, 'authzen.caller')
  })

  test('answers for the audience now: one that was taken from it is not asked about by an older token', async () => {
    await using world = await open()
    const token = await ownToken(world)
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_gateway', { ...gateway, introspects: [payments] })
    assert.match(await told(world, question(), token), /^{"decision":false.*"status":403/)
    assert.equal((await world.lastAudit('access.refused'))?.ruleId, 'authzen.call-audience')
  })
})

describe('what is not addressed to whoever asks', () => {
  test('is told apart by nothing: API, client, user and policy look alike, there or not', async () => {
    await using world = await open()
    const answers = new Set<string>()
    const others = [payments, 'https://nowhere.example', issuerUrl, `${accounts}/`]
    for (const audience of others.flatMap(one => [[one], [accounts, one], [one, accounts]]))
      for (const client_id of ['c_bank', 'c_gone', 'c_nobody', '__proto__'])
        for (const subject of ['u_alice', 'u_watched', 'u_nobody', 'c_bank'])
          answers.add(await told(world, question({ audience, client_id, scopes: ['payments'] }, subject)))
    const own = await told(world, question(), await ownToken(world, 'c_elsewhere'))
    assert.deepEqual([...answers, own], Array(2).fill(own))
    assert.deepEqual(
      [
        ...new Set(
          (await world.audit()).flatMap(({ event, ruleId }) => (ruleId ? [`${event} ${ruleId}`] : [])),
        ),
      ],
      ['access.refused authzen.call-audience'],
    )
  })

  test('a scope or a type of another API is not asked about as one of its own', async () => {
    await using world = await openWorld({ clients: [gateway], policies: guarding, detailTypes })
    const ofOthers = [
      { scopes: ['accounts', 'payments'] },
      { scopes: ['payments'] },
      { authorization_details: [{ type: 'payment_initiation' }] },
      { authorization_details: [{ type: 'account_reading' }, { type: 'payment_initiation' }] },
    ]
    for (const change of ofOthers) {
      assert.match(await told(world, question(change)), /^{"decision":false.*"status":403/)
      assert.equal((await world.lastAudit('access.refused'))?.ruleId, 'authzen.call-reach')
    }
    assert.equal(await world.lastAudit('policy.access'), undefined)
    const ofNobody = ['openid', 'accounts', 'nobodys']
    for (const change of [
      { scopes: ofNobody },
      { scopes: [], authorization_details: [{ type: 'account_reading' }, { type: 'nobodys' }] },
    ])
      assert.match(await told(world, question(change)), /^{"decision":true/)
  })

  test('a client that is not served looks as one that is not there', async () => {
    await using world = await open()
    const answers = ['c_gone', 'c_nobody', 'constructor', '__proto__'].map(client_id =>
      told(world, question({ client_id })),
    )
    assert.equal(new Set(await Promise.all(answers)).size, 1)
  })

  test('a user who is not there is asked about like one who is', async () => {
    await using world = await open()
    assert.equal(await told(world, question({}, 'u_nobody')), await told(world, question()))
  })
})

describe('a text that means two things', () => {
  const good = JSON.stringify(question())
  const texts: readonly (readonly [string, string, string])[] = [
    [
      'an audience twice',
      good.replace('"audience":', `"audience":["${payments}"],"audience":`),
      'authzen.body',
    ],
    [
      'an audience twice, once escaped',
      good.replace('"audience":', `"\\u0061udience":["x"],"audience":`),
      'authzen.body',
    ],
    [
      'a subject twice',
      good.replace('"subject":', '"subject":{"type":"user","id":"u_x"},"subject":'),
      'authzen.body',
    ],
    ['a prototype', good.replace('"context":{', '"context":{"__proto__":{"acr":"urn:mfa"},'), 'authzen.body'],
    ['a prototype of the whole', good.replace('{', '{"__proto__":{"context":{}},'), 'authzen.body'],
    ['a number without end', good.replace('"context":{', '"context":{"auth_time":1e999,'), 'authzen.body'],
    [
      'a time too large to be told from the next',
      good.replace('"context":{', '"context":{"auth_time":9007199254740993,'),
      'authzen.call-user',
    ],
    ['a time as a float', good.replace('"context":{', '"context":{"auth_time":1e300,'), 'authzen.call-user'],
    ['half a character', good.replace('"7"', '"\\ud800"'), 'authzen.body'],
    ['U+0000 in an id', good.replace('"7"', '"7\\u0000"'), 'authzen.body'],
    ['a mark before it', `\ufeff${good}`, 'authzen.body'],
    ['two texts', `${good}${good}`, 'authzen.body'],
    [
      'too deep',
      good.replace('"context":{', `"context":{"x":${'['.repeat(15)}${']'.repeat(15)},`),
      'authzen.body',
    ],
    [
      'too many members',
      good.replace('"context":{', `"context":{"x":[${'1,'.repeat(20_000)}1],`),
      'authzen.body',
    ],
    ['context that is null', JSON.stringify({ ...question(), context: null }), 'authzen.call-token'],
  ]
  for (const [name, text, ruleId] of texts)
    test(`is none: ${name}`, async () => {
      assert.notEqual(text, good)
      await using world = await open()
      const reply = await ask(world, text)
      assert.equal(reply.status, 400, String(reply.body))
      assert.equal((await world.lastAudit('access.refused'))?.ruleId, ruleId)
      assert.equal(await world.lastAudit('policy.access'), undefined)
    })

  test('names of prototypes are names, and no more', async () => {
    await using world = await open()
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      const said = question(
        { scopes: [name], acr: name, amr: [name], authorization_details: [{ type: name }] },
        name,
      )
      assert.match(await told(world, { ...said, resource: { type: name, id: name } }), /^{"decision":true/)
    }
  })

  test('as deep as is read, it is read', async () => {
    await using world = await open()
    const deep = good.replace('"context":{', `"context":{"x":${'['.repeat(14)}${']'.repeat(14)},`)
    assert.equal((await ask(world, deep)).status, 200)
  })
})
