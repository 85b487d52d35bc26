import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { prepareEntities } from './decide.ts'
import { explain } from './explain.ts'
import { compilePolicySet } from './policy-set.ts'
import { parseQuestion } from './question.ts'

const schema = {
  name: 's.cedarschema',
  text: `entity User; entity Account; action read, pay appliesTo { principal: User, resource: Account, context: { n: Long, note?: String } };`,
}
const texts = `@id("a.ada") permit (principal == User::"ada", action, resource);
@id("b.small") permit (principal, action, resource) when { context.n < 10 } unless { context.n < 5 };
@id("c.never") @step_up("urn:mfa") forbid (principal, action == Action::"pay", resource) when { context.n > 100 };
@id("d.other") permit (principal, action, resource == Account::"2");
@id("e.breaks") forbid (principal, action, resource) when { context.n * 9007199254740991 > 9007199254740991 * 1000 };`

const set = compilePolicySet({ schema, policies: { 'p.cedar': texts } })

function ask(n: number, user = 'ada', action = 'read') {
  assert.ok(set.ok, JSON.stringify(set))
  const uid = (type: string, id: string) => ({ type, id })
  const question = parseQuestion({
    ...{ principal: uid('User', user), action: uid('Action', action), resource: uid('Account', '1') },
    context: { n },
  })
  const entities = prepareEntities(set.value, [
    { uid: uid('User', user), attrs: {}, parents: [] },
    { uid: uid('Account', '1'), attrs: {}, parents: [] },
  ])
  assert.ok(question.ok && entities.ok)
  return explain(set.value, question.value, entities.value)
}

const outcomes = (explanation: ReturnType<typeof ask>): Record<string, string> =>
  Object.fromEntries(
    explanation.policies.map(({ id, outcome, part, condition, kind }) => [
      id,
      [outcome, part, condition, kind].filter(one => one !== undefined).join(' '),
    ]),
  )

describe('a decision is explained', () => {
  it('policy by policy: what decided, what is about something else, which condition does not hold', () => {
    assert.deepEqual(outcomes(ask(7)), {
      'a.ada': 'decides',
      'b.small': 'decides',
      'c.never': 'other-scope action',
      'd.other': 'other-scope resource',
      'e.breaks': 'condition 1 when',
    })
    assert.deepEqual(outcomes(ask(3, 'bob')), {
      'a.ada': 'other-scope principal',
      'b.small': 'condition 2 unless',
      'c.never': 'other-scope action',
      'd.other': 'other-scope resource',
      'e.breaks': 'condition 1 when',
    })
  })

  it('a permit that a forbid or a failure overrides held all the same', () => {
    const forbidden = ask(101, 'ada', 'pay')
    assert.equal(forbidden.decision.decision, 'deny')
    assert.equal(outcomes(forbidden)['a.ada'], 'overridden')
    assert.equal(outcomes(forbidden)['c.never'], 'decides')
    assert.deepEqual(forbidden.policies.find(({ id }) => id === 'c.never')?.annotations.step_up, 'urn:mfa')
    const broken = ask(100_000)
    assert.deepEqual(
      broken.decision.errors.map(({ place }) => place),
      ['e.breaks'],
    )
    assert.equal(outcomes(broken)['e.breaks'], 'failed 1 when')
    assert.equal(outcomes(broken)['a.ada'], 'overridden')
  })

  it('what is said to decide is what decided, for every question', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -20, max: 200 }),
        fc.constantFrom('ada', 'bob'),
        fc.constantFrom('read', 'pay'),
        (n, user, action) => {
          const { decision, policies } = ask(n, user, action)
          const said = policies.filter(({ outcome }) => outcome === 'decides').map(({ id }) => id)
          assert.deepEqual(said.toSorted(), [...decision.determining])
          assert.equal(policies.length, 5)
        },
      ),
      { numRuns: 50 },
    )
  })
})
