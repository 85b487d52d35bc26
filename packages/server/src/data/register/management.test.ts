import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { authorizeRoom } from '../authorize/room.ts'
import { introspectRoom } from '../introspect/room.ts'
import { locationOf, openBrowser, push } from '../testing/browser.ts'
import { accounts, keys, redirectUri } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { goodMetadata, openRegistrationWorld, registeredIn } from '../testing/registration-world.ts'
import { issuerUrl } from '../testing/world.ts'

const apiClient = [
  'Client',
  'c_rs',
  {
    introspects: ['accounts'],
    profile: 'oidc-baseline',
    metadata: { grant_types: ['client_credentials'], jwks: { keys: [keys.resourceServer.publicJwk] } },
  },
] as const

describe('management', () => {
  test('a client reads itself, and each use of its token makes a new one', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token, information } = await registeredIn(world)
    const read = await world.manage('GET', clientId, token)
    assert.equal(read.status, 200)
    const { registration_access_token: next, ...same } = jsonOf(read)
    const { registration_access_token: first, ...before } = information as Record<string, unknown>
    assert.deepEqual(same, before)
    assert.notEqual(next, first)
    assert.equal((await world.manage('GET', clientId, token)).status, 401)
    assert.equal((await world.manage('GET', clientId, String(next))).status, 200)
    assert.equal((await world.lastAudit('client.read'))?.clientId, clientId)
  })

  test('an update replaces what was registered, and what is left out is gone', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world, {
      ...goodMetadata,
      ...{ 'client_name#de': 'Programm', tos_uri: 'https://client.example/terms' },
    })
    const { client_name: _name, ...rest } = goodMetadata
    const redirect_uris = ['https://client.example/new']
    const reply = await world.manage('PUT', clientId, token, {
      ...{ ...rest, redirect_uris, client_id: clientId, tos_uri: null, scope: 'accounts' },
    })
    assert.equal(reply.status, 200, String(reply.body))
    const after = jsonOf(reply)
    for (const gone of ['client_name', 'client_name#de', 'tos_uri']) assert.equal(after[gone], undefined)
    assert.deepEqual(after.redirect_uris, redirect_uris)
    const served = world.current().clients.get(clientId)
    assert.deepEqual([served?.redirectUris, served?.scopes], [redirect_uris, ['accounts']])
    assert.equal((await world.manage('GET', clientId, token)).status, 401)
    assert.equal(
      (await world.manage('GET', clientId, textOf(reply, 'registration_access_token'))).status,
      200,
    )
    assert.equal((await world.lastAudit('client.updated'))?.clientId, clientId)
  })

  test('a refused update changes nothing and leaves the token as it is', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const body = { ...goodMetadata, client_id: clientId }
    const refusals: readonly (readonly [object, string, string])[] = [
      [goodMetadata, 'invalid_request', 'management.client-id'],
      [{ ...body, client_id: 'c_other' }, 'invalid_request', 'management.client-id'],
      [{ ...body, registration_access_token: token }, 'invalid_request', 'management.issued-members'],
      [{ ...body, client_secret_expires_at: 0 }, 'invalid_request', 'management.issued-members'],
      [{ ...body, client_secret: 'chosen' }, 'invalid_request', 'management.client-secret'],
      [
        { ...body, redirect_uris: ['http://client.example/cb'] },
        'invalid_redirect_uri',
        'registration.redirect-hosts',
      ],
      [[], 'invalid_client_metadata', 'registration.json'],
    ]
    const before = world.current().registered.get(clientId)
    for (const [update, error, ruleId] of refusals) {
      const reply = await world.manage('PUT', clientId, token, update)
      assert.deepEqual([reply.status, jsonOf(reply).error], [400, error])
      assert.equal((await world.lastAudit('management.refused'))?.ruleId, ruleId)
    }
    assert.deepEqual(world.current().registered.get(clientId), before)
    assert.equal((await world.manage('GET', clientId, token)).status, 200)
  })

  test('the current secret may stand in an update, another may not', async () => {
    await using world = await openRegistrationWorld()
    const { jwks: _keys, dpop_bound_access_tokens: _bound, ...rest } = goodMetadata
    const metadata = { ...rest, token_endpoint_auth_method: 'client_secret_basic' }
    const made = await registeredIn(world, metadata, { policy: { profile: 'oidc-baseline' } })
    const { client_secret } = made.information as Record<string, unknown>
    const body = { ...metadata, client_id: made.clientId }
    const wrong = await world.manage('PUT', made.clientId, made.token, { ...body, client_secret: 'cs_other' })
    assert.equal((await world.lastAudit('management.refused'))?.ruleId, 'management.client-secret')
    assert.equal(wrong.status, 400)
    const right = await world.manage('PUT', made.clientId, made.token, { ...body, client_secret })
    assert.equal(right.status, 200)
    assert.equal(world.current().clients.get(made.clientId)?.secrets.length, 1)
  })

  test('a deleted client is gone with its tokens, its grants and what was under way', async () => {
    await using world = await openRegistrationWorld({ more: [apiClient] })
    const metadata = { ...goodMetadata, scope: 'openid profile accounts offline_access' }
    const { clientId, token } = await registeredIn(world, metadata)
    const pushed = await push(world, { clientId })
    const spentLater = await seedCode(world, clientId)
    const issued = await redeem(world, clientId, (await seedCode(world, clientId)).code, {
      spoil: { resource: accounts },
    })
    assert.equal(issued.status, 200, String(issued.body))
    const introspect = async (): Promise<unknown> =>
      jsonOf(
        await world.send(introspectRoom, '/introspect', {
          form: { ...world.assertion('c_rs'), token: textOf(issued, 'access_token') },
        }),
      ).active
    assert.equal(await introspect(), true)
    const browser = openBrowser(world)
    const opened = await browser.get(
      `${issuerUrl}/authorize?${new URLSearchParams({ client_id: clientId, request_uri: textOf(pushed, 'request_uri') })}`,
    )
    assert.equal(opened.status, 200)
    assert.equal((await browser.get(locationOf(opened).href)).status, 200)

    const deleted = await world.manage('DELETE', clientId, token)
    assert.deepEqual([deleted.status, String(deleted.body)], [204, ''])
    assert.equal((await world.lastAudit('client.deleted'))?.clientId, clientId)
    for (const method of ['GET', 'PUT', 'DELETE'] as const)
      assert.equal((await world.manage(method, clientId, token, {})).status, 401, method)
    assert.equal(await introspect(), false)
    const refresh = { grant_type: 'refresh_token', refresh_token: textOf(issued, 'refresh_token') }
    assert.deepEqual(jsonOf(await requestToken(world, clientId, refresh)).error, 'invalid_client')
    assert.equal(jsonOf(await redeem(world, clientId, spentLater.code)).error, 'invalid_client')
    const again = await world.send(authorizeRoom, '/authorize', {
      method: 'GET',
      query: new URLSearchParams({
        client_id: clientId,
        request_uri: textOf(pushed, 'request_uri'),
      }).toString(),
    })
    assert.equal(again.status, 400)
    const page = await browser.get(locationOf(opened).href)
    assert.equal(page.status >= 400, true, 'the open interaction has ended')
    // No document brings it back, and no other client gets its name.
    const revive = world.applied([['Client', clientId, { metadata: goodMetadata }]])
    await assert.rejects(revive, /registered itself, or did once/)
  })

  test('an older export does not bring a deleted client back', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const record = (await world.store.listDocuments()).find(({ name }) => name === clientId)
    const { spec } = JSON.parse(record?.body ?? '{}') as { spec: object }
    assert.equal((await world.manage('DELETE', clientId, token)).status, 204)
    await assert.rejects(world.applied([['RegisteredClient', clientId, spec]]), /never used again/)
  })

  test('who may not manage: a wrong token and a client that never was are the same, a suspended one is told', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const wrong = await world.manage('GET', clientId, `rat_${'x'.repeat(49)}`)
    const unknown = await world.manage('GET', 'c_never_was', token)
    const none = await world.manage('GET', clientId, undefined)
    assert.deepEqual([wrong.status, unknown.status, none.status], [401, 401, 401])
    const told = ({ headers, body }: typeof wrong) =>
      JSON.stringify([headers, String(body).replace(/req-\d+/, '')])
    assert.equal(told(wrong), told(unknown))
    const registered = world.current().registered.get(clientId)
    const { clientId: _id, ...spec } = registered ?? { clientId: '' }
    await world.applied([['RegisteredClient', clientId, { ...spec, status: 'suspended' }]])
    await world.ports.refreshSnapshot()
    const suspended = await world.manage('DELETE', clientId, token)
    assert.deepEqual([suspended.status, jsonOf(suspended).error], [403, 'access_denied'])
    const ask = await requestToken(world, clientId, { grant_type: 'client_credentials', resource: accounts })
    assert.equal(ask.status, 401)
  })

  test('a client that the documents of another name is not deleted under them', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const exchanges = { tokensOf: [clientId] }
    await world.applied([['Client', 'friend', { exchanges, metadata: { ...goodMetadata } }]])
    await world.ports.refreshSnapshot()
    const reply = await world.manage('DELETE', clientId, token)
    assert.equal(reply.status, 403)
    assert.equal((await world.lastAudit('management.refused'))?.ruleId, 'management.named-by-others')
    assert.deepEqual(world.current().clients.get(clientId)?.redirectUris, [redirectUri])
  })
})
