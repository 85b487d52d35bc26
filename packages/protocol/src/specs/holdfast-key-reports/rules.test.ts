import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  instancesPerClientMax,
  type KeyReportInput,
  keyReporterRules,
  keyReportRules,
  splitThumbprints,
} from './rules.ts'

const name = (index: number): string => String(index).padStart(43, 'k')
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => name(index))
const good: KeyReportInput = {
  instance: 'i'.repeat(22),
  keys: names(2),
  verified: [name(0)],
  unverified: [name(1)],
}

const refusals: readonly Refused<KeyReportInput>[] = [
  { name: 'no instance', input: { ...good, instance: undefined }, ruleId: 'key-report.instance' },
  { name: 'a short instance', input: { ...good, instance: 'i'.repeat(21) }, ruleId: 'key-report.instance' },
  { name: 'a long instance', input: { ...good, instance: 'i'.repeat(23) }, ruleId: 'key-report.instance' },
  {
    name: 'an instance with a line feed',
    input: { ...good, instance: `${'i'.repeat(21)}\n` },
    ruleId: 'key-report.instance',
  },
  { name: 'no keys', input: { ...good, keys: undefined }, ruleId: 'key-report.keys' },
  { name: 'an empty list of keys', input: { ...good, keys: [] }, ruleId: 'key-report.keys' },
  { name: '21 keys', input: { ...good, keys: names(21) }, ruleId: 'key-report.keys' },
  { name: 'a key twice', input: { ...good, keys: [name(0), name(0)] }, ruleId: 'key-report.keys' },
  { name: 'a short thumbprint', input: { ...good, keys: ['k'.repeat(42)] }, ruleId: 'key-report.keys' },
  { name: 'a long thumbprint', input: { ...good, keys: ['k'.repeat(44)] }, ruleId: 'key-report.keys' },
  { name: 'two spaces between keys', input: { ...good, keys: [name(0), ''] }, ruleId: 'key-report.keys' },
  {
    name: 'verified what is not held',
    input: { ...good, verified: [name(7)] },
    ruleId: 'key-report.outcome',
  },
  {
    name: 'failed with what is not held',
    input: { ...good, unverified: [name(7)] },
    ruleId: 'key-report.outcome',
  },
  { name: 'a key that is both', input: { ...good, unverified: [name(0)] }, ruleId: 'key-report.outcome' },
]

describe('a report of a verifier', () => {
  const fine: readonly KeyReportInput[] = [
    good,
    { ...good, verified: [], unverified: [] },
    { ...good, keys: names(20), verified: names(20), unverified: [] },
  ]
  for (const [index, input] of fine.entries())
    test(`is taken (${index})`, () => assert.equal(firstRefusal(keyReportRules, input), undefined))
  for (const refusal of refusals)
    test(`is refused with ${refusal.name}`, () =>
      assert.equal(firstRefusal(keyReportRules, refusal.input)?.ruleId, refusal.ruleId))

  test('is refused from one process too many, and not from one that is known', () => {
    const instances = names(instancesPerClientMax)
    const judge = (instance: string, known: readonly string[]) =>
      firstRefusal(keyReporterRules, { instance, instances: known })?.ruleId
    assert.equal(judge('new', instances.slice(1)), undefined)
    assert.equal(judge('new', instances), 'key-report.instances')
    assert.equal(judge(name(3), instances), undefined)
  })

  test('lists are split at single spaces', () => {
    assert.deepEqual(splitThumbprints('a b'), ['a', 'b'])
    assert.deepEqual(splitThumbprints(''), [])
    assert.equal(splitThumbprints(undefined), undefined)
    assert.deepEqual(splitThumbprints('a  b'), ['a', '', 'b'])
  })
})
