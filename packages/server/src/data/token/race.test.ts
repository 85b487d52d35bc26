import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { hashOfHandle } from '../handle.ts'
import { introspectRoom } from '../introspect/room.ts'
import { currentNonce, jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'

/** Sixty-four requests at once; at most one may win, and what it won must be dead where a replay kills. */
const runners = 64

async function race(send: (index: number) => Promise<Reply>): Promise<readonly Reply[]> {
  const replies = await Promise.all(Array.from({ length: runners }, (_, index) => send(index)))
  const winners = replies.filter(reply => reply.status === 200)
  assert.equal(winners.length, 1)
  return replies
}

async function isActive(world: World, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

function assertLosers(replies: readonly Reply[], status: number, error: string): void {
  for (const reply of replies.filter(one => one.status !== 200)) {
    assert.equal(reply.status, status)
    assert.equal(jsonOf(reply).error, error)
  }
}

describe('64 at once', () => {
  test('one code: one winner, whose grant and tokens are dead afterwards', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    const replies = await race(() => redeem(world, 'c_bank', code))
    assertLosers(replies, 400, 'invalid_grant')
    assert.notEqual((await world.store.findGrant(grantId))?.revokedAt, undefined)
    const [winner] = replies.filter(reply => reply.status === 200)
    assert.ok(winner !== undefined)
    assert.equal(await isActive(world, textOf(winner, 'access_token')), false)
    const fields = { grant_type: 'refresh_token', refresh_token: textOf(winner, 'refresh_token') }
    assert.equal(jsonOf(await requestToken(world, 'c_bank', fields)).error, 'invalid_grant')
    const rules = new Set((await world.audit()).map(record => record.ruleId))
    assert.ok(rules.has('code.replayed') || rules.has('code.spent'))
  })

  test('one refresh token of a rotating client: one winner, and the family is dead afterwards', async () => {
    await using world = await openWorld()
    const asPublic = { authentication: 'none' } as const
    const { code, grantId } = await seedCode(world, 'c_app')
    const first = await redeem(world, 'c_app', code, asPublic)
    const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
    const replies = await race(() => requestToken(world, 'c_app', fields, asPublic))
    assertLosers(replies, 400, 'invalid_grant')
    assert.notEqual((await world.store.findGrant(grantId))?.revokedAt, undefined)
    const alerts = (await world.audit()).filter(record => record.event === 'refresh-token.reused')
    assert.ok(
      alerts.some(record => record.ruleId === 'refresh.replayed' || record.ruleId === 'refresh.reused'),
    )
  })

  test('one client assertion: one winner', async () => {
    await using world = await openWorld()
    const fields = { grant_type: 'client_credentials', scope: 'accounts', ...world.assertion('c_bank') }
    const replies = await race(() => requestToken(world, 'c_bank', fields))
    assertLosers(replies, 401, 'invalid_client')
  })

  test('one proof: one winner', async () => {
    await using world = await openWorld()
    const headers = [['dpop', world.proof('/token', { nonce: currentNonce(world) })] as const]
    const fields = { grant_type: 'client_credentials', scope: 'accounts' }
    const replies = await race(() => requestToken(world, 'c_bank', fields, { proofKey: 'none', headers }))
    assertLosers(replies, 400, 'invalid_dpop_proof')
  })

  test('a refresh token that keeps its value may be used by all of them', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    const first = await redeem(world, 'c_bank', code)
    const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
    const sent = Array.from({ length: runners }, () => requestToken(world, 'c_bank', fields))
    const replies = await Promise.all(sent)
    assert.ok(replies.every(reply => reply.status === 200))
  })

  test('a grant that is revoked while its code is redeemed yields no live token', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    const revoke = world.store.commit([{ kind: 'revoke-grant', id: grantId, at: world.clock.now() }])
    const reply = await redeem(world, 'c_bank', code)
    await revoke
    assert.equal(jsonOf(reply).error, 'invalid_grant')
  })

  test('a grant that is revoked between look and commit is found out by the guard', async () => {
    await using world = await openWorld()
    const { code, grantId } = await seedCode(world, 'c_bank')
    const { store } = world
    const ports = {
      ...world.ports,
      store: {
        ...store,
        findUserBySubject: async (issuer: string, subject: string) => {
          const user = await store.findUserBySubject(issuer, subject)
          await store.commit([{ kind: 'revoke-grant', id: grantId, at: world.clock.now() }])
          return user
        },
      },
    }
    const reply = await redeem(
      { ...world, ports, send: (room, path, options) => room(world.exchange(path, options), ports) },
      'c_bank',
      code,
    )
    assert.equal(jsonOf(reply).error, 'invalid_grant')
    assert.equal((await world.audit()).at(-1)?.ruleId, 'code.grant-ended')
    const found = await store.findCode(hashOfHandle('code', issuerUrl, code))
    assert.equal(found?.spentAt, undefined, 'all or nothing')
  })

  test('a refresh token that is revoked between look and commit is found out by the guard', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank')
    const refreshToken = textOf(await redeem(world, 'c_bank', code), 'refresh_token')
    const hash = hashOfHandle('refresh_token', issuerUrl, refreshToken)
    const { store } = world
    const ports = {
      ...world.ports,
      store: {
        ...store,
        findGrant: async (id: string) => {
          const grant = await store.findGrant(id)
          await store.commit([{ kind: 'revoke-refresh-token', hash, at: world.clock.now() }])
          return grant
        },
      },
    }
    const racing: World = {
      ...world,
      ports,
      send: (room, path, options) => room(world.exchange(path, options), ports),
    }
    const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
    assert.equal(jsonOf(await requestToken(racing, 'c_bank', fields)).error, 'invalid_grant')
    assert.equal((await world.audit()).at(-1)?.ruleId, 'refresh.ended')
  })
})
