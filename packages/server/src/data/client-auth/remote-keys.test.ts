import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientOf, keys } from '../testing/clients.ts'
import { requestToken } from '../testing/flow.ts'
import { newTestKey } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { openWorld, type World } from '../testing/world.ts'

const url = 'https://keys.client.example/jwks.json'
const set = { keys: [keys.remote.publicJwk] }
const credentials = { grant_type: 'client_credentials', scope: 'accounts' }

const askAs = (world: World, kid?: string): ReturnType<typeof requestToken> =>
  requestToken(world, 'c_remote', {
    ...credentials,
    ...world.assertion('c_remote', kid === undefined ? {} : { header: { kid } }),
  })

describe('keys behind jwks_uri', () => {
  test('one fetch serves ten minutes', async () => {
    await using world = await openWorld({ documents: new Map([[url, set]]) })
    assert.equal((await askAs(world)).status, 200)
    world.clock.advance(599)
    assert.equal((await askAs(world)).status, 200)
    assert.equal(world.fetched.length, 1)
    world.clock.advance(1)
    assert.equal((await askAs(world)).status, 200)
    assert.equal(world.fetched.length, 2)
  })

  test('parallel requests share one fetch', async () => {
    await using world = await openWorld({ documents: new Map([[url, set]]) })
    const replies = await Promise.all(Array.from({ length: 20 }, () => askAs(world)))
    assert.ok(replies.every(reply => reply.status === 200))
    assert.equal(world.fetched.length, 1)
  })

  test('an unknown kid asks again once a minute, however often it comes', async () => {
    await using world = await openWorld({ documents: new Map([[url, set]]) })
    await askAs(world)
    world.clock.advance(60)
    for (let count = 0; count < 100; count++)
      await assertRefused(world, await askAs(world, `kid-${count}`), { status: 401, error: 'invalid_client' })
    assert.equal(world.fetched.length, 2)
    world.clock.advance(59)
    await askAs(world, 'kid-x')
    assert.equal(world.fetched.length, 2)
    world.clock.advance(1)
    await askAs(world, 'kid-y')
    assert.equal(world.fetched.length, 3)
  })

  test('a new key is found by the refetch its kid causes', async () => {
    const documents = new Map<string, unknown>([[url, set]])
    await using world = await openWorld({ documents })
    await askAs(world)
    const young = newTestKey('ES256', 'remote-2')
    documents.set(url, { keys: [keys.remote.publicJwk, young.publicJwk] })
    world.clock.advance(61)
    const assertion = world.assertion('c_remote', { key: young })
    assert.equal((await requestToken(world, 'c_remote', { ...credentials, ...assertion })).status, 200)
  })

  test('a removed key stops verifying when its ten minutes are over', async () => {
    const documents = new Map<string, unknown>([[url, set]])
    await using world = await openWorld({ documents })
    await askAs(world)
    documents.set(url, { keys: [] })
    world.clock.advance(599)
    assert.equal((await askAs(world)).status, 200)
    world.clock.advance(1)
    await assertRefused(world, await askAs(world), { status: 401, error: 'invalid_client' })
  })

  test('when the source is down, known keys serve for an hour and no longer', async () => {
    const documents = new Map<string, unknown>([[url, set]])
    await using world = await openWorld({ documents })
    await askAs(world)
    documents.delete(url)
    world.clock.advance(3600)
    assert.equal((await askAs(world)).status, 200)
    world.clock.advance(1)
    await assertRefused(world, await askAs(world), { status: 401, error: 'invalid_client' })
  })

  test('when the source is down and nothing is known, it is invalid_client and an alarm for the operator', async () => {
    await using world = await openWorld()
    await assertRefused(world, await askAs(world), {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.signature',
    })
    assert.ok(world.counted.includes('client_jwks_fetch_failures_total'))
  })

  for (const document of [
    null,
    'text',
    [],
    { keys: 'no list' },
    { keys: [null, 7, {}] },
    { keys: [{ kty: 'oct', k: 'AA' }] },
  ])
    test(`a document ${JSON.stringify(document)} is an empty key set`, async () => {
      await using world = await openWorld({ documents: new Map([[url, document]]) })
      await assertRefused(world, await askAs(world), { status: 401, error: 'invalid_client' })
    })

  test('of a set only the first twenty keys are looked at', async () => {
    const many = Array.from({ length: 20 }, (_, index) => newTestKey('ES256', `k-${index}`).publicJwk)
    const inside = clientOf({ clientId: 'c_many', jwks: { keys: [...many.slice(1), keys.bank.publicJwk] } })
    const outside = clientOf({ clientId: 'c_more', jwks: { keys: [...many, keys.bank.publicJwk] } })
    await using world = await openWorld({ clients: [inside, outside] })
    assert.equal((await requestToken(world, 'c_many', credentials)).status, 200)
    await assertRefused(world, await requestToken(world, 'c_more', credentials), {
      status: 401,
      error: 'invalid_client',
    })
  })
})
