import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../../refusal.ts'
import { firstRefusal, type Refused, type Rule } from '../../../rule.ts'

/** A rule table against what passes it and what each of its rules refuses. */
export function both<Input>(
  what: string,
  rules: readonly Rule<Input>[],
  fine: readonly { readonly name: string; readonly input: Input }[],
  refusals: readonly (Refused<Input> & { readonly error: ErrorCode })[],
): void {
  for (const { name, input } of fine)
    test(`${what} passes: ${name}`, () => assert.equal(firstRefusal(rules, input), undefined))
  for (const { name, input, ruleId, error } of refusals)
    test(`${what} is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(rules, input)
      assert.deepEqual({ ruleId: refusal?.ruleId, error: refusal?.error }, { ruleId, error })
    })
  test(`${what}: every rule has a refusal here`, () => {
    const tried = new Set(refusals.map(refusal => refusal.ruleId))
    assert.deepEqual(
      rules.map(rule => rule.id).filter(id => !tried.has(id)),
      [],
    )
  })
}
