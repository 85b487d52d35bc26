import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  noObligations,
  type RemoteVerdict,
  shippedPolicies,
  shippedTests,
  type TokenQuestion,
} from '@holdfast/policy'
import { changePolicies, submitPolicies } from '../../control/policy-sets.ts'
import type { RemoteEngines } from '../../ports.ts'
import { accounts } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import {
  goodMetadata,
  openRegistrationWorld,
  type RegistrationWorld,
  registeredIn,
} from '../testing/registration-world.ts'

/** Makes these policies active, as an operator does: one more than the shipped ones, with a test of it. */
async function activate(
  world: RegistrationWorld,
  policy: string,
  context: object,
  expect: object = { decision: 'deny', determining: ['own.no'] },
): Promise<void> {
  const file = JSON.parse(Object.values(shippedTests)[0] ?? '') as {
    tests: { name: string; question: { context: object }; expect: object }[]
  }
  const [model] = file.tests.slice(-1)
  assert.ok(model)
  file.tests.push({
    name: 'own',
    question: { ...model.question, context: { ...model.question.context, ...context } },
    expect,
  })
  const policies = { ...shippedPolicies, 'own.cedar': `@id("own.no") ${policy}` }
  const tests = { 'own.tests.json': JSON.stringify(file) }
  const submitted = await submitPolicies({ set: 'tokens', policies, tests }, world.control)
  assert.ok(submitted.ok && submitted.value.state === 'checked', JSON.stringify(submitted))
  for (const step of ['approve', 'activate'] as const) {
    const moved = await changePolicies({ step, name: submitted.value.name }, world.control)
    if (!moved.ok) throw new TypeError(JSON.stringify(moved.problems))
  }
  await world.ports.refreshSnapshot()
}

const head = '(principal, action == Action::"register", resource)'
const itsHosts = { redirectHosts: ['client.example'] }
const askVetting = `@ask("vetting") permit ${head} when { context.redirectHosts.contains("client.example") };`

describe('a client that registers itself', () => {
  test('is asked about with what it would be, and recorded in the commit that makes it', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const [record, registered] = [
      await world.lastAudit('policy.register'),
      await world.lastAudit('client.registered'),
    ]
    assert.deepEqual([record?.requestId, record?.clientId], [registered?.requestId, clientId])
    const { scopes, resources, redirect_hosts: hosts, is_update: isUpdate } = record?.facts ?? {}
    assert.deepEqual(
      [scopes, resources, hosts, isUpdate],
      [['openid', 'accounts'], [accounts], ['client.example'], false],
    )
    const updated = { ...goodMetadata, client_id: clientId, client_name: 'Other' }
    assert.equal((await world.manage('PUT', clientId, token, updated)).status, 200)
    assert.equal((await world.lastAudit('policy.register'))?.facts.is_update, true)
  })

  test('is refused by policies that an operator made active: nothing is made, and the token has its use left', async () => {
    await using world = await openRegistrationWorld()
    const grantTypes = ['authorization_code', 'client_credentials']
    await activate(world, `forbid ${head} when { context.grantTypes.contains("client_credentials") };`, {
      grantTypes,
    })
    const token = await world.token()
    const reply = await world.register(token)
    assert.deepEqual([reply.status, jsonOf(reply).error], [403, 'access_denied'])
    const refused = await world.lastAudit('registration.refused')
    assert.equal(refused?.ruleId, 'policy.denied')
    const record = await world.lastAudit('policy.register')
    assert.deepEqual([record?.outcome, record?.requestId], ['refused', refused?.requestId])
    assert.equal(world.current().registered.size, 0)
    const modest = { ...goodMetadata, grant_types: ['authorization_code'] }
    assert.equal((await world.register(token, modest)).status, 201)
  })

  test('is asked about at a remote engine, where a permit names one', async () => {
    const said: RemoteVerdict[] = [
      { verdict: 'deny', obligations: noObligations },
      { verdict: 'failed', message: 'no answer' },
      { verdict: 'permit', obligations: noObligations },
    ]
    const asked: TokenQuestion[] = []
    const remoteEngines: RemoteEngines = {
      ask: async (_engine, question) => said[asked.push(question) - 1] ?? assert.fail(),
    }
    await using world = await openRegistrationWorld({ engines: ['vetting'], remoteEngines })
    const expect = { decision: 'permit', obligations: { ask: ['vetting'] } }
    await activate(world, askVetting, itsHosts, expect)
    const token = await world.token()
    for (const ruleId of ['policy.denied', 'policy.failed']) {
      assert.equal((await world.register(token)).status, 403)
      assert.equal((await world.lastAudit('registration.refused'))?.ruleId, ruleId)
    }
    assert.equal((await world.register(token)).status, 201)
    assert.deepEqual((await world.lastAudit('policy.register'))?.facts.remote, ['vetting=permit'])
    assert.equal(asked[0]?.moment, 'register')
  })

  test('policies that name an engine which no configuration has are not made active', async () => {
    await using world = await openRegistrationWorld({ engines: ['fraud'] })
    const expect = { decision: 'permit', obligations: { ask: ['vetting'] } }
    await assert.rejects(
      activate(world, askVetting, itsHosts, expect),
      /names no engine of `remoteEngines` in the configuration/,
    )
  })

  test('cannot become by an update what it could not have registered', async () => {
    await using world = await openRegistrationWorld()
    const modest = { ...goodMetadata, grant_types: ['authorization_code'] }
    const { clientId, token } = await registeredIn(world, modest)
    await activate(world, `forbid ${head} when { context.isUpdate };`, { isUpdate: true })
    const reply = await world.manage('PUT', clientId, token, { ...modest, client_id: clientId })
    assert.deepEqual([reply.status, jsonOf(reply).error], [403, 'access_denied'])
    assert.equal((await world.lastAudit('policy.register'))?.outcome, 'refused')
    // The token was not spent: its client can still read, and leave.
    assert.equal((await world.manage('DELETE', clientId, token)).status, 204)
  })

  for (const [annotation, ruleId] of [
    ['@step_up("urn:holdfast:acr:mfa")', 'policy.step-up'],
    ['@require_approval("legal")', 'policy.approval'],
  ] as const)
    test(`is refused where nobody can meet ${annotation}`, async () => {
      await using world = await openRegistrationWorld()
      await activate(
        world,
        `${annotation} forbid ${head} when { context.redirectHosts.containsAny(["client.example", "evil.example"]) };`,
        {
          redirectHosts: ['evil.example'],
        },
      )
      const reply = await world.register(await world.token())
      assert.equal(reply.status, 403)
      assert.equal((await world.lastAudit('registration.refused'))?.ruleId, ruleId)
    })
})
