import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fapi2MessageSigning } from '@holdfast/protocol/profiles/fapi2-message-signing.ts'
import { jwtVerify } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import { accounts, clientOf, keys } from '../testing/clients.ts'
import { headersOf, jsonOf, requestToken, textOf } from '../testing/flow.ts'
import { issuerKeys, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'
import { introspectRoom } from './room.ts'

const mediaType = 'application/token-introspection+jwt'

function ask(world: World, token: string, accept?: string): Promise<Reply> {
  const headers = accept === undefined ? [] : [['accept', accept] as const]
  return world.send(introspectRoom, '/introspect', { form: { token, ...world.assertion('c_rs') }, headers })
}

async function verified(reply: Reply): Promise<Readonly<Record<string, unknown>>> {
  assert.equal(reply.status, 200)
  assert.deepEqual(headersOf(reply, 'content-type'), [mediaType])
  assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
  const key = issuerKeys.find(({ alg }) => alg === 'ES256')
  assert.ok(key)
  const { payload } = await jwtVerify(String(reply.body), key.publicKey, {
    typ: 'token-introspection+jwt',
    algorithms: ['ES256'],
    currentDate: new Date(startOfWorld * 1000),
  })
  return payload
}

const tokenFor = async (world: World): Promise<string> =>
  textOf(
    await requestToken(world, 'c_bank', { grant_type: 'client_credentials', scope: 'accounts' }),
    'access_token',
  )

describe('signed introspection', () => {
  test('a signed answer is a JWT of its own type for the API that asked, without sub and exp of its own', async () => {
    await using world = await openWorld()
    const token = await tokenFor(world)
    const { token_introspection, ...outer } = await verified(await ask(world, token, mediaType))
    assert.deepEqual(outer, { iss: issuerUrl, aud: [accounts, 'c_rs'], iat: startOfWorld })
    assert.deepEqual(token_introspection, jsonOf(await ask(world, token)))
  })

  test('a signed answer about a token that is not active says exactly that', async () => {
    await using world = await openWorld()
    const { token_introspection } = await verified(
      await ask(world, 'at_unknown', `text/html, ${mediaType};q=0.9`),
    )
    assert.deepEqual(token_introspection, { active: false })
    const elsewhere = { grant_type: 'client_credentials', scope: 'payments' }
    const token = textOf(await requestToken(world, 'c_bank', elsewhere), 'access_token')
    assert.deepEqual((await verified(await ask(world, token, mediaType))).token_introspection, {
      active: false,
    })
  })

  for (const accept of ['application/json', '*/*', 'application/*', `${mediaType};q=0`])
    test(`who accepts ${accept} gets the plain answer`, async () => {
      await using world = await openWorld()
      assert.deepEqual(jsonOf(await ask(world, 'at_unknown', accept)), { active: false })
    })

  test('a caller whose profile requires signed answers gets no other', async () => {
    const caller = clientOf({
      clientId: 'c_rs',
      ownProfile: fapi2MessageSigning,
      jwks: { keys: [keys.resourceServer.publicJwk] },
      grantTypes: [],
      introspects: [accounts],
    })
    await using world = await openWorld({ clients: [caller] })
    const answer = await verified(await ask(world, 'at_unknown', 'application/json'))
    assert.deepEqual(answer.token_introspection, { active: false })
  })

  test('who asks for a signed answer without authenticating is 401 as for a plain one', async () => {
    await using world = await openWorld()
    const form = { token: 'at_unknown' }
    const reply = await world.send(introspectRoom, '/introspect', { form, headers: [['accept', mediaType]] })
    assert.equal(reply.status, 401)
  })
})
