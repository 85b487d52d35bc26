import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type CheckInput, checkRules } from './rules.ts'

const good: CheckInput = {
  isListed: true,
  methods: ['GET'],
  schemes: ['https'],
  hosts: ['api.example'],
  targets: ['/accounts?page=2'],
  ids: ['0123456789abcdef'],
  names: [
    'host',
    'x-forwarded-method',
    'x-forwarded-uri',
    'client-cert',
    'holdfast-check-id',
    'authorization',
  ],
  hasBody: false,
}

const refusals: readonly Refused<CheckInput>[] = [
  { name: 'a stranger', input: { ...good, isListed: false }, ruleId: 'check.caller' },
  { name: 'no method', input: { ...good, methods: [] }, ruleId: 'check.described' },
  { name: 'two methods', input: { ...good, methods: ['GET', 'GET'] }, ruleId: 'check.described' },
  { name: 'no scheme', input: { ...good, schemes: [] }, ruleId: 'check.described' },
  { name: 'two hosts', input: { ...good, hosts: ['api.example', 'a'] }, ruleId: 'check.described' },
  { name: 'two targets', input: { ...good, targets: ['/accounts', '/admin'] }, ruleId: 'check.described' },
  { name: 'no target', input: { ...good, targets: [] }, ruleId: 'check.described' },
  { name: 'x_forwarded_uri', input: { ...good, names: ['x_forwarded_uri'] }, ruleId: 'check.spelling' },
  { name: 'x.forwarded.host', input: { ...good, names: ['x.forwarded.host'] }, ruleId: 'check.spelling' },
  { name: 'client_cert', input: { ...good, names: ['client_cert'] }, ruleId: 'check.spelling' },
  { name: 'holdfast_check_id', input: { ...good, names: ['holdfast_check_id'] }, ruleId: 'check.spelling' },
  { name: 'evidence', input: { ...good, names: ['holdfast-evidence'] }, ruleId: 'check.forged' },
  { name: 'holdfast.token', input: { ...good, names: ['holdfast.token'] }, ruleId: 'check.forged' },
  { name: 'a subject', input: { ...good, names: ['holdfast-subject'] }, ruleId: 'check.forged' },
  { name: 'http', input: { ...good, schemes: ['http'] }, ruleId: 'check.scheme' },
  { name: 'a list of schemes', input: { ...good, schemes: ['https, http'] }, ruleId: 'check.scheme' },
  { name: 'two ids', input: { ...good, ids: ['0123456789abcdef', '0123456789abcdef'] }, ruleId: 'check.id' },
  { name: 'an id of 15 characters', input: { ...good, ids: ['0'.repeat(15)] }, ruleId: 'check.id' },
  { name: 'an id of 129 characters', input: { ...good, ids: ['0'.repeat(129)] }, ruleId: 'check.id' },
  { name: 'an id with a space', input: { ...good, ids: ['0123456789 abcdef'] }, ruleId: 'check.id' },
  { name: 'a body', input: { ...good, hasBody: true }, ruleId: 'check.body' },
]

test('a question of a listed proxy is taken, with and without an id', () => {
  for (const ids of [[], ['0'.repeat(16)], ['0'.repeat(128)]])
    assert.equal(firstRefusal(checkRules, { ...good, ids }), undefined)
})

for (const { name, input, ruleId } of refusals)
  test(`a check refuses: ${name}`, () => assert.equal(firstRefusal(checkRules, input)?.ruleId, ruleId))
