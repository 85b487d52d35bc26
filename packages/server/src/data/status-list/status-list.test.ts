import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { openPostgresStore } from '../../store/drivers/postgres.ts'
import {
  dropSchema,
  newSchema,
  postgresAbsence,
  testConnectionString,
} from '../../store/drivers/postgres-for-tests.ts'
import { revocationOfClient, revocationOfSubject } from '../../store/revocations.ts'
import type { Write } from '../../store/writes.ts'
import { revokeRoom } from '../revoke/room.ts'
import { header } from '../testing/browser.ts'
import { accounts, clientOf, payments } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf, fetchList, placeOf, statusOf, withLists } from '../testing/status-list.ts'
import {
  alice,
  fakeClock,
  issuerUrl,
  openWorld,
  seededEntropy,
  startOfWorld,
  type World,
} from '../testing/world.ts'
import { listFillSeconds, takeStatusPlace, tokensPerListMax } from './allocate.ts'
import { statusListRoom } from './room.ts'

const clients: readonly Client[] = [
  clientOf({
    clientId: 'c_service',
    grantTypes: [tokenExchangeGrantType],
    exchanges: { tokensOf: ['c_bank'], tokensFor: [] },
  }),
]
const open = (more: object = {}): Promise<World> =>
  openWorld({ resourceServers: withLists, clients, ...more })

const paying = { grant: { scopes: ['openid', 'offline_access', 'payments'], resources: [payments] } }

async function userTokens(world: World, clientId = 'c_bank') {
  const { code, grantId } = await seedCode(world, clientId, paying)
  const reply = await redeem(world, clientId, code)
  return { code, grantId, token: textOf(reply, 'access_token'), refresh: textOf(reply, 'refresh_token') }
}

const own = { grant_type: 'client_credentials', scope: 'payments', resource: payments }

async function revokeAt(world: World, token: string): Promise<void> {
  const reply = await world.send(revokeRoom, '/revoke', { form: { token, ...world.assertion('c_bank') } })
  assert.equal(reply.status, 200)
}

const absence = await postgresAbsence()

describe('where a token says its status is', () => {
  test('a JWT of a resource server with a status list names its place, and no other token does', async () => {
    await using world = await open()
    const { token } = await userTokens(world)
    const { idx, uri } = placeOf(token)
    assert.ok(Number.isSafeInteger(idx) && idx >= 0 && idx < 131_072)
    assert.match(uri, /^https:\/\/as\.example\/status-lists\/[-\w]{28}$/)
    const audit = await world.lastAudit('token.issued')
    assert.deepEqual([audit?.facts.status_index, uri.endsWith(String(audit?.facts.status_list))], [idx, true])

    const opaque = await requestToken(world, 'c_bank', {
      grant_type: 'client_credentials',
      scope: 'accounts',
      resource: accounts,
    })
    assert.doesNotMatch(textOf(opaque, 'access_token'), /\./)
    assert.equal((await world.lastAudit('token.issued'))?.facts.status_list, undefined)
    await using plain = await openWorld()
    assert.equal(claimsOf((await userTokens(plain)).token).status, undefined)
  })

  test('a refreshed token has a place of its own', async () => {
    await using world = await open()
    const { token, refresh } = await userTokens(world)
    const fields = { grant_type: 'refresh_token', refresh_token: refresh }
    const again = textOf(await requestToken(world, 'c_bank', fields), 'access_token')
    assert.equal(placeOf(again).uri, placeOf(token).uri)
    assert.notEqual(placeOf(again).idx, placeOf(token).idx)
  })

  test('no index is given twice, and none follows from another', async () => {
    await using world = await open()
    const places = Array.from({ length: tokensPerListMax + 1 }, () =>
      takeStatusPlace(world.issuer, 'ES256', world.ports),
    )
    const lists = [...new Set(places.map(({ list }) => list))]
    assert.equal(lists.length, 2)
    assert.equal(places.filter(({ list }) => list === lists[0]).length, tokensPerListMax)
    assert.equal(new Set(places.map(({ uri, index }) => `${uri} ${index}`)).size, places.length)
    assert.equal(
      new Set(places.slice(1).map(({ index }, at) => index - (places[at]?.index ?? 0))).size > 15_000,
      true,
    )
    // They are all over the list.
    for (let part = 0; part < 8; part++) {
      const inPart = places.filter(({ index }) => Math.floor(index / 16_384) === part).length
      assert.ok(inPart > 1800 && inPart < 2300, `${inPart} in part ${part}`)
    }
  })

  test('a list is filled for ten minutes, for one algorithm, by one process', async () => {
    await using world = await open()
    const take = (alg: 'ES256' | 'EdDSA' = 'ES256') => takeStatusPlace(world.issuer, alg, world.ports).list
    const first = take()
    assert.notEqual(take('EdDSA'), first)
    world.clock.advance(listFillSeconds - 1)
    assert.equal(take(), first)
    world.clock.advance(1)
    const second = take()
    assert.notEqual(second, first)
    await using other = await open()
    const restarted = { ...world.ports, store: other.store, entropy: seededEntropy('restarted') }
    assert.notEqual(takeStatusPlace(world.issuer, 'ES256', restarted).list, second)
  })
})

describe('a status list', () => {
  test('a list is served as what it is, is kept no longer than it may be, and is 304 to who has it', async () => {
    await using world = await open()
    const { uri } = placeOf((await userTokens(world)).token)
    const first = await fetchList(world, uri)
    assert.equal(first.status, 200)
    assert.equal(header(first, 'content-type'), 'application/statuslist+jwt')
    assert.equal(header(first, 'cache-control'), 'public, max-age=5')
    const { iat, exp, ttl } = claimsOf(String(first.body))
    assert.deepEqual([iat, exp, ttl], [startOfWorld, startOfWorld + 60, 10])
    const etag = header(first, 'etag') ?? ''
    world.clock.advance(4)
    const known = await fetchList(world, uri, { headers: [['if-none-match', etag]] })
    assert.deepEqual(
      [known.status, known.body, header(known, 'cache-control')],
      [304, '', 'public, max-age=1'],
    )
    world.clock.advance(1)
    const next = await fetchList(world, uri, { headers: [['if-none-match', etag]] })
    assert.deepEqual([next.status, claimsOf(String(next.body)).iat], [200, startOfWorld + 5])
    // A clock that steps back makes nothing younger.
    world.clock.advance(-100)
    assert.equal(claimsOf(String((await fetchList(world, uri)).body)).iat, startOfWorld - 95)
  })

  test('one that nobody names is 404, whatever is asked for, and writes nothing', async () => {
    await using world = await open()
    const { uri } = placeOf((await userTokens(world)).token)
    const before = (await world.audit()).length
    const last = uri.slice(-1)
    for (const id of [
      `${uri.slice(-28, -1)}${last === 'A' ? 'B' : 'A'}`,
      '',
      'x',
      'a'.repeat(28),
      `${uri.slice(-28)}%`,
      '.'.repeat(28),
    ])
      assert.equal((await fetchList(world, `${issuerUrl}/status-lists/${id}`)).status, 404)
    assert.equal((await world.audit()).length, before)
  })

  test('of another issuer over the same store is not served', async () => {
    await using world = await open()
    const { uri } = placeOf((await userTokens(world)).token)
    assert.equal(
      (await world.store.listStatuses(issuerUrl, uri.slice(-28), startOfWorld, undefined, 9)).length,
      1,
    )
    assert.deepEqual(
      await world.store.listStatuses('https://other.example', uri.slice(-28), startOfWorld, undefined, 9),
      [],
    )
  })

  test('of another time is not kept: 501', async () => {
    await using world = await open()
    const { uri } = placeOf((await userTokens(world)).token)
    const reply = await fetchList(world, uri, { query: `time=${startOfWorld}` })
    assert.equal(reply.status, 501)
    assert.equal(jsonOf(reply).error, 'invalid_request')
    assert.equal((await fetchList(world, uri, { query: 'other=1' })).status, 200)
  })

  test('is made once for all who ask, and a store that fails is not remembered', async () => {
    await using world = await open()
    const { uri } = placeOf((await userTokens(world)).token)
    let asked = 0
    let isBroken = true
    const store = {
      ...world.store,
      listStatuses: async (...args: Parameters<World['store']['listStatuses']>) => {
        asked++
        if (isBroken) throw new Error('disk')
        return await world.store.listStatuses(...args)
      },
    }
    const { pathname } = new URL(uri)
    const ask = () =>
      statusListRoom(world.exchange(pathname, { method: 'GET', params: { id: uri.slice(-28) } }), {
        ...world.ports,
        store,
      })
    await assert.rejects(ask())
    isBroken = false
    const replies = await Promise.all(Array.from({ length: 16 }, ask))
    assert.equal(new Set(replies.map(reply => String(reply.body))).size, 1)
    assert.equal(asked, 2)
  })
})

describe('a status follows every way a token ends', () => {
  const ways: readonly (readonly [
    string,
    (world: World, given: Awaited<ReturnType<typeof userTokens>>) => Promise<unknown>,
  ])[] = [
    ['the token is revoked', (world, { token }) => revokeAt(world, token)],
    ['its refresh token is revoked', (world, { refresh }) => revokeAt(world, refresh)],
    ['its code is presented again', (world, { code }) => redeem(world, 'c_bank', code)],
    [
      'its grant is revoked',
      (world, { grantId }) => committed(world, { kind: 'revoke-grant', id: grantId, at: world.clock.now() }),
    ],
    [
      'its grant is replaced',
      (world, { grantId }) => committed(world, { kind: 'end-grant', id: grantId, at: world.clock.now() }),
    ],
    [
      'all of the user is revoked',
      world => committed(world, ...revocationOfSubject(issuerUrl, alice, world.clock.now())),
    ],
    [
      'all of the client is revoked',
      world => committed(world, ...revocationOfClient(issuerUrl, 'c_bank', world.clock.now())),
    ],
    ['the user is disabled', world => disable(world, {})],
    ['the user is disabled, and its claims pretend', world => disable(world, { note: { status: 'active' } })],
    [
      'the user is deleted',
      world => committed(world, { kind: 'delete-user', issuer: issuerUrl, subject: alice }),
    ],
  ]
  for (const [name, end] of ways)
    test(`${name}`, async () => {
      await using world = await open()
      const given = await userTokens(world)
      const { token: other } = await userTokens(world, 'c_other')
      assert.equal(await statusOf(world, given.token), 0)
      await end(world, given)
      assert.equal(await statusOf(world, given.token), 1)
      const isOfUser = /user/.test(name)
      assert.equal(await statusOf(world, other), isOfUser ? 1 : 0)
    })

  test('a session ends with the grants that do not outlive it', async () => {
    await using world = await open()
    const grant = { ...paying.grant, scopes: ['openid', 'payments'], sid: 'sid-9' }
    const { code } = await seedCode(world, 'c_bank', { grant })
    const token = textOf(await redeem(world, 'c_bank', code), 'access_token')
    assert.equal(await statusOf(world, token), 0)
    await committed(world, { kind: 'revoke-grants-of-session', sid: 'sid-9', at: world.clock.now() })
    assert.equal(await statusOf(world, token), 1)
  })

  test('a client that got the token for itself is revoked, or suspended', async () => {
    await using world = await open()
    const token = textOf(await requestToken(world, 'c_bank', own), 'access_token')
    assert.equal(await statusOf(world, token), 0)
    const bank = world.issuer.clients.get('c_bank')
    assert.ok(bank)
    await using suspending = await open({ store: world.store, clients: [{ ...bank, status: 'suspended' }] })
    suspending.clock.advance(100)
    assert.equal(await statusOf(suspending, token), 1)
    world.clock.advance(200)
    assert.equal(await statusOf(world, token), 0)
    await committed(world, ...revocationOfClient(issuerUrl, 'c_bank', world.clock.now()))
    assert.equal(await statusOf(world, token), 1)
  })

  test('an exchanged token ends with the grant, and with the client, that it came from', async () => {
    await using world = await open()
    const exchanged = async () => {
      const { token, grantId } = await userTokens(world)
      const fields = {
        grant_type: tokenExchangeGrantType,
        subject_token: token,
        subject_token_type: accessTokenType,
        resource: payments,
      }
      const reply = await requestToken(world, 'c_service', fields)
      return { token: textOf(reply, 'access_token'), grantId }
    }
    const first = await exchanged()
    const second = await exchanged()
    assert.equal(await statusOf(world, first.token), 0)
    await committed(world, { kind: 'revoke-grant', id: first.grantId, at: world.clock.now() })
    assert.equal(await statusOf(world, first.token), 1)
    const bank = world.issuer.clients.get('c_bank')
    assert.ok(bank)
    assert.equal(await statusOf(world, second.token), 0)
    await using suspending = await open({
      store: world.store,
      clients: [...clients, { ...bank, status: 'suspended' }],
    })
    suspending.clock.advance(100)
    assert.equal(await statusOf(suspending, second.token), 1)
  })

  test('a revoked token stays revoked after it expired, as long as a slow clock may take it', async () => {
    await using world = await open()
    const { token } = await userTokens(world)
    const { token: kept } = await userTokens(world)
    await revokeAt(world, token)
    const { exp } = claimsOf(token) as { readonly exp: number }
    world.clock.advance(exp - world.clock.now() - 1)
    await world.store.expire(world.clock.now(), 1000)
    assert.equal(await statusOf(world, kept), 0)
    assert.equal(await statusOf(world, token), 1)
    await world.store.expire(epochSeconds(exp + 59), 1000)
    assert.equal(await statusOf(world, token), 1)
    await world.store.expire(epochSeconds(exp + 60), 1000)
    world.clock.advance(5)
    assert.equal((await fetchList(world, placeOf(token).uri)).status, 404)
  })

  test('on two nodes over PostgreSQL', { skip: absence ?? false }, async () => {
    const schema = newSchema()
    const clock = fakeClock()
    clock.advance(-3600)
    const options = { connectionString: testConnectionString, schema, clock }
    const stores = [await openPostgresStore(options), await openPostgresStore(options)] as const
    try {
      const [one, two] = [await open({ store: stores[0] }), await open({ store: stores[1] })]
      // A node of its own draws its own randomness.
      Object.assign(two.ports, { entropy: seededEntropy('two') })
      const user = {
        issuer: issuerUrl,
        subject: alice,
        username: 'alice',
        passwordHash: '',
        status: 'active',
        claims: {},
      } as const
      await committed(one, { kind: 'put-user', record: user })
      const here = await userTokens(one)
      const there = await userTokens(two)
      assert.notEqual(placeOf(here.token).uri, placeOf(there.token).uri)
      for (const world of [one, two])
        for (const { token } of [here, there]) assert.equal(await statusOf(world, token), 0)
      await revokeAt(two, here.token)
      for (const world of [one, two]) {
        assert.equal(await statusOf(world, here.token), 1)
        assert.equal(await statusOf(world, there.token), 0)
      }
    } finally {
      for (const store of stores) await store.close()
      await dropSchema(schema)
    }
  })
})

async function committed(world: World, ...writes: readonly Write[]): Promise<void> {
  assert.deepEqual(await world.store.commit(writes), { committed: true })
}

async function disable(world: World, claims: Readonly<Record<string, unknown>>): Promise<void> {
  const user = await world.store.findUserBySubject(issuerUrl, alice)
  assert.ok(user)
  await committed(world, { kind: 'put-user', record: { ...user, status: 'disabled', claims } })
}
