import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { parseCases, runCases } from './cases.ts'
import { compilePolicy } from './cedar/evaluate.ts'
import { DataProblem } from './cedar/json.ts'
import { compilePolicySet } from './policy-set.ts'
import { bankEntities, bankSchema, compileBank, must, uid } from './testing/bank.ts'
import { diceOf } from './testing/dice.ts'
import { policy } from './testing/random-policies.ts'

const text = `@id("a") @max_lifetime("60") permit (principal in Team::"all", action == Action::"pay", resource)
  when { context.amount < 10 && resource.seen.contains("ada") } unless { resource has where };`

/** A text with a few pieces cut out, put in or doubled. */
const torn = (good: string): fc.Arbitrary<string> =>
  fc
    .array(
      fc.tuple(fc.nat(good.length), fc.nat(6), fc.oneof(fc.string({ maxLength: 3 }), fc.constant('"'))),
      {
        maxLength: 3,
      },
    )
    .map(cuts =>
      cuts.reduce((torn, [at, length, put]) => torn.slice(0, at) + put + torn.slice(at + length), good),
    )

describe('whatever is read, the answer is yes or a list of problems', () => {
  it('policies', () => {
    let compiled = 0
    fc.assert(
      fc.property(torn(text), source => {
        const answer = compileBank(source)
        if (answer.ok) compiled++
        else assert.ok(answer.problems.length > 0)
      }),
      { numRuns: 400 },
    )
    assert.ok(compiled > 20, `${compiled} compiled`)
  })

  it('an annotation without a value is a problem, on an id and on an obligation', () => {
    const head = '(principal, action, resource);'
    for (const source of [
      `@id permit ${head}`,
      `@id("a") @step_up permit ${head}`,
      `@id("a") @title permit ${head}`,
    ]) {
      const answer = compileBank(source)
      assert.ok(!answer.ok && answer.problems.length > 0, source)
    }
  })

  it('schemas', () => {
    fc.assert(
      fc.property(torn(bankSchema), source => {
        const answer = compilePolicySet({ schema: { name: 's', text: source }, policies: { p: text } })
        if (!answer.ok) assert.ok(answer.problems.length > 0)
      }),
      { numRuns: 200 },
    )
  })

  it('policies in the JSON format, well-formed ones with a part replaced', () => {
    let [compiled, refused] = [0, 0]
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(), fc.jsonValue({ maxDepth: 2 }), (seed, place, junk) => {
        const json = JSON.stringify(policy(diceOf(seed)))
        const values = [...json.matchAll(/:("[^"\\]*"|-?\d+|true|false|\[\])/g)]
        const chosen = values[place % Math.max(values.length, 1)]
        const spoiled =
          chosen === undefined
            ? json
            : `${json.slice(0, chosen.index)}:${JSON.stringify(junk)}${json.slice(chosen.index + chosen[0].length)}`
        try {
          compilePolicy('p', JSON.parse(spoiled))
          compiled++
        } catch (thrown) {
          assert.ok(thrown instanceof DataProblem, String(thrown))
          refused++
        }
      }),
      { numRuns: 2000 },
    )
    assert.ok(compiled > 20 && refused > 20, `${compiled} compiled, ${refused} refused`)
  })

  it('files of tests', () => {
    const set = must(compileBank(text))
    const file = {
      entities: bankEntities,
      tests: [
        {
          name: 'pay',
          question: {
            principal: uid('Customer', 'ada'),
            action: uid('Action', 'pay'),
            resource: uid('Vault', 'v'),
            context: { amount: 1 },
          },
          expect: { decision: 'deny', determining: [], errors: [], obligations: { stepUp: [] } },
        },
      ],
    }
    assert.deepEqual(runCases(set, must(parseCases(set, file)))[0]?.differences, [])
    fc.assert(
      fc.property(torn(JSON.stringify(file)), source => {
        let json: unknown
        try {
          json = JSON.parse(source)
        } catch {
          return
        }
        const cases = parseCases(set, json)
        if (cases.ok) runCases(set, cases.value)
        else assert.ok(cases.problems.length > 0)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.jsonValue(), json => {
        assert.ok(!parseCases(set, json).ok)
      }),
      { numRuns: 500 },
    )
  })
})
