import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Decision,
  isBeforeToken,
  type MintQuestion,
  noObligations,
  type TokenQuestion,
} from '@holdfast/policy'
import { question as anyQuestion } from '@holdfast/policy/testing/token-questions.ts'
import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import fc from 'fast-check'
import type { Policies } from '../../snapshot/snapshot.ts'
import { auditBody, verifyChain } from '../../store/chain.ts'
import type { ChainedAuditRecord } from '../../store/records.ts'
import { accounts } from '../testing/clients.ts'
import { currentNonce, redeem, seedCode } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { openWorld, type World } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'
import { askPolicies, recordsOf } from './ask.ts'
import { repeatableOf } from './repeated.ts'

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
  ignoresPassing = true,
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
      ignoresPassing: () => ignoresPassing,
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
    const { policies, asked } = counting(() => permit, false)
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

describe('a user', () => {
  const redeemed = async (world: World, sid: string, authTime: EpochSeconds) => {
    const { code } = await seedCode(world, 'c_bank', { grant: { sid, authTime } })
    const { status } = await redeem(world, 'c_bank', code)
    return { status, audit: await world.lastAudit('policy.mint') }
  }

  test('is decided about once in many flows, and each has a session and a sign-in of its own', async () => {
    const { policies, asked } = counting()
    await using world = await openWorld({ policies })
    const now = world.clock.now()
    const first = await redeemed(world, 'sid-1', now)
    const second = await redeemed(world, 'sid-2', secondsAfter(now, -60))
    assert.deepEqual([first.status, second.status, asked()], [200, 200, 1])
    const { sid, auth_age: age, ...same } = second.audit?.facts ?? {}
    assert.deepEqual([sid, age], ['sid-2', 60])
    assert.deepEqual({ ...same, sid: 'sid-1', auth_age: 0 }, first.audit?.facts)
    assert.ok(verifyChain((await world.audit()) as readonly ChainedAuditRecord[]).intact)
  })

  test('is refused by name, whoever was decided about before', async () => {
    const forbidden = `context has user && context.user == User::"u_bob"`
    await using world = await openWorld({
      policies: policiesWith(
        `@id("bob") forbid (principal, action == Action::"mint", resource) when { ${forbidden} };`,
      ),
    })
    const { code } = await seedCode(world, 'c_bank')
    const other = await seedCode(world, 'c_bank', { grant: { subject: 'u_bob' } })
    assert.equal((await redeem(world, 'c_bank', code)).status, 200)
    assert.equal((await redeem(world, 'c_bank', other.code)).status, 400)
  })
})

const { policies } = counting()
const keyOf = (one: TokenQuestion): string | undefined => repeatableOf(one, policies)?.key

describe('a question is the same', () => {
  test('in another flow, and in no other respect', () => {
    const { client, asked, user } = question
    const known = { subject: 'u_ada', sid: 's', acr: undefined, amr: [], authAgeSeconds: 1 }
    const key = keyOf(question)
    assert.ok(key)
    assert.equal(keyOf({ ...question, asked: { ...asked, time: 7 } }), key)
    const ofUser = keyOf({ ...question, user: known })
    assert.equal(
      keyOf({ ...question, user: { ...known, subject: 'u_eve', sid: 't', authAgeSeconds: 2 } }),
      ofUser,
    )
    const others: readonly TokenQuestion[] = [
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
      { ...question, user: { ...user, subject: 'u_ada' } },
      { ...question, user: { ...user, sid: 's' } },
      { ...question, user: { ...user, authAgeSeconds: 1 } },
      { ...question, user: known },
      { ...question, moment: 'authorize', user: known },
      { ...question, risk: { score: 0, signals: [], unknown: [] } },
      { ...question, risk: { score: 0, signals: [], unknown: ['new-device'] } },
      { ...question, approvedBy: ['treasury'] },
    ]
    const keys = others.map(keyOf)
    assert.equal(new Set([key, ...keys]).size, others.length + 1)
  })

  test('never with attributes, after its token is there, where policies look, or when it is too long', () => {
    const { client, asked, user, binding } = question
    for (const other of [
      { ...question, attributes: {} },
      { ...question, asked: { ...asked, scopes: ['s'.repeat(2000)] } },
      {
        ...{ moment: 'access' as const, client, asked, user, binding, operation: 'read' },
        object: { type: 'account', id: '7' },
      },
    ])
      assert.equal(keyOf(other), undefined)
    assert.equal(repeatableOf(question, { ...policies, ignoresPassing: () => false }), undefined)
  })
})

test('memory answers and records as policies that are asked each time', async () => {
  const own = `
    @id("own.scope") forbid (principal, action == Action::"mint", resource in Scope::"payments")
      unless { context has acr && context.acr == "a" };
    @id("own.user") @step_up("urn:mfa") forbid (principal, action == Action::"authorize", resource)
      when { context has session && !context.amr.contains("otp") };
    @id("own.less") @max_lifetime("60") permit (principal, action == Action::"mint", resource)
      when { context has user && context.asked.tier == "a" };
    @id("own.risk") forbid (principal, action == Action::"mint", resource)
      when { context has risk && context.risk.score > 50 };`
  const remembering = policiesWith(own)
  const asking = { ...remembering, ignoresPassing: () => false }
  await using world = await openWorld()
  const exchange = world.exchange('/token')
  const kept = new Set<unknown>()
  const answerBy = async (one: TokenQuestion, policies: Policies) => {
    const answered = await askPolicies(
      one,
      { ...exchange, issuer: { ...exchange.issuer, policies } },
      world.ports,
    )
    if (answered.recorded.commonFacts !== undefined) kept.add(answered.recorded.commonFacts)
    const [write] = recordsOf(answered, true, {}, exchange)
    assert.ok(write?.kind === 'append-audit')
    return { decision: answered.decision, body: auditBody(write.record) }
  }
  const flow = fc.record({ time: fc.nat(), sid: fc.constantFrom('s', 't'), age: fc.nat() })
  await fc.assert(
    fc.asyncProperty(anyQuestion, fc.array(flow, { maxLength: 3 }), async (first, flows) => {
      const inFlow = ({ time, sid, age }: { time: number; sid: string; age: number }): TokenQuestion => {
        if (!isBeforeToken(first)) return first
        const asked = { ...first.asked, time }
        const authAgeSeconds = first.user.authAgeSeconds === undefined ? undefined : age
        const changed = { sid: first.user.sid && sid, authAgeSeconds }
        if (first.moment === 'mint') return { ...first, asked, user: { ...first.user, ...changed } }
        return { ...first, asked, user: { ...first.user, ...changed } }
      }
      for (const one of [first, ...flows.map(inFlow)])
        assert.deepEqual(await answerBy(one, remembering), await answerBy(one, asking))
    }),
    { numRuns: 300 },
  )
  assert.ok(kept.size > 20, `${kept.size} kept`)
})
