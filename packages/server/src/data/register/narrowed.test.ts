import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { introspectRoom } from '../introspect/room.ts'
import { bothStores } from '../testing/both-stores.ts'
import { accounts, keys } from '../testing/clients.ts'
import { jsonOf, requestToken, textOf } from '../testing/flow.ts'
import {
  goodMetadata,
  openRegistrationWorld,
  type RegistrationWorld,
  registeredIn,
} from '../testing/registration-world.ts'
import { issuerUrl } from '../testing/world.ts'

/** A client that takes less for itself (RFC 7592) is announced like one whose document takes it. */

const type = (name: string) => {
  const fields = [{ name: 'note', label: 'Note', kind: 'text' }]
  const spec = { resourceServer: 'accounts', title: 'Do this', description: 'Once.', fields }
  return ['AuthorizationDetailsType', name, spec] as const
}
const apiClient = [
  'Client',
  'c_rs',
  {
    introspects: ['accounts'],
    profile: 'oidc-baseline',
    metadata: { grant_types: ['client_credentials'], jwks: { keys: [keys.resourceServer.publicJwk] } },
  },
] as const
const policy = { authorizationDetailsTypes: ['reading', 'writing'] }
const wide = {
  ...goodMetadata,
  ...{ scope: 'openid profile accounts', authorization_details_types: ['reading', 'writing'] },
}
const narrow = { ...wide, scope: 'openid accounts', authorization_details_types: ['reading'] }

async function announced({ store }: RegistrationWorld): Promise<readonly string[]> {
  const events = await store.listRevocations(0, 100)
  assert.ok(events.every(({ what }) => what === 'client'))
  return events.map(({ key }) => key.slice(`${issuerUrl}\n`.length))
}

for (const { name, skip, open } of bothStores)
  describe(`a registered client that changes itself on ${name}`, { skip }, () => {
    const lesser: readonly (readonly [how: string, metadata: object])[] = [
      ['a scope', { ...wide, scope: 'openid profile' }],
      ['a scope that no API lists', { ...wide, scope: 'openid accounts' }],
      ['a type of details', { ...wide, authorization_details_types: ['writing'] }],
      ['all types of details', { ...wide, authorization_details_types: undefined }],
    ]
    for (const [how, metadata] of lesser)
      test(`is announced in the commit in which it gives up ${how}, and its record says so`, async () => {
        await using opened = await open()
        await using world = await openRegistrationWorld({
          ...{ store: opened.store, more: [type('reading'), type('writing')] },
        })
        const { clientId, token } = await registeredIn(world, wide, { policy })
        assert.deepEqual(await announced(world), [])
        const reply = await world.manage('PUT', clientId, token, { ...metadata, client_id: clientId })
        assert.equal(reply.status, 200, String(reply.body))
        assert.deepEqual(await announced(world), [clientId])
        const { facts } = (await world.lastAudit('client.updated')) ?? {}
        assert.deepEqual([facts?.narrowedCount, facts?.narrowed], [1, [clientId]])
      })

    const others: readonly (readonly [how: string, metadata: object])[] = [
      ['gets more', wide],
      ['stays what it is', narrow],
      ['is called otherwise', { ...narrow, client_name: 'Another name', contacts: ['us@client.example'] }],
    ]
    for (const [how, metadata] of others)
      test(`is not when it ${how}`, async () => {
        await using opened = await open()
        await using world = await openRegistrationWorld({
          ...{ store: opened.store, more: [type('reading'), type('writing')] },
        })
        const { clientId, token } = await registeredIn(world, narrow, { policy })
        const reply = await world.manage('PUT', clientId, token, { ...metadata, client_id: clientId })
        assert.equal(reply.status, 200, String(reply.body))
        assert.deepEqual(await announced(world), [])
        const { facts } = (await world.lastAudit('client.updated')) ?? {}
        assert.deepEqual(Object.keys(facts ?? {}), ['redirect_uris'])
      })
  })

describe('a registered client that gives something up', () => {
  test('is not announced by an update that is refused', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const metadata = {
      ...goodMetadata,
      client_id: clientId,
      scope: 'openid',
      redirect_uris: ['http://x.example'],
    }
    assert.equal((await world.manage('PUT', clientId, token, metadata)).status, 400)
    assert.deepEqual(await announced(world), [])
  })

  test('is announced as what ended the token that said it, and one that says less goes on', async () => {
    await using world = await openRegistrationWorld({ more: [apiClient] })
    const scope = 'openid profile accounts'
    const { clientId, token } = await registeredIn(world, { ...goodMetadata, scope })
    const issued = async (asked: string): Promise<string> => {
      const form = { grant_type: 'client_credentials', scope: asked, resource: accounts }
      const reply = await requestToken(world, clientId, form)
      assert.equal(reply.status, 200, String(reply.body))
      return textOf(reply, 'access_token')
    }
    const isActive = async (value: string): Promise<unknown> => {
      const form = { ...world.assertion('c_rs'), token: value }
      return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
    }
    const [less, more] = [await issued('accounts'), await issued('accounts profile')]
    assert.deepEqual([await isActive(less), await isActive(more)], [true, true])
    const metadata = { ...goodMetadata, scope: 'openid accounts', client_id: clientId }
    assert.equal((await world.manage('PUT', clientId, token, metadata)).status, 200)
    assert.deepEqual([await isActive(less), await isActive(more)], [true, false])
    assert.deepEqual(await announced(world), [clientId])
  })

  test('is announced once when it is deleted, as what has ended', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    assert.equal((await world.manage('DELETE', clientId, token)).status, 204)
    assert.deepEqual(await announced(world), [clientId])
    assert.deepEqual((await world.lastAudit('client.deleted'))?.facts, { by: 'client' })
  })
})
