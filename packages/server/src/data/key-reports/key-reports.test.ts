import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifierLiveSeconds } from '@holdfast/protocol/key-report.ts'
import type { Reply } from '../../http/exchange.ts'
import { clientOf, keys, payments } from '../testing/clients.ts'
import { assertRefused } from '../testing/refused.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { keyReportsRoom } from './room.ts'

const instance = 'i'.repeat(22)
const [held, other, third] = ['a', 'b', 'c'].map(letter => letter.repeat(43)) as [string, string, string]
const good = { instance, keys: `${held} ${other}`, verified: held, unverified: '' }

const report = (world: World, fields: object = {}, clientId = 'c_rs'): Promise<Reply> =>
  world.send(keyReportsRoom, '/key-reports', { form: { ...good, ...world.assertion(clientId), ...fields } })

const verifiers = (world: World) => world.store.listVerifiers({ issuer: issuerUrl }, world.clock.now(), 1000)

describe('a report of the keys a verifier holds', () => {
  test('is kept, recorded, and answered with what is published and with signatures to check', async () => {
    await using world = await openWorld()
    const reply = await report(world)
    assert.equal(reply.status, 200)
    const answer = JSON.parse(String(reply.body)) as Readonly<Record<string, readonly string[]>>
    const { kids, signed } = await world.ports.keys.checks(issuerUrl)
    assert.deepEqual([answer.keys, answer.checks?.length, answer.report_after], [kids, signed.length, 60])
    assert.deepEqual(await verifiers(world), [
      {
        ...{ issuer: issuerUrl, clientId: 'c_rs', instance, keys: [held, other] },
        ...{ since: world.clock.now(), seenAt: world.clock.now(), verified: [held], unverified: [] },
        expiresAt: world.clock.now() + verifierLiveSeconds,
      },
    ])
    const audit = await world.lastAudit('key-report.taken')
    assert.deepEqual([audit?.clientId, audit?.facts.instance], ['c_rs', instance])
  })

  test('says since when a verifier holds what it holds, in whatever order it lists it', async () => {
    await using world = await openWorld()
    const start = world.clock.now()
    await report(world)
    world.clock.advance(50)
    await report(world, { keys: `${other} ${held}` })
    assert.deepEqual(
      (await verifiers(world)).map(({ since, seenAt }) => [since, seenAt]),
      [[start, start + 50]],
    )
    world.clock.advance(50)
    await report(world, { keys: `${held} ${third}` })
    assert.deepEqual(
      (await verifiers(world)).map(({ since }) => since),
      [start + 100],
    )
  })

  test('makes a verifier live for three minutes', async () => {
    await using world = await openWorld()
    await report(world)
    world.clock.advance(verifierLiveSeconds - 1)
    assert.equal((await verifiers(world)).length, 1)
    world.clock.advance(1)
    assert.equal((await verifiers(world)).length, 0)
  })

  for (const [name, fields, ruleId] of [
    ['no instance', { instance: undefined }, 'key-report.instance'],
    ['no keys', { keys: undefined }, 'key-report.keys'],
    ['a name that is no thumbprint', { keys: 'key-1' }, 'key-report.keys'],
    ['a result for a key it does not hold', { verified: third }, 'key-report.outcome'],
    ['a key that is both', { unverified: held }, 'key-report.outcome'],
  ] as const)
    test(`is refused with ${name}, and nothing is kept`, async () => {
      await using world = await openWorld()
      const expected = { status: 400, error: 'invalid_request', ruleId }
      await assertRefused(world, await report(world, fields), expected)
      assert.deepEqual(await verifiers(world), [])
    })

  test('is refused from a client that answers for no API, from a stranger, and twice with one assertion', async () => {
    await using world = await openWorld()
    const caller = { status: 403, error: 'access_denied', ruleId: 'introspection.caller' }
    await assertRefused(world, await report(world, {}, 'c_bank'), caller)
    const anonymous = await world.send(keyReportsRoom, '/key-reports', { form: good })
    await assertRefused(world, anonymous, { status: 401, error: 'invalid_client' })
    const form = { ...good, ...world.assertion('c_rs') }
    assert.equal((await world.send(keyReportsRoom, '/key-reports', { form })).status, 200)
    const again = await world.send(keyReportsRoom, '/key-reports', { form })
    const replay = { status: 401, error: 'invalid_client', ruleId: 'client-assertion.replay' }
    await assertRefused(world, again, replay)
  })

  test('comes from at most 256 live processes of a client, and takes no place from another client', async () => {
    const second = clientOf({
      clientId: 'c_rs2',
      jwks: { keys: [keys.resourceServer.publicJwk] },
      dpopBoundAccessTokens: false,
      grantTypes: [],
      introspects: [payments],
    })
    await using world = await openWorld({ clients: [second] })
    const name = (index: number): string => String(index).padStart(22, 'n')
    for (let index = 0; index < 256; index++)
      assert.equal((await report(world, { instance: name(index) })).status, 200)
    const refused = await report(world, { instance: name(256) })
    const full = { status: 503, error: 'temporarily_unavailable', ruleId: 'key-report.instances' }
    await assertRefused(world, refused, full)
    assert.equal((await report(world, { instance: name(3) })).status, 200)
    const form = { ...good, instance: name(256), ...world.assertion('c_rs2', { key: keys.resourceServer }) }
    assert.equal((await world.send(keyReportsRoom, '/key-reports', { form })).status, 200)
  })
})
