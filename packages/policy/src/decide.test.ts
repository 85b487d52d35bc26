import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import * as fc from 'fast-check'
import { decide, evaluate, prepareEntities } from './decide.ts'
import type { Decision } from './decision.ts'
import { noObligations } from './obligations.ts'
import { compilePolicySet } from './policy-set.ts'
import { bankEntities, bankSchema, compileBank, entitiesOf, must, questionOf, uid } from './testing/bank.ts'

const everyone = '@id("everyone") permit (principal, action, resource);'

function ask(policies: string, change: Readonly<Record<string, unknown>> = {}): Decision {
  const set = must(compileBank(policies))
  return decide(set, questionOf(change), entitiesOf(set))
}

describe('decisions', () => {
  it('nothing permits: deny', () => {
    const decided = ask('@id("nobody") permit (principal == Customer::"eve", action, resource);')
    assert.equal(decided.decision, 'deny')
    assert.deepEqual([decided.determining, decided.errors], [[], []])
  })

  it('a permit permits, and names itself and the version', () => {
    const decided = ask(everyone)
    assert.equal(decided.decision, 'permit')
    assert.deepEqual(decided.determining, ['everyone'])
    assert.match(decided.version, /^sha256:[A-Za-z0-9_-]{43}$/)
    assert.deepEqual(decided.obligations, noObligations)
  })

  it('a forbid overrides every permit', () => {
    const forbid = (limit: number) =>
      `${everyone} @id("limit") forbid (principal, action, resource) when { context.amount > ${limit} };`
    assert.equal(ask(forbid(9)).decision, 'deny')
    assert.deepEqual(ask(forbid(9)).determining, ['limit'])
    assert.equal(ask(forbid(10)).decision, 'permit')
  })

  it('groups reach over several steps, for principals and for actions', () => {
    assert.equal(ask('@id("a") permit (principal in Team::"all", action, resource);').decision, 'permit')
    assert.equal(ask('@id("a") permit (principal, action in Action::"use", resource);').decision, 'permit')
  })

  it('a decision cannot be changed afterwards', () => {
    const decided = ask(everyone)
    for (const part of [decided, decided.determining, decided.errors, decided.obligations])
      assert.ok(Object.isFrozen(part))
    assert.ok(Object.isFrozen(must(compileBank(everyone))))
  })
})

describe('whatever goes wrong is a deny', () => {
  const failing =
    '@id("failing") permit (principal, action, resource) when { context.amount * 4611686018427 > 1 };'

  it('a policy that fails, though another permits and Cedar would allow', () => {
    const set = must(compileBank(everyone + failing))
    const question = questionOf({ context: { amount: 9_007_199_254_740_991 } })
    const cedar = evaluate(set, question, entitiesOf(set))
    assert.equal(cedar.decision, 'allow')
    assert.deepEqual(cedar.determining, ['everyone'])
    assert.deepEqual(
      cedar.errors.map(({ policyId, code }) => [policyId, code]),
      [['failing', 'overflow']],
    )
    const decided = decide(set, question, entitiesOf(set))
    assert.equal(decided.decision, 'deny')
    assert.deepEqual(decided.determining, [])
    assert.deepEqual(
      decided.errors.map(({ place }) => place),
      ['failing'],
    )
  })

  const questions: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['an action the schema does not know', { action: uid('Action', 'steal') }],
    ['an action that is only a group', { action: uid('Action', 'use') }],
    ['a principal of a type the action is not for', { principal: uid('Team', 'gold') }],
    ['a resource of a type the action is not for', { resource: uid('Customer', 'ada') }],
    ['a context that lacks what is required', { context: {} }],
    ['a context with more than the schema has', { context: { amount: 10, extra: true } }],
    ['a context value of another type', { context: { amount: '10' } }],
    ['an optional context value of another type', { context: { amount: 10, address: '10.0.0.1' } }],
  ]
  for (const [name, change] of questions)
    it(name, () => {
      const decided = ask(everyone, change)
      assert.equal(decided.decision, 'deny')
      assert.deepEqual(
        decided.errors.map(({ place }) => place),
        ['question'],
      )
    })

  it('entities of another schema', () => {
    const set = must(compileBank(everyone))
    const other = must(
      compilePolicySet({
        schema: { name: 'other', text: bankSchema.replace('level: Long', 'level: Long, more?: Long') },
        policies: { all: everyone },
      }),
    )
    const decided = decide(set, questionOf(), entitiesOf(other))
    assert.equal(decided.decision, 'deny')
    assert.deepEqual(
      decided.errors.map(({ place }) => place),
      ['entities'],
    )
  })

  for (const [name, left, rest] of [
    ['a principal that is not among the entities', 'principal', { principal: uid('Customer', 'eve') }],
    ['a resource that is not among the entities', 'resource', { resource: uid('Vault', 'other') }],
  ] as const)
    it(name, () => {
      const decided = ask(everyone, rest)
      assert.equal(decided.decision, 'deny')
      assert.deepEqual(decided.errors, [{ place: 'entities', message: `the ${left} is not among them` }])
    })

  it('entities prepared for other policies of the same schema are as good', () => {
    const other = must(compileBank('@id("other") forbid (principal, action, resource);'))
    const set = must(compileBank(everyone))
    assert.equal(decide(set, questionOf(), entitiesOf(other)).decision, 'permit')
  })

  it('a bug of ours', () => {
    const set = must(compileBank(everyone))
    const broken = { ...entitiesOf(set), store: undefined as never }
    const decided = decide(set, questionOf(), broken)
    assert.equal(decided.decision, 'deny')
    assert.equal(decided.errors[0]?.place, 'engine')
  })
})

describe('with the schema and its actions', () => {
  it('evaluates as Cedar does', () => {
    const policies = `${everyone}
      @id("group") forbid (principal in Team::"all", action in Action::"use", resource)
        when { context.amount > 100 && resource.hasTag("floor") };
      @id("place") forbid (principal, action, resource)
        when { context has from && resource has where && context.from == resource.where };
      @id("robot") forbid (principal, action == Action::"read", resource)
        when { context has by && context.by.size * 4611686018427387 > 9007199254740991 };`
    const set = must(compileBank(policies))
    let [errors, denied] = [0, 0]
    for (const action of ['read', 'pay'])
      for (const amount of [1, 100, 101])
        for (const from of [undefined, { street: 'Main' }, { street: 'Side' }])
          for (const id of [undefined, 'r', 'gone']) {
            const context = {
              amount,
              ...(from && { from }),
              ...(id && { by: { __entity: uid('Bots::Robot', id) } }),
            }
            const change = { action: uid('Action', action), context }
            const ours = evaluate(set, questionOf(change), entitiesOf(set))
            const answer = cedar.isAuthorized({
              principal: uid('Customer', 'ada'),
              resource: uid('Vault', 'v'),
              ...change,
              schema: bankSchema,
              validateRequest: true,
              policies: { staticPolicies: policiesById(policies) },
              entities: bankEntities as cedar.Entities,
            })
            assert.ok(answer.type === 'success')
            const { decision, diagnostics } = answer.response
            assert.equal(ours.decision, decision)
            assert.deepEqual(ours.determining, diagnostics.reason.toSorted())
            const failing = diagnostics.errors.map(({ policyId }) => policyId)
            assert.deepEqual(
              ours.errors.map(({ policyId }) => policyId),
              failing.toSorted(),
            )
            errors += failing.length
            denied += decision === 'deny' ? 1 : 0
          }
    assert.ok(errors > 5 && denied > 20 && denied < 54, `${errors} errors, ${denied} of 54 denied`)
  })
})

/** The reference names policies by their place unless they come by name. */
function policiesById(policies: string): Record<string, string> {
  const parts = cedar.policySetTextToParts(policies)
  assert.ok(parts.type === 'success')
  return Object.fromEntries(parts.policies.map(text => [/@id\("(.*?)"\)/.exec(text)?.[1] ?? '', text]))
}

describe('obligations', () => {
  const both = (first: string, second: string): Decision =>
    ask(
      `@id("a") ${first} permit (principal, action, resource);
       @id("b") ${second} permit (principal, action, resource);`,
    )

  it('the strictest of each, over every determining permit', () => {
    const { decision, obligations } = both(
      '@max_lifetime("300") @drop_scope("x y") @step_up("one two") @add_claim("risk=low")',
      '@ask("fraud risk") @max_lifetime("60") @drop_scope("y z") @require_approval("treasury") @add_claim("risk=low")',
    )
    assert.equal(decision, 'permit')
    assert.deepEqual(obligations, {
      stepUp: [['one', 'two']],
      maxLifetimeSeconds: 60,
      dropScopes: ['x', 'y', 'z'],
      dropDetails: [],
      requireApproval: ['treasury'],
      approvalSeconds: undefined,
      isApprovalReusable: false,
      addClaims: { risk: 'low' },
      ask: ['fraud', 'risk'],
    })
  })

  for (const [first, second, seconds, isReusable] of [
    ['@require_approval("a")', '@require_approval("b")', undefined, false],
    ['@require_approval("a") @approval_for("3600")', '@title("x")', 3600, true],
    ['@require_approval("a") @approval_for("3600")', '@require_approval("b") @approval_for("60")', 60, true],
    [
      '@require_approval("a") @approval_for("60")',
      '@require_approval("b") @approval_within("900")',
      60,
      false,
    ],
    ['@require_approval("a") @approval_within("3600")', '@require_approval("b")', 900, false],
    ['@require_approval("a") @approval_for("3600")', '@require_approval("b")', 900, false],
  ] as const)
    it(`how long an approval serves: ${first} and ${second}`, () => {
      const { obligations } = both(first, second)
      assert.deepEqual([obligations.approvalSeconds, obligations.isApprovalReusable], [seconds, isReusable])
    })

  it('a policy that does not determine obliges to nothing', () => {
    const decided = ask(
      `${everyone} @id("other") @max_lifetime("1") permit (principal == Customer::"eve", action, resource);`,
    )
    assert.deepEqual(decided.obligations, noObligations)
  })

  it('claims that contradict each other are a deny', () => {
    const decided = both('@add_claim("risk=low")', '@add_claim("risk=high")')
    assert.equal(decided.decision, 'deny')
    assert.equal(decided.errors[0]?.place, 'obligations')
  })

  it('a deny names a way out only when every forbid has one', () => {
    const stepUp = '@id("step") @step_up("two") forbid (principal, action, resource);'
    const plain = '@id("plain") forbid (principal, action, resource);'
    assert.deepEqual(ask(everyone + stepUp).obligations.stepUp, [['two']])
    assert.deepEqual(ask(everyone + stepUp + plain).obligations, noObligations)
    assert.deepEqual(ask(stepUp).obligations, noObligations, 'nothing permits: stepping up would not help')
  })

  it('a deny because nothing permits has no way out', () => {
    const decided = ask('@id("a") @step_up("two") permit (principal == Customer::"eve", action, resource);')
    assert.deepEqual([decided.decision, decided.obligations], ['deny', noObligations])
  })
})

describe('properties', () => {
  const condition = fc.constantFrom(
    'true',
    'context.amount > 10',
    'principal.level == 3',
    'principal has boss && principal.boss.level > 1',
    'resource.hasTag("floor") && resource.getTag("floor") == 2',
    'resource.seen.contains("ada")',
    'context.amount * 9007199254740991 > 9007199254740991 * 1000',
  )
  const policy = fc.record({ effect: fc.constantFrom('permit', 'forbid'), condition })
  const text = (policies: readonly { effect: string; condition: string }[]): string =>
    policies
      .map(
        (one, index) =>
          `@id("p${index}") ${one.effect} (principal, action, resource) when { ${one.condition} };`,
      )
      .join('\n')
  const amount = fc.constantFrom(1, 10, 11, 5000)

  it('one more forbid never turns a deny into a permit', () => {
    fc.assert(
      fc.property(fc.array(policy, { minLength: 1, maxLength: 5 }), condition, amount, (all, extra, paid) => {
        const change = { context: { amount: paid } }
        const before = ask(text(all), change).decision
        const after = ask(text([...all, { effect: 'forbid', condition: extra }]), change).decision
        assert.ok(before === 'permit' || after === 'deny')
      }),
      { numRuns: 60 },
    )
  })

  it('the order of policies changes neither the decision nor the version', () => {
    fc.assert(
      fc.property(fc.array(policy, { minLength: 2, maxLength: 5 }), amount, (all, paid) => {
        const lines = text(all).split('\n')
        const change = { context: { amount: paid } }
        assert.deepEqual(ask(lines.join('\n'), change), ask(lines.toReversed().join('\n'), change))
      }),
      { numRuns: 60 },
    )
  })

  it('a decision depends on nothing but its input', () => {
    const set = must(compileBank(everyone))
    const entities = must(prepareEntities(set, []))
    assert.deepEqual(decide(set, questionOf(), entities), decide(set, questionOf(), entities))
  })
})
