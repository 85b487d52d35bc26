import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type CodeBindingInput, codeBindingRules } from './code-binding-rules.ts'

const key = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const other = 'BN4fEISb2w43ICe8KidJAWerUcwXYmgZbCMT7uH7QEs'
const good: CodeBindingInput = { dpopJkt: key, proofJkt: key }

const refusals: readonly (Refused<CodeBindingInput> & { readonly error: string })[] = [
  {
    name: '42 characters',
    input: { ...good, dpopJkt: key.slice(1) },
    ruleId: 'dpop-jkt.form',
    error: 'invalid_request',
  },
  {
    name: '44 characters',
    input: { ...good, dpopJkt: `${key}A` },
    ruleId: 'dpop-jkt.form',
    error: 'invalid_request',
  },
  {
    name: 'padding',
    input: { ...good, dpopJkt: `${key.slice(1)}=` },
    ruleId: 'dpop-jkt.form',
    error: 'invalid_request',
  },
  {
    name: 'another key',
    input: { ...good, proofJkt: other },
    ruleId: 'dpop-jkt.same',
    error: 'invalid_dpop_proof',
  },
]

for (const { name, input, ruleId, error } of refusals)
  test(`a code binding is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(codeBindingRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, error)
  })

for (const input of [
  good,
  { dpopJkt: key, proofJkt: undefined },
  { dpopJkt: undefined, proofJkt: key },
  { dpopJkt: undefined, proofJkt: undefined },
])
  test(`a code binding passes: ${
    Object.keys(input)
      .filter(name => Object(input)[name])
      .join(' and ') || 'none'
  }`, () => {
    assert.equal(firstRefusal(codeBindingRules, input), undefined)
  })
