import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type AdminCallerInput,
  adminCallerRules,
  adminRoleRules,
  type ConfirmationInput,
  confirmationRules,
  type PreconditionInput,
  preconditionRules,
} from './rules.ts'

const audience = 'https://admin.example'
const caller: AdminCallerInput = {
  tokenAudience: [audience],
  audience,
  isBound: true,
  isStrict: true,
  isExchanged: false,
  administrator: 'anna',
}

const callers: readonly Refused<AdminCallerInput>[] = [
  { name: 'no audience', input: { ...caller, tokenAudience: [] }, ruleId: 'admin.audience' },
  {
    name: 'another audience',
    input: { ...caller, tokenAudience: [`${audience}/`] },
    ruleId: 'admin.audience',
  },
  {
    name: 'a second audience',
    input: { ...caller, tokenAudience: [audience, 'https://api.example'] },
    ruleId: 'admin.audience',
  },
  { name: 'no binding', input: { ...caller, isBound: false }, ruleId: 'admin.bound' },
  { name: 'a weak profile', input: { ...caller, isStrict: false }, ruleId: 'admin.profile' },
  { name: 'an exchanged token', input: { ...caller, isExchanged: true }, ruleId: 'admin.exchanged' },
  {
    name: 'somebody who is no administrator',
    input: { ...caller, administrator: undefined },
    ruleId: 'admin.administrator',
  },
]

describe('a caller of the admin API', () => {
  test('is heard', () => assert.equal(firstRefusal(adminCallerRules, caller), undefined))
  for (const { name, input, ruleId } of callers)
    test(`is refused with ${name}`, () => assert.equal(firstRefusal(adminCallerRules, input)?.ruleId, ruleId))

  test('needs every scope in the Administrator document', () => {
    const judge = (held: readonly string[]) =>
      firstRefusal(adminRoleRules, { required: ['admin.a:read', 'admin.b:read'], held })?.ruleId
    assert.equal(judge(['admin.b:read', 'admin.a:read', 'admin.c:read']), undefined)
    assert.equal(judge(['admin.a:read']), 'admin.role')
    assert.equal(judge([]), 'admin.role')
  })
})

const write: PreconditionInput = { etag: '"a"', ifMatch: ['"a"'], ifNoneMatch: false }

describe('a precondition', () => {
  const fine: readonly PreconditionInput[] = [
    write,
    { ...write, ifMatch: ['"b"', '"a"'] },
    { etag: undefined, ifMatch: undefined, ifNoneMatch: true },
  ]
  for (const [index, input] of fine.entries())
    test(`holds (${index})`, () => assert.equal(firstRefusal(preconditionRules, input), undefined))

  const refusals: readonly Refused<PreconditionInput>[] = [
    { name: 'is missing', input: { ...write, ifMatch: undefined }, ruleId: 'admin.precondition-missing' },
    { name: 'names another tag', input: { ...write, ifMatch: ['"b"'] }, ruleId: 'admin.precondition' },
    { name: 'names no tag', input: { ...write, ifMatch: [] }, ruleId: 'admin.precondition' },
    { name: 'names what is gone', input: { ...write, etag: undefined }, ruleId: 'admin.precondition' },
    {
      name: 'wants nothing where something is',
      input: { etag: '"a"', ifMatch: undefined, ifNoneMatch: true },
      ruleId: 'admin.precondition',
    },
  ]
  for (const { name, input, ruleId } of refusals)
    test(`${name}: refused`, () => assert.equal(firstRefusal(preconditionRules, input)?.ruleId, ruleId))
})

const confirmation: ConfirmationInput = {
  now: epochSeconds(100),
  change: { expiresAt: 101, persons: ['anna'] },
  by: 'bela',
  isPerson: true,
  isBaseSame: true,
}

describe('a confirmation', () => {
  test('is taken in the last second, by another person', () =>
    assert.equal(firstRefusal(confirmationRules, confirmation), undefined))

  const refusals: readonly Refused<ConfirmationInput>[] = [
    {
      name: 'of nothing',
      input: { ...confirmation, change: undefined },
      ruleId: 'admin.change-unknown',
    },
    {
      name: 'in the second of its end',
      input: { ...confirmation, now: epochSeconds(101) },
      ruleId: 'admin.change-expired',
    },
    { name: 'by a client', input: { ...confirmation, isPerson: false }, ruleId: 'admin.approver-person' },
    { name: 'by who proposed it', input: { ...confirmation, by: 'anna' }, ruleId: 'admin.own-change' },
    {
      name: 'by who answers for the client that proposed it',
      input: { ...confirmation, change: { expiresAt: 101, persons: ['ci', 'bela'] } },
      ruleId: 'admin.own-change',
    },
    {
      name: 'on other ground',
      input: { ...confirmation, isBaseSame: false },
      ruleId: 'admin.change-stale',
    },
  ]
  for (const { name, input, ruleId } of refusals)
    test(`${name} is refused`, () => assert.equal(firstRefusal(confirmationRules, input)?.ruleId, ruleId))
})
