import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRegistrationToken } from '../../control/registration-tokens.ts'
import { backchannelAuthenticationRoom } from '../ciba/authentication-room.ts'
import { parRoom } from '../par/room.ts'
import { goodRequest } from '../testing/browser.ts'
import { accounts } from '../testing/clients.ts'
import { asking } from '../testing/details.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import {
  goodMetadata,
  openRegistrationWorld,
  type RegistrationWorld,
  registeredIn,
  usualPolicy,
} from '../testing/registration-world.ts'

/** Types of `authorization_details` that a client registers by itself (RFC 9396 section 10). */

const fields = [{ name: 'note', label: 'Note', kind: 'text', lengthMax: 20, required: true }]
const typed = (name: string, resourceServer = 'accounts') =>
  [
    'AuthorizationDetailsType',
    name,
    { resourceServer, title: 'Do this', description: 'Once.', fields },
  ] as const

const open = (): Promise<RegistrationWorld> =>
  openRegistrationWorld({
    more: [
      ['ResourceServer', 'other', { audience: 'https://other.example', scopes: [] }],
      typed('reading'),
      typed('writing'),
      typed('elsewhere', 'other'),
    ],
  })
const reading = { authorizationDetailsTypes: ['reading'] }
const metadata = { ...goodMetadata, authorization_details_types: ['reading'] }

const push = (world: RegistrationWorld, clientId: string, type: string) =>
  world.send(parRoom, '/par', {
    form: {
      ...goodRequest(clientId),
      ...world.assertion(clientId),
      resource: accounts,
      ...asking({ type, note: 'x' }),
    },
  })

describe('types of authorization details at registration', () => {
  test('a client registers what its token allows, is told so, and may ask for that and nothing else', async () => {
    await using world = await open()
    const { clientId, token, information } = await registeredIn(world, metadata, { policy: reading })
    assert.deepEqual(jsonOf(await world.manage('GET', clientId, token)).authorization_details_types, [
      'reading',
    ])
    assert.deepEqual((information as typeof metadata).authorization_details_types, ['reading'])
    const pushed = await push(world, clientId, 'reading')
    assert.equal(pushed.status, 201, String(pushed.body))
    for (const [type, ruleId] of [
      ['writing', 'authorization-details.client-type'],
      ['elsewhere', 'authorization-details.client-type'],
      ['nothing', 'authorization-details.known-type'],
    ] as const) {
      const refused = await push(world, clientId, type)
      assert.equal(jsonOf(refused).error, 'invalid_authorization_details', type)
      assert.equal((await world.lastAudit('request.refused'))?.ruleId, ruleId)
    }
  })

  test('a client that registered none may ask for none, whatever its token would allow', async () => {
    await using world = await open()
    const { clientId } = await registeredIn(world, goodMetadata, { policy: reading })
    assert.equal(jsonOf(await push(world, clientId, 'reading')).error, 'invalid_authorization_details')
  })

  test('a type beyond the token is refused, at the registration and at every update', async () => {
    await using world = await open()
    const ruleId = 'registration.authorization-details-types'
    for (const [policy, types] of [
      [{}, ['reading']],
      [reading, ['reading', 'writing']],
      [reading, ['nothing']],
    ] as const) {
      const asked = { ...goodMetadata, authorization_details_types: types }
      const reply = await world.register(await world.token({ policy }), asked)
      assert.deepEqual([reply.status, jsonOf(reply).error], [400, 'invalid_client_metadata'])
      assert.equal((await world.lastAudit('registration.refused'))?.ruleId, ruleId)
    }
    const { clientId, token } = await registeredIn(world, goodMetadata, { policy: reading })
    const put = (own: string, types: readonly string[]) =>
      world.manage('PUT', clientId, own, {
        ...{ ...goodMetadata, client_id: clientId, authorization_details_types: types },
      })
    const widened = await put(token, ['reading', 'writing'])
    assert.equal(widened.status, 400)
    const record = await world.lastAudit('management.refused')
    assert.deepEqual([record?.ruleId, record?.facts.field], [ruleId, 'authorization_details_types[1]'])
    const within = await put(token, ['reading'])
    assert.equal(within.status, 200, String(within.body))
    assert.equal((await push(world, clientId, 'reading')).status, 201)
    const given = await put(textOf(within, 'registration_access_token'), [])
    assert.equal(given.status, 200)
    assert.equal((await push(world, clientId, 'reading')).status, 400)
  })

  test('a list that is none has not the form of its registration', async () => {
    await using world = await open()
    for (const authorization_details_types of ['reading', [1], { type: 'reading' }]) {
      const asked = { ...goodMetadata, authorization_details_types }
      const reply = await world.register(await world.token({ policy: reading }), asked)
      assert.deepEqual([reply.status, jsonOf(reply).error], [400, 'invalid_client_metadata'])
      assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'registration.member-form')
    }
  })

  test('no token is made for a type that no client could ask for', async () => {
    await using world = await open()
    const make = (authorizationDetailsTypes: readonly string[], resources: readonly string[]) =>
      createRegistrationToken(
        {
          ...{ uses: 1, lifetimeSeconds: 3600, note: '' },
          policy: { ...usualPolicy, resources, authorizationDetailsTypes },
        },
        world.control,
      )
    assert.equal((await make(['reading'], ['accounts'])).ok, true)
    assert.deepEqual(
      (await world.lastAudit('registration-token.created'))?.facts.authorization_details_types,
      ['reading'],
    )
    for (const [types, resources, message] of [
      [['raeding'], ['accounts'], /reading/],
      [['elsewhere'], ['accounts'], /`elsewhere` belongs to the resource server `other`/],
    ] as const) {
      const made = await make(types, resources)
      assert.ok(!made.ok)
      assert.deepEqual(
        made.problems.map(({ field }) => field),
        ['policy.authorizationDetailsTypes'],
      )
      assert.match(made.problems[0]?.message ?? '', message)
    }
  })

  test('a CIBA client that registered itself asks for its types too', async () => {
    await using world = await open()
    const grantType = 'urn:openid:params:grant-type:ciba'
    const { redirect_uris: _uris, ...rest } = metadata
    const { clientId } = await registeredIn(
      world,
      { ...rest, grant_types: [grantType], backchannel_token_delivery_mode: 'poll' },
      { policy: { ...reading, grantTypes: [grantType] } },
    )
    const ask = (type: string) =>
      world.send(backchannelAuthenticationRoom, '/bc-authorize', {
        form: {
          ...{ scope: 'openid accounts', resource: accounts, login_hint: 'alice', binding_message: 'X' },
          ...world.assertion(clientId),
          ...asking({ type, note: 'x' }),
        },
      })
    assert.equal((await ask('reading')).status, 200)
    assert.equal(jsonOf(await ask('writing')).error, 'invalid_authorization_details')
  })
})
