import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { hashOfHandle } from '../handle.ts'
import { introspectRoom } from '../introspect/room.ts'
import { parRoom } from '../par/room.ts'
import { attested, attestedByDpop, attestedClient, attesters, instanceKeys } from '../testing/attestation.ts'
import { goodRequest, header, locationOf, openBrowser } from '../testing/browser.ts'
import { allowedCiba, pollCiba } from '../testing/ciba.ts'
import { redirectUri } from '../testing/clients.ts'
import { allowedDevice, pollDevice } from '../testing/device.ts'
import { codeVerifier, jsonOf, seedCode, type TokenRequestOptions, textOf } from '../testing/flow.ts'
import type { TestKey } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { type FormFields, issuerUrl, openWorld, type World } from '../testing/world.ts'
import { tokenRoom } from './room.ts'

/** What a client instance was given works for no other instance of the same client (ATT-11, ATT-12). */

const openTestWorld = (client: Client): Promise<World> => openWorld({ clients: [client], attesters })

function ask(
  world: World,
  { clientId, dpopBoundAccessTokens }: Client,
  instance: TestKey,
  form: FormFields,
): Promise<Reply> {
  const headers = dpopBoundAccessTokens
    ? attestedByDpop(world, clientId, '/token', { instance })
    : attested(world, clientId, { instance })
  return world.send(tokenRoom, '/token', { form, headers })
}

async function redeem(world: World, client: Client, instance: TestKey, code: string): Promise<Reply> {
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: codeVerifier,
  }
  return ask(world, client, instance, fields)
}

for (const isDpop of [false, true])
  describe(`an instance in the ${isDpop ? 'combined' : 'normal'} mode`, () => {
    const client = attestedClient(isDpop)
    const { phone, tablet } = instanceKeys

    test('redeems its own code, and another instance does not', async () => {
      await using world = await openTestWorld(client)
      const { code } = await seedCode(world, client.clientId, { code: { instanceJkt: phone.thumbprint } })
      await assertRefused(world, await redeem(world, client, tablet, code), {
        status: 400,
        error: 'invalid_grant',
        ruleId: 'code.instance-key',
      })
      assert.equal((await redeem(world, client, phone, code)).status, 200)
    })

    test('pushes a request whose code is its own after login and consent', async () => {
      await using world = await openTestWorld(client)
      const { clientId } = client
      const form = goodRequest(clientId)
      const headers = isDpop ? attestedByDpop(world, clientId, '/par') : attested(world, clientId)
      const pushed = textOf(await world.send(parRoom, '/par', { form, headers }), 'request_uri')
      const browser = openBrowser(world)
      const query = new URLSearchParams({ client_id: clientId, request_uri: pushed })
      const opened = await browser.get(`${issuerUrl}/authorize?${query}`)
      const reply = await browser.login(opened)
      const allowed = locationOf(await browser.decide(header(reply, 'location') ?? '', 'allow'))
      const code = allowed.searchParams.get('code') ?? ''
      const record = await world.store.findCode(hashOfHandle('code', issuerUrl, code))
      assert.equal(record?.instanceJkt, phone.thumbprint)
      const stolen = await redeem(world, client, tablet, code)
      // Combined, the key of the proof is that of the code too, and is asked first.
      const ruleId = isDpop ? 'code.dpop-key' : 'code.instance-key'
      await assertRefused(world, stolen, { status: 400, error: 'invalid_grant', ruleId })
      assert.equal((await redeem(world, client, phone, code)).status, 200)
    })

    test('refreshes its own token, and another instance does not', async () => {
      await using world = await openTestWorld(client)
      const { code } = await seedCode(world, client.clientId)
      const first = await redeem(world, client, phone, code)
      const form = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
      await assertRefused(world, await ask(world, client, tablet, form), {
        status: 400,
        error: 'invalid_grant',
        ruleId: 'refresh.instance-key',
      })
      const second = await ask(world, client, phone, form)
      assert.equal(second.status, 200, second.body.toString())
      assert.equal(jsonOf(second).token_type, isDpop ? 'DPoP' : 'Bearer')
    })

    for (const way of ['device code', 'auth_req_id'] as const)
      test(`polls with its own ${way}, and another instance does not`, async () => {
        const grantTypes = [deviceGrantType, cibaGrantType] as const
        const polling = attestedClient(isDpop, { grantTypes, backchannelTokenDeliveryMode: 'poll' })
        await using world = await openTestWorld(polling)
        const { clientId } = polling
        const options = (instance: TestKey): TokenRequestOptions => ({
          authentication: isDpop ? 'attestation by proof' : 'attestation',
          proofKey: isDpop ? instance : 'none',
          instance,
        })
        const isDevice = way === 'device code'
        const value = isDevice
          ? await allowedDevice(world, clientId, {}, options(phone))
          : await allowedCiba(world, {}, { clientId, ...options(phone) })
        const poll = (instance: TestKey): Promise<Reply> =>
          (isDevice ? pollDevice : pollCiba)(world, value, options(instance), clientId)
        await assertRefused(world, await poll(tablet), {
          status: 400,
          error: 'invalid_grant',
          ruleId: isDevice ? 'device.binding' : 'ciba.binding',
        })
        const reply = await poll(phone)
        assert.equal(reply.status, 200, reply.body.toString())
      })

    test('a token says in cnf what the API must prove, and the instance is no part of it', async () => {
      await using world = await openTestWorld(client)
      const { code } = await seedCode(world, client.clientId)
      const token = textOf(await redeem(world, client, phone, code), 'access_token')
      const form = { token, ...world.assertion('c_rs') }
      const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
      assert.deepEqual(described.cnf, isDpop ? { jkt: phone.thumbprint } : undefined)
    })

    test('a client that lost its method cannot use what an instance was given', async () => {
      await using world = await openTestWorld(client)
      const { code } = await seedCode(world, client.clientId)
      const refreshToken = textOf(await redeem(world, client, phone, code), 'refresh_token')
      const moved = attestedClient(isDpop, { tokenEndpointAuthMethod: 'none', isPublic: true })
      await using later = await openWorld({ clients: [moved], attesters, store: world.store })
      later.clock.advance(1)
      const proof = isDpop ? attestedByDpop(later, moved.clientId, '/token').slice(1) : []
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: moved.clientId }
      const reply = await later.send(tokenRoom, '/token', { form, headers: proof })
      await assertRefused(later, reply, {
        status: 400,
        error: 'invalid_grant',
        ruleId: 'refresh.instance-key',
      })
    })
  })

test('an instance may show a key of its own later than itself', async () => {
  const grantTypes = [deviceGrantType] as const
  const polling = attestedClient(false, { grantTypes })
  await using world = await openTestWorld(polling)
  const { clientId } = polling
  const attestation = { authentication: 'attestation', proofKey: 'none' } as const
  const code = await allowedDevice(world, clientId, {}, attestation)
  const reply = await pollDevice(world, code, { authentication: 'attestation' }, clientId)
  assert.equal(jsonOf(reply).token_type, 'DPoP', reply.body.toString())
})
