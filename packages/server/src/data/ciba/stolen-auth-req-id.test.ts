import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hashOfHandle } from '../handle.ts'
import { allowedCiba, askCiba, cibaClient, pollCiba } from '../testing/ciba.ts'
import { keys } from '../testing/clients.ts'
import { requestToken, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'

/** Somebody has an `auth_req_id` that is not theirs: from a log, a screen, or a client they run. */

const open = (): Promise<World> => openWorld({ clients: [cibaClient(), cibaClient({ clientId: 'c_thief' })] })
const refused = (ruleId: string): Parameters<typeof assertRefused>[2] => ({
  status: 400,
  error: 'invalid_grant',
  ruleId,
})

describe('a stolen auth_req_id', () => {
  test('buys another client nothing, before and after the user allows', async () => {
    await using world = await open()
    const proof = { proofKey: keys.attacker }
    const waiting = textOf(await askCiba(world), 'auth_req_id')
    await assertRefused(world, await pollCiba(world, waiting, proof, 'c_thief'), refused('ciba.client'))
    // Nor did the thief bind it to a key, or slow its owner down.
    const found = await world.store.findBackchannelRequest(hashOfHandle('auth_req_id', issuerUrl, waiting))
    assert.equal(found?.binding, undefined)
    assert.equal(found?.polledAt, undefined)
    const allowed = await allowedCiba(world)
    await assertRefused(world, await pollCiba(world, allowed, proof, 'c_thief'), refused('ciba.client'))
    assert.equal((await world.audit()).at(-1)?.subject, undefined)
    assert.equal((await pollCiba(world, waiting)).status, 200)
  })

  test('buys nothing with another key than the one that asked', async () => {
    await using world = await open()
    const authReqId = await allowedCiba(world, {}, { proofKey: keys.proof })
    const stolen = await pollCiba(world, authReqId, { proofKey: keys.attacker })
    await assertRefused(world, stolen, refused('ciba.binding'))
  })

  test('buys nothing a second time', async () => {
    await using world = await open()
    const authReqId = await allowedCiba(world)
    assert.equal((await pollCiba(world, authReqId)).status, 200)
    await assertRefused(world, await pollCiba(world, authReqId), refused('ciba.spent'))
  })

  test('is no code, no device code and no refresh token, and those are no auth_req_id', async () => {
    await using world = await openWorld({
      clients: [
        cibaClient({
          grantTypes: [
            'urn:openid:params:grant-type:ciba',
            'authorization_code',
            'refresh_token',
            'urn:ietf:params:oauth:grant-type:device_code',
          ],
        }),
      ],
    })
    const authReqId = await allowedCiba(world)
    for (const fields of [
      { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: authReqId },
      { grant_type: 'refresh_token', refresh_token: authReqId },
      { grant_type: 'authorization_code', code: authReqId, redirect_uri: 'https://client.example/cb' },
    ])
      assert.equal((await requestToken(world, 'c_pos', fields)).status, 400)
    assert.equal((await pollCiba(world, authReqId)).status, 200)
  })
})
