import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeScopeGrant, requestScopeGrant } from '../../control/scope-grants.ts'
import { introspectRoom } from '../introspect/room.ts'
import { parRoom } from '../par/room.ts'
import { goodRequest } from '../testing/browser.ts'
import { keys } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import {
  goodMetadata,
  openRegistrationWorld,
  type RegistrationWorld,
  registeredIn,
} from '../testing/registration-world.ts'

/** A client that registers itself is one more client: of a governed API it has what people granted, and no more. */

const ledger = 'https://ledger.example'
const open = (): Promise<RegistrationWorld> =>
  openRegistrationWorld({
    more: [
      ['Scope', 'ledger:read', { title: 'Read the ledger', description: 'All entries.' }],
      ['ResourceServer', 'ledger', { audience: ledger, governed: true, scopes: ['ledger:read'] }],
      [
        'Client',
        'c_rs',
        {
          introspects: ['ledger'],
          metadata: {
            ...{ grant_types: ['client_credentials'], scope: 'openid', dpop_bound_access_tokens: true },
            jwks: { keys: [keys.resourceServer.publicJwk] },
          },
        },
      ],
      [
        'ApiOperations',
        'ledger',
        {
          owner: 'bookkeeping',
          operations: [
            {
              ...{ id: 'read', method: 'GET', path: '/entries', description: 'Read', tier: 1 },
              coveredBy: [{ scopes: ['ledger:read'] }],
            },
          ],
        },
      ],
    ],
  })

const metadata = { ...goodMetadata, scope: 'openid accounts offline_access ledger:read' }
const policy = {
  scopes: ['openid', 'accounts', 'offline_access', 'ledger:read'],
  resources: ['accounts', 'ledger'],
}
const asked = { scope: 'ledger:read', resource: ledger }

async function granted(world: RegistrationWorld, client: string): Promise<string> {
  const request = {
    ...{ as: 'bob', client, resourceServer: 'ledger', scopes: ['ledger:read'], purpose: 'closing' },
    ...{ authorizationDetailsTypes: [], days: 1, reviewDays: 1 },
  }
  const requested = await requestScopeGrant(request, world.control)
  assert.ok(requested.ok, JSON.stringify(requested))
  const { name } = requested.value
  for (const [step, as] of [
    ['approve', 'alice'],
    ['activate', 'bob'],
  ] as const)
    await stepOf(world, name, step, as)
  return name
}

async function stepOf(
  world: RegistrationWorld,
  name: string,
  step: 'approve' | 'activate' | 'revoke',
  as: string,
): Promise<void> {
  const changed = await changeScopeGrant({ step, as, name }, world.control)
  assert.ok(changed.ok, JSON.stringify(changed))
  await world.ports.refreshSnapshot()
}

describe('a client that registers itself for a governed API', () => {
  test('gets nothing of it by registering, and what it was granted at every request until that ends', async () => {
    await using world = await open()
    const { clientId } = await registeredIn(world, metadata, { policy })
    const own = () => requestToken(world, clientId, { grant_type: 'client_credentials', ...asked })
    const pushed = () =>
      world.send(parRoom, '/par', {
        form: { ...goodRequest(clientId), ...world.assertion(clientId), ...asked },
      })
    assert.ok(!world.current().clients.get(clientId)?.scopes.includes('ledger:read'))
    assert.equal(jsonOf(await own()).error, 'invalid_scope')
    assert.equal(jsonOf(await pushed()).error, 'invalid_scope')

    const grant = await granted(world, clientId)
    assert.equal((await own()).status, 200)
    assert.equal((await pushed()).status, 201)
    const { code } = await seedCode(world, clientId, {
      grant: { scopes: ['offline_access', 'ledger:read'], resources: [ledger] },
    })
    const tokens = await redeem(world, clientId, code)
    const refresh = { grant_type: 'refresh_token', refresh_token: textOf(tokens, 'refresh_token') }
    assert.match(textOf(await requestToken(world, clientId, refresh), 'scope'), /ledger:read/)

    const [ofUser, ofClient] = [textOf(tokens, 'access_token'), textOf(await own(), 'access_token')]
    assert.deepEqual([await isActive(world, ofUser), await isActive(world, ofClient)], [true, true])

    await stepOf(world, grant, 'revoke', 'alice')
    assert.deepEqual([await isActive(world, ofUser), await isActive(world, ofClient)], [false, false])
    assert.equal((await world.audit()).at(-1)?.facts.inactive_by, 'token.within-rights')
    assert.equal(jsonOf(await own()).error, 'invalid_scope')
    assert.equal(jsonOf(await pushed()).error, 'invalid_scope')
    // What is left of the user's grant is refreshed, and nothing of the governed API with it.
    assert.equal(textOf(await requestToken(world, clientId, refresh), 'scope'), 'offline_access')
  })

  test('gets no token that outlives what it was granted', async () => {
    await using world = await open()
    const { clientId } = await registeredIn(world, metadata, { policy })
    await granted(world, clientId)
    const lifetime = async (fields: typeof asked | object): Promise<unknown> =>
      jsonOf(await requestToken(world, clientId, { grant_type: 'client_credentials', ...fields })).expires_in
    const end = 86_400
    world.clock.advance(end - 300)
    assert.equal(await lifetime(asked), 300)
    world.clock.advance(299)
    assert.equal(await lifetime(asked), 1)
    assert.equal(await lifetime({ scope: 'accounts' }), 300)
  })
})

async function isActive(world: RegistrationWorld, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}
