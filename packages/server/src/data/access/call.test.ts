import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noObligations, type RemoteVerdict, type TokenQuestion } from '@holdfast/policy'
import { tier4HighValue } from '@holdfast/protocol/profiles/tier-4-high-value.ts'
import { decidingWorld } from '../../../../../test/authzen/world.ts'
import type { Reply } from '../../http/exchange.ts'
import { shipped } from '../../snapshot/compile-policies.ts'
import { policyEngines } from '../../snapshot/policy-engines/index.ts'
import { accounts, clientOf, payments } from '../testing/clients.ts'
import { currentNonce, headersOf, requestToken, textOf } from '../testing/flow.ts'
import { policiesOf, policiesWith } from '../testing/policies.ts'
import { assertRefused } from '../testing/refused.ts'
import { openWorld, startOfWorld, type World, type WorldOptions } from '../testing/world.ts'
import { callRoom } from './call-room.ts'

const scope = 'access_evaluation'
const path = '/policies/access/v1/evaluation'
const gateway = clientOf({ clientId: 'c_gateway', scopes: ['accounts', scope], introspects: [accounts] })
const mfa = 'urn:holdfast:acr:mfa'
const open = (policies = policiesWith(''), more: WorldOptions = {}): Promise<World> =>
  openWorld({ clients: [gateway], policies, ...more })

const context = {
  client_id: 'c_bank',
  audience: [accounts],
  scopes: ['accounts'],
  binding: 'key',
  acr: 'urn:holdfast:acr:pwd',
  amr: ['pwd'],
  auth_time: startOfWorld - 60,
  authorization_details: [{ type: 'payment', iban: 'secret-iban' }],
  txn: 'txn-of-the-token',
  method: 'GET',
  path: '/accounts/7?secret-path',
}
const call = (change: object = {}, subject = 'u_alice') => ({
  subject: { type: 'user', id: subject },
  action: { name: 'read' },
  resource: { type: 'account', id: '7', properties: { colour: 'secret-colour' } },
  context: { ...context, ...change },
})

async function ask(world: World, body: unknown, contentType = 'application/json'): Promise<Reply> {
  const fields = { grant_type: 'client_credentials', scope }
  const accessToken = textOf(await requestToken(world, 'c_gateway', fields), 'access_token')
  return await world.send(callRoom, path, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: [
      ['content-type', contentType],
      ['authorization', `DPoP ${accessToken}`],
      ['dpop', world.proof(path, { accessToken, nonce: currentNonce(world) })],
      ['x-request-id', 'asked-1'],
    ],
  })
}

interface Said {
  readonly decision: boolean
  readonly context: Readonly<Record<string, unknown>>
}
const saidBy = (reply: Reply): Said => {
  assert.equal(reply.status, 200, String(reply.body))
  return JSON.parse(String(reply.body)) as Said
}
const head = '(principal, action == Action::"access", resource)'

describe('the policies of the issuer decide about a call', () => {
  test('by the active version, and the record of it is there before the answer', async () => {
    await using world = await open()
    const reply = await ask(world, call())
    assert.deepEqual(saidBy(reply), {
      decision: true,
      context: { policy_version: 'version-of-active', determining_policies: ['shipped.access'] },
    })
    assert.deepEqual(headersOf(reply, 'x-request-id'), ['asked-1'])
    const record = await world.lastAudit('policy.access')
    assert.deepEqual(
      [record?.outcome, record?.clientId, record?.subject, record?.txn],
      ['accepted', 'c_bank', 'u_alice', 'txn-of-the-token'],
    )
    const { policies, policy_version, asked_by, operation, object_type, object_id, ...rest } =
      record?.facts ?? {}
    assert.deepEqual(
      [policies, policy_version, asked_by, operation, object_type, object_id],
      ['active', 'version-of-active', 'c_gateway', 'read', 'account', '7'],
    )
    assert.deepEqual(
      [rest.constraint, rest.acr, rest.amr, rest.auth_age, rest.resources, rest.details_types, rest.has_user],
      ['dpop', 'urn:holdfast:acr:pwd', ['pwd'], 60, [accounts], ['payment'], true],
    )
    assert.equal(JSON.stringify(await world.audit()).includes('secret-'), false)
  })

  test('a policy sees client, scopes, audience, details, object, user and proof', async () => {
    const seen = [
      ['principal == Client::"c_bank"', ''],
      ['principal', 'when { !principal.isPublic && principal.authMethod == "private_key_jwt" }'],
      ['principal', 'when { resource in Scope::"accounts" }'],
      ['principal', `when { resource in Resource::"${accounts}" }`],
      ['principal', 'when { resource in DetailsType::"payment" }'],
      ['principal', 'when { context.operation == "read" && context.objectType == "account" }'],
      ['principal', 'when { context.objectId == "7" && context.binding == "dpop" }'],
      ['principal', 'when { context has user && context.user == User::"u_alice" }'],
      ['principal', 'when { context has authAgeSeconds && context.authAgeSeconds == 60 }'],
      ['principal', 'when { context.amr.contains("pwd") && context.asked.environment == "production" }'],
    ] as const
    for (const [principal, when] of seen) {
      const text = `@id("own.no") forbid (${principal}, action == Action::"access", resource) ${when};`
      await using world = await open(policiesWith(text))
      const { decision, context: told } = saidBy(await ask(world, call()))
      assert.deepEqual([decision, told.determining_policies], [false, ['own.no']], text)
      assert.equal((await world.lastAudit('policy.access'))?.outcome, 'refused')
    }
  })

  test('the strictest profile of all the token is for is the tier', async () => {
    const text = `@id("own.no") forbid ${head} when { context.asked.tier like "*tier-4*" };`
    const detailTypes = [{ name: 'payment', audience: accounts, profile: tier4HighValue }] as never
    await using world = await open(policiesWith(text), { detailTypes })
    assert.equal(saidBy(await ask(world, call())).decision, false)
    assert.equal(saidBy(await ask(world, call({ authorization_details: [] }))).decision, true)
  })

  test('a client that acts for itself has no user', async () => {
    await using world = await open(policiesWith(`@id("own.no") forbid ${head} unless { context has user };`))
    assert.equal(saidBy(await ask(world, call({}, 'c_bank'))).decision, false)
    const record = await world.lastAudit('policy.access')
    assert.deepEqual([record?.subject, record?.facts.has_user], [undefined, false])
    assert.equal(saidBy(await ask(world, call())).decision, true)
  })

  test('a decision point of the issuer beside them changes nothing', async () => {
    await using world = await open(undefined, { decisionPoint: decidingWorld() })
    const { decision, context: told } = saidBy(await ask(world, call()))
    assert.deepEqual([decision, told.policy_version], [true, 'version-of-active'])
    assert.equal(await world.lastAudit('access.decided'), undefined)
  })

  test('what is not permitted is denied', async () => {
    const set = policyEngines[0].compile('none', {
      'a.cedar': '@id("a") permit (principal, action == Action::"mint", resource);',
    })
    assert.ok(set.ok)
    const { asks: _asks, ...compiled } = set.value
    await using world = await open({ name: 'none', version: 'v', ...compiled })
    assert.deepEqual(saidBy(await ask(world, call())), { decision: false, context: { policy_version: 'v' } })
  })
})

describe('what the policies want first', () => {
  const stepUp = policiesWith(
    `@id("own.step") @step_up("${mfa}") forbid ${head} unless { context has acr && context.acr == "${mfa}" };`,
  )

  test('is every level of the issuer that would do, on a deny', async () => {
    await using world = await open(stepUp)
    const { decision, context: told } = saidBy(await ask(world, call()))
    assert.deepEqual([decision, told.acr_values], [false, [mfa, 'urn:holdfast:acr:phr']])
    assert.equal(saidBy(await ask(world, call({ acr: mfa }))).decision, true)
  })

  test('on a permit is met by a stronger level, too', async () => {
    await using world = await open(policiesWith(`@id("own.step") @step_up("${mfa}") permit ${head};`))
    assert.equal(saidBy(await ask(world, call())).decision, false)
    assert.equal(saidBy(await ask(world, call({ acr: 'urn:holdfast:acr:phr' }))).decision, true)
  })

  test('leads nowhere where no user is', async () => {
    await using world = await open(stepUp)
    const { decision, context: told } = saidBy(await ask(world, call({ acr: undefined }, 'c_bank')))
    assert.deepEqual([decision, told.acr_values], [false, undefined])
  })

  test('is said of approvals, which a call cannot wait for', async () => {
    await using world = await open(
      policiesWith(`@id("own.four-eyes") @require_approval("treasury") permit ${head};`),
    )
    const { decision, context: told } = saidBy(await ask(world, call()))
    assert.deepEqual([decision, told.approval_required], [false, ['treasury']])
    assert.equal(await world.lastAudit('approval.requested'), undefined)
  })

  test('what changes a token is for tokens only', () => {
    assert.throws(() => policiesWith(`@id("own.short") @max_lifetime("60") permit ${head};`), /is for tokens/)
  })
})

describe('beside the active version', () => {
  test('the one in the shadow is asked, and recorded where it differs', async () => {
    const shadow = '@id("shadow.no") forbid (principal, action == Action::"access", resource);'
    await using world = await open(policiesWith('', shadow))
    assert.equal(saidBy(await ask(world, call())).decision, true)
    const record = await world.lastAudit('policy.shadow-differs')
    assert.deepEqual(
      [record?.facts.moment, record?.facts.decision, record?.facts.shadow_decision, record?.txn],
      ['access', 'permit', 'deny', 'txn-of-the-token'],
    )
  })

  const asks = policiesWith(`@id("own.ask") @ask("fraud") permit ${head};`)
  for (const [verdict, decision] of [
    [{ verdict: 'permit', obligations: noObligations }, true],
    [{ verdict: 'deny', obligations: noObligations }, false],
    [{ verdict: 'failed', message: 'down' }, false],
  ] as const satisfies readonly (readonly [RemoteVerdict, boolean])[])
    test(`an engine that a permit names says ${verdict.verdict}`, async () => {
      const asked: TokenQuestion[] = []
      const remoteEngines = {
        ask: async (_engine: string, question: TokenQuestion) => {
          asked.push(question)
          return verdict
        },
      }
      await using world = await open(asks, { remoteEngines })
      assert.equal(saidBy(await ask(world, call())).decision, decision)
      assert.deepEqual(
        asked.map(({ moment }) => moment),
        ['access'],
      )
      assert.deepEqual((await world.lastAudit('policy.access'))?.facts.remote, [`fraud=${verdict.verdict}`])
    })
})

describe('what fails denies', () => {
  test('policies that break, or were written before there was this moment', async () => {
    const older = policyEngines[0].compile('older', {
      'a.cedar':
        '@id("a") permit (principal, action, resource) unless { action == Action::"register" || context.grantType == "x" };',
    })
    assert.ok(older.ok)
    const { decide, readsRisk } = older.value
    for (const policies of [
      policiesOf(question => {
        if (question.moment === 'access') throw new Error('a secret bug')
        return shipped().decide(question)
      }),
      { ...shipped(), decide, readsRisk },
    ]) {
      await using world = await open(policies)
      const { decision, context: told } = saidBy(await ask(world, call()))
      assert.equal(decision, false)
      assert.deepEqual(told.error, { status: 500, message: 'a policy failed' })
      const record = await world.lastAudit('policy.access')
      assert.equal(record?.outcome, 'refused')
      assert.ok(Array.isArray(record?.facts.failed))
    }
  })
})

describe('who may ask about a call', () => {
  test('a client that answers for the audience of the token, and no other', async () => {
    await using world = await open()
    for (const [audience, isAnswered] of [
      [[accounts], true],
      [[accounts, accounts], true],
      [[payments, accounts], false],
      [[payments], false],
    ] as const) {
      const { decision, context: told } = saidBy(await ask(world, call({ audience })))
      assert.equal(decision, isAnswered, audience.join())
      if (isAnswered) continue
      assert.deepEqual((told.error as { readonly status: number }).status, 403)
      const record = await world.lastAudit('access.refused')
      assert.deepEqual([record?.ruleId, record?.clientId], ['authzen.call-audience', 'c_gateway'])
    }
    const nowhere = clientOf({ clientId: 'c_gateway', scopes: [scope] })
    await using other = await open(undefined, { clients: [nowhere] })
    assert.equal(saidBy(await ask(other, call())).decision, false)
    assert.equal(await other.lastAudit('policy.access'), undefined)
  })

  test('about clients that are served', async () => {
    const suspended = clientOf({ clientId: 'c_gone', status: 'suspended' })
    await using world = await open(undefined, { clients: [gateway, suspended] })
    for (const client_id of ['c_nobody', 'c_gone']) {
      const { decision, context: told } = saidBy(await ask(world, call({ client_id })))
      assert.deepEqual([decision, (told.error as { readonly status: number }).status], [false, 400])
      assert.equal((await world.lastAudit('access.refused'))?.ruleId, 'authzen.call-client')
    }
  })

  test('with a token of its own for this server that has the scope', async () => {
    await using world = await open()
    const fields = { grant_type: 'client_credentials', scope: 'accounts', resource: accounts }
    const accessToken = textOf(await requestToken(world, 'c_gateway', fields), 'access_token')
    const reply = await world.send(callRoom, path, {
      body: JSON.stringify(call()),
      headers: [
        ['content-type', 'application/json'],
        ['authorization', `DPoP ${accessToken}`],
        ['dpop', world.proof(path, { accessToken, nonce: currentNonce(world) })],
      ],
    })
    await assertRefused(world, reply, { status: 401, error: 'invalid_token', ruleId: 'authzen.audience' })
    assert.equal(await world.lastAudit('policy.access'), undefined)
  })

  test('what is no question is 400 with a sentence, and stands in the audit by its rule', async () => {
    await using world = await open()
    const { client_id: _client, ...unnamed } = context
    for (const [body, ruleId, contentType] of [
      ['[]', 'authzen.body'],
      [{}, 'authzen.subject'],
      [{ ...call(), context: unnamed }, 'authzen.call-token'],
      [call({ amr: 'pwd' }), 'authzen.call-user'],
      [call({ txn: 'two words' }), 'authzen.call-details'],
      [call(), 'authzen.media-type', 'text/plain'],
    ] as const) {
      const reply = await ask(world, body, contentType)
      assert.equal(reply.status, 400, ruleId)
      assert.equal(typeof JSON.parse(String(reply.body)), 'string')
      assert.equal((await world.lastAudit('access.refused'))?.ruleId, ruleId)
    }
    assert.equal(await world.lastAudit('policy.access'), undefined)
  })
})
