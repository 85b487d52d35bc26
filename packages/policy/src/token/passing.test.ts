import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { diceOf } from '../testing/dice.ts'
import { question } from '../testing/token-questions.ts'
import { compileTokenPolicies, decideToken } from './compile.ts'
import { factsOfQuestion, lastingFactsOf, passingFactsOf } from './facts.ts'
import { ignoresPassing } from './passing.ts'
import { type AuthorizeQuestion, isBeforeToken, type MintQuestion } from './question.ts'
import { shippedPolicies } from './shipped.ts'

function compiled(own: string) {
  const set = compileTokenPolicies({ ...shippedPolicies, 'own.cedar': own })
  assert.ok(set.ok, JSON.stringify(set))
  return set.value
}

const conditions = [
  ...[
    'context.asked.time > 2000000000',
    'context.asked.tier == "a"',
    '[context.asked].contains(context.asked)',
  ],
  ...[
    'context has session',
    'context has session && context.session == Session::"a"',
    'context.amr.isEmpty()',
  ],
  ...['context has user', 'context has user && [User::"a", User::"ü"].contains(context.user)'],
  ...['context has authAgeSeconds', 'context has authAgeSeconds && context.authAgeSeconds > 9'],
  ...['context has acr && context.acr == "a"', 'context.grantType == "ü"', 'principal.isPublic'],
  ...['resource in Scope::"payments"', 'context has risk && context.risk.score > 50', 'context == context'],
]
const heads = [
  'principal, action == Action::"mint", resource',
  'principal, action == Action::"authorize", resource',
  'principal, action in [Action::"authorize", Action::"mint"], resource',
]

/** A few policies of two or three conditions each. */
function policies(seed: number): string {
  const dice = diceOf(seed)
  const policy = (_: unknown, index: number) =>
    `@id("own.${index}") ${dice.pick(['permit', 'forbid'])} (${dice.pick(heads)})
     when { ${dice.pick(conditions)} ${dice.pick(['&&', '||'])} (${dice.pick(conditions)}) }
     ${dice.pick(['when', 'unless'])} { ${dice.pick(conditions)} };`
  return Array.from({ length: 1 + dice.roll(3) }, policy).join('\n')
}

type Asked = AuthorizeQuestion | MintQuestion
const text = fc.constantFrom('a', 'b', 'c', 'ü', 'other', '\ud800', 'x'.repeat(70_000))
const seconds = fc.constantFrom(0, 7, 60, 900, 1_800_000_000, 4_000_000_000, 0.5, Number.NaN)
const asked = question.filter(isBeforeToken)

/** The same question in another flow: another time, user, session and sign-in, where there are any. */
const flows = fc
  .record({ one: asked, time: seconds, subject: text, sid: text, authAgeSeconds: seconds })
  .map(({ one, time, ...other }): readonly [Asked, Asked] => {
    const { user } = one
    const { sid, authAgeSeconds } = other
    const changed = {
      ...user,
      sid: user.sid && sid,
      authAgeSeconds: user.authAgeSeconds === undefined ? undefined : authAgeSeconds,
    }
    const again = { ...one.asked, time }
    if (one.moment === 'authorize')
      return [one, { ...one, asked: again, user: { ...changed, subject: other.subject } }]
    const subject = user.subject && other.subject
    return [one, { ...one, asked: again, user: { ...changed, subject } }]
  })

describe('what each flow brings anew', () => {
  it('changes no answer of policies that ignore it, whatever they are', () => {
    const seen = { ignored: 0, different: 0 }
    for (let seed = 0; seed < 60; seed++) {
      const own = policies(seed)
      const compiling = compileTokenPolicies({ ...shippedPolicies, 'own.cedar': own })
      // Some are true or false whatever is asked, and refused.
      if (!compiling.ok) continue
      const { value: set } = compiling
      const ignores = ignoresPassing(set)
      fc.assert(
        fc.property(flows, ([one, other]) => {
          const [before, after] = [decideToken(set, one), decideToken(set, other)]
          if (ignores(one) && ignores(other)) {
            seen.ignored++
            assert.deepEqual(after, before, own)
          } else if (before.decision !== after.decision) seen.different++
        }),
        { numRuns: 40, seed },
      )
    }
    assert.ok(seen.ignored > 200, `${seen.ignored} ignored`)
    assert.ok(seen.different > 200, `${seen.different} different`)
  })

  for (const [condition, member] of [
    ['context.asked.time > 0', 'time'],
    ['context.asked has time', 'time'],
    ['context has user && context.user == User::"a"', 'subject'],
    ['context has session && context.session == Session::"a"', 'sid'],
    ['context has authAgeSeconds && context.authAgeSeconds > 0', 'authAgeSeconds'],
  ] as const)
    it(`counts for policies that look at it: \`${condition}\``, () => {
      const ignores = ignoresPassing(
        compiled(`@id("own") forbid (principal, action == Action::"mint", resource) when { ${condition} };`),
      )
      fc.assert(
        fc.property(asked, one => {
          const value = member === 'time' ? one.asked.time : one.user[member]
          assert.equal(ignores(one), one.moment === 'authorize' || value === undefined)
        }),
      )
    })

  it('is ignored by the shipped policies, and by those that only ask whether it is there', () => {
    const presences = 'context has user && context has session && context has authAgeSeconds'
    for (const own of [
      '',
      `@id("own") forbid (principal, action == Action::"mint", resource) when { ${presences} };`,
    ]) {
      const ignores = ignoresPassing(compiled(own))
      fc.assert(fc.property(asked, one => assert.ok(ignores(one))))
    }
  })

  it('is in no fact that lasts, and those have the same names in the same order', () => {
    fc.assert(
      fc.property(flows, ([one, other]) =>
        assert.deepEqual(Object.entries(lastingFactsOf(one)), Object.entries(lastingFactsOf(other))),
      ),
    )
    const names = new Map<string, readonly string[]>()
    fc.assert(
      fc.property(question, one => {
        const lasting = lastingFactsOf(one)
        const known = names.get(one.moment) ?? Object.keys(lasting)
        names.set(one.moment, known)
        assert.deepEqual(Object.keys(lasting), known)
        const there = Object.entries(lasting).filter(([, fact]) => fact !== undefined)
        assert.deepEqual(factsOfQuestion(one), { ...Object.fromEntries(there), ...passingFactsOf(one) })
      }),
    )
    assert.equal(names.size, 4)
  })
})
