import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { introspectRoom } from '../introspect/room.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { type FormFields, openWorld, type World } from '../testing/world.ts'
import { revokeRoom } from './room.ts'

function revoke(
  world: World,
  token: string | undefined,
  clientId = 'c_bank',
  spoil: FormFields = {},
): Promise<Reply> {
  const form = { token, ...world.assertion(clientId), ...spoil }
  return world.send(revokeRoom, '/revoke', { form })
}

async function isActive(world: World, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

function refresh(world: World, refreshToken: string): Promise<Reply> {
  return requestToken(world, 'c_bank', { grant_type: 'refresh_token', refresh_token: refreshToken })
}

async function issued(world: World): Promise<{ access: string; refreshToken: string }> {
  const { code } = await seedCode(world, 'c_bank')
  const reply = await redeem(world, 'c_bank', code)
  return { access: textOf(reply, 'access_token'), refreshToken: textOf(reply, 'refresh_token') }
}

function assertDone(reply: Reply): void {
  assert.equal(reply.status, 200)
  assert.equal(reply.body, '')
}

describe('revocation', () => {
  test('an access token ends, its refresh token does not', async () => {
    await using world = await openWorld()
    const { access, refreshToken } = await issued(world)
    assertDone(await revoke(world, access))
    assert.equal(await isActive(world, access), false)
    assert.equal((await refresh(world, refreshToken)).status, 200)
    assert.equal((await world.lastAudit('token.revoked'))?.outcome, 'accepted')
  })

  test('a refresh token ends and takes its access tokens along', async () => {
    await using world = await openWorld()
    const { access, refreshToken } = await issued(world)
    const second = textOf(await refresh(world, refreshToken), 'access_token')
    assertDone(await revoke(world, refreshToken))
    assert.equal(await isActive(world, access), false)
    assert.equal(await isActive(world, second), false)
    await assertRefused(world, await refresh(world, refreshToken), { status: 400, error: 'invalid_grant' })
  })

  test('an unknown token, and the same token twice, are 200 and empty', async () => {
    await using world = await openWorld()
    assertDone(await revoke(world, 'at_unknown'))
    assertDone(await revoke(world, 'anything at all'))
    const { access } = await issued(world)
    assertDone(await revoke(world, access))
    assertDone(await revoke(world, access))
  })

  for (const hint of ['access_token', 'refresh_token', 'nonsense'])
    test(`the hint ${hint} keeps no token from being revoked`, async () => {
      await using world = await openWorld()
      const { access } = await issued(world)
      assertDone(await revoke(world, access, 'c_bank', { token_type_hint: hint }))
      assert.equal(await isActive(world, access), false)
    })

  test("another client's token stays active; the answer is the same, and an alert is recorded", async () => {
    await using world = await openWorld()
    const { access, refreshToken } = await issued(world)
    for (const token of [access, refreshToken]) {
      assertDone(await revoke(world, token, 'c_other'))
      const alert = await world.lastAudit('token.revocation-foreign')
      assert.equal(alert?.outcome, 'alert')
      assert.equal(alert?.ruleId, 'revocation.owner')
    }
    assert.equal(await isActive(world, access), true)
    assert.equal((await refresh(world, refreshToken)).status, 200)
  })

  test('a JWT access token ends too', async () => {
    await using world = await openWorld()
    const fields = { grant_type: 'client_credentials', scope: 'payments' }
    const token = textOf(await requestToken(world, 'c_bank', fields), 'access_token')
    assertDone(await revoke(world, token))
    assert.equal((await world.lastAudit('token.revoked'))?.facts.token_kind, 'access_token')
  })

  test('a public client revokes its own token by naming itself', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_app')
    const token = textOf(await redeem(world, 'c_app', code, { authentication: 'none' }), 'access_token')
    assertDone(await world.send(revokeRoom, '/revoke', { form: { token, client_id: 'c_app' } }))
    assert.equal(await isActive(world, token), false)
  })

  test('without token it is 400, without authentication 401', async () => {
    await using world = await openWorld()
    await assertRefused(world, await revoke(world, undefined), {
      status: 400,
      error: 'invalid_request',
      ruleId: 'revocation.token',
    })
    const anonymous = await world.send(revokeRoom, '/revoke', { form: { token: 'at_x' } })
    await assertRefused(world, anonymous, { status: 401, error: 'invalid_client' })
  })

  test('an assertion is used once here too', async () => {
    await using world = await openWorld()
    const form = { token: 'at_unknown', ...world.assertion('c_bank') }
    assertDone(await world.send(revokeRoom, '/revoke', { form }))
    const again = await world.send(revokeRoom, '/revoke', { form })
    await assertRefused(world, again, { status: 401, error: 'invalid_client' })
  })
})
