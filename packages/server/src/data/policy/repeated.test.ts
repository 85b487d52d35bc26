import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Decision, type MintQuestion, noObligations } from '@holdfast/policy'
import { epochSeconds } from '@holdfast/protocol'
import type { Policies } from '../../snapshot/snapshot.ts'
import { auditBody, lastingFacts } from '../../store/chain.ts'
import { accounts } from '../testing/clients.ts'
import { currentNonce } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { openWorld, type World } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'
import { keyOfRepeated } from './repeated.ts'

const question: MintQuestion = {
  moment: 'mint',
  client: {
    ...{ clientId: 'c_bank', isPublic: false, isSelfRegistered: false },
    ...{ authMethod: 'private_key_jwt', profile: 'fapi2-security' },
  },
  asked: {
    ...{ environment: 'production', time: 1_800_000_000, tier: 'fapi2-security' },
    ...{ scopes: ['accounts', 'rates'], resources: ['https://api.example'], detailsTypes: ['payment'] },
  },
  grantType: 'client_credentials',
  user: { subject: undefined, sid: undefined, acr: undefined, amr: [], authAgeSeconds: undefined },
  ...{ binding: 'dpop', lifetimeSeconds: 300, risk: undefined },
}
const permit: Decision = {
  ...{ decision: 'permit', determining: ['one'], errors: [], obligations: noObligations, version: 'v' },
}

/** Policies that count how often they are asked. */
function counting(
  answer: () => ReturnType<Policies['decide']> = () => permit,
  readsTime = false,
): { readonly policies: Policies; readonly asked: () => number } {
  let times = 0
  const decide: Policies['decide'] = () => {
    times++
    return answer()
  }
  return {
    policies: {
      name: 'counted',
      version: 'v',
      decide,
      readsRisk: false,
      readsAttributesAtAuthorize: false,
      readsTime,
    },
    asked: () => times,
  }
}

async function token(world: World): Promise<number> {
  const form = { grant_type: 'client_credentials', resource: accounts, ...world.assertion('c_bank') }
  const proof = world.proof('/token', { nonce: currentNonce(world) })
  const reply = await tokenRoom(world.exchange('/token', { form, headers: [['dpop', proof]] }), world.ports)
  return reply.status
}

describe('a client that acts for itself', () => {
  test('is decided about once, and each of its tokens has a record of its own', async () => {
    const { policies, asked } = counting()
    await using world = await openWorld({ policies })
    const first = await token(world).then(async status => ({
      status,
      audit: await world.lastAudit('policy.mint'),
    }))
    world.clock.advance(7)
    const second = await token(world).then(async status => ({
      status,
      audit: await world.lastAudit('policy.mint'),
    }))
    assert.deepEqual([first.status, second.status, asked()], [200, 200, 1])
    assert.notEqual(first.audit?.requestId, second.audit?.requestId)
    assert.equal(second.audit?.at, (first.audit?.at ?? 0) + 7)
    assert.deepEqual(second.audit?.facts, first.audit?.facts)
  })

  test('is decided about each time where the time may count', async () => {
    const { policies, asked } = counting(() => permit, true)
    await using world = await openWorld({ policies })
    assert.deepEqual([await token(world), await token(world), asked()], [200, 200, 2])
  })

  test('is decided about again when the decision broke, or was somebody else’s to make', async () => {
    const broken: Decision = { ...permit, decision: 'deny', errors: [{ place: 'engine', message: 'broke' }] }
    for (const [answer, status] of [
      [() => broken, 400],
      [() => Promise.resolve(permit), 200],
      [() => assert.fail('broke'), 400],
    ] as const) {
      const { policies, asked } = counting(answer)
      await using world = await openWorld({ policies })
      assert.deepEqual([await token(world), await token(world), asked()], [status, status, 2])
    }
  })

  test('is refused as often as it asks', async () => {
    const { policies, asked } = counting(() => ({ ...permit, decision: 'deny' }))
    await using world = await openWorld({ policies })
    assert.deepEqual([await token(world), await token(world), asked()], [400, 400, 1])
    assert.equal((await world.lastAudit('policy.mint'))?.outcome, 'refused')
  })

  test('gets its token until a policy that reads the time says no', async () => {
    const from = 1_800_000_000
    await using world = await openWorld({
      policies: policiesWith(
        `@id("night") forbid (principal, action == Action::"mint", resource)
        when { context.asked.time >= ${from + 60} };`,
      ),
    })
    assert.equal(await token(world), 200)
    world.clock.advance(61)
    assert.equal(await token(world), 400)
  })
})

const policies = counting().policies

describe('a question is the same', () => {
  test('at another time, and in no other respect', () => {
    const key = keyOfRepeated(question, policies)
    assert.ok(key)
    assert.equal(keyOfRepeated({ ...question, asked: { ...question.asked, time: 7 } }, policies), key)
    const { client, asked, user } = question
    const others: readonly MintQuestion[] = [
      ...Object.keys(client).map(name => ({
        ...question,
        client: { ...client, [name]: typeof Reflect.get(client, name) === 'boolean' ? true : 'other' },
      })),
      { ...question, asked: { ...asked, environment: 'staging' } },
      { ...question, asked: { ...asked, tier: 'other' } },
      { ...question, asked: { ...asked, scopes: ['accounts'] } },
      { ...question, asked: { ...asked, scopes: ['accounts","rates'] } },
      {
        ...question,
        asked: { ...asked, scopes: ['accounts', 'rates', 'https://api.example'], resources: [] },
      },
      { ...question, asked: { ...asked, resources: [] } },
      { ...question, asked: { ...asked, detailsTypes: [] } },
      { ...question, grantType: 'other' },
      { ...question, binding: 'none' },
      { ...question, lifetimeSeconds: 299 },
      { ...question, user: { ...user, acr: 'urn:mfa' } },
      { ...question, user: { ...user, amr: ['pwd'] } },
    ]
    const keys = others.map(other => keyOfRepeated(other, policies))
    assert.equal(new Set([key, ...keys]).size, others.length + 1)
  })

  test('never when a user, a risk, attributes or approvals stand in it, or when it is too long', () => {
    const { asked, user } = question
    for (const other of [
      { ...question, user: { ...user, subject: 'u_ada' } },
      { ...question, user: { ...user, sid: 's' } },
      { ...question, user: { ...user, authAgeSeconds: 1 } },
      { ...question, risk: { score: 0, signals: [], unknown: [] } },
      { ...question, attributes: {} },
      { ...question, approvedBy: ['treasury'] },
      { ...question, asked: { ...asked, scopes: ['s'.repeat(2000)] } },
    ])
      assert.equal(keyOfRepeated(other, policies), undefined)
    assert.equal(keyOfRepeated(question, { ...policies, readsTime: true }), undefined)
  })
})

test('facts that were written out once make the same record as those that were not', () => {
  const record = {
    ...{ at: epochSeconds(question.asked.time), issuer: 'https://as.example', event: 'policy.mint' },
    ...({ outcome: 'accepted', requestId: 'r', reason: 'a "quoted" word' } as const),
  }
  const facts = { zone: 'z', scopes: ['b', 'a'], bound: true, 'a"b': 'ü', count: 2 }
  const lasting = lastingFacts(facts)
  assert.equal(auditBody({ ...record, facts: lasting }), auditBody({ ...record, facts }))
  facts.scopes.push('c')
  assert.deepEqual(lasting.scopes, ['b', 'a'])
  assert.throws(() => Object.assign(lasting, { bound: false }), TypeError)
  assert.throws(() => Reflect.apply(Array.prototype.push, lasting.scopes, ['c']), TypeError)
})
