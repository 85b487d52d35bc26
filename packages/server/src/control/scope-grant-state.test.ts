import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { approvalsNeeded, hashOfContent, highTier } from './content-approvals.ts'
import type { ScopeGrantContent, ScopeGrantSpec } from './resources/scope-grant.ts'
import { brokenSteps, reviewDueAt, scopeGrantName, scopeGrantState } from './scope-grant-state.ts'

const content: ScopeGrantContent = {
  ...{ client: 'batch', resourceServer: 'bank', scopes: ['accounts'], authorizationDetailsTypes: [] },
  ...{
    purpose: 'nightly run',
    requestedBy: 'bob',
    requestedAt: 100,
    expiresAt: 1000,
    reviewDays: 1,
    tier: 4,
  },
  operations: [{ id: 'list', method: 'GET', path: '/', tier: 4 }],
}
const approval = (by: string, of = content) => ({ by, at: 200, content: hashOfContent(of) })
const active: ScopeGrantSpec = {
  ...{ content, state: 'active', approvals: [approval('alice'), approval('carol')] },
  activated: { by: 'bob', at: 300 },
}
const revoked = { by: 'bob', at: 400, reason: 'done' }
const { activated: _activated, ...notActivated } = active

describe('the steps of a grant', () => {
  const sound: readonly (readonly [string, ScopeGrantSpec])[] = [
    ['active', active],
    ['active and reviewed', { ...active, reviewed: { by: 'carol', at: 400 } }],
    ['approved', { ...notActivated, state: 'approved' }],
    ['requested', { ...notActivated, state: 'requested', approvals: [approval('alice')] }],
    ['revoked while requested', { ...notActivated, state: 'revoked', approvals: [], revoked }],
    ['revoked while active', { ...active, state: 'revoked', revoked }],
  ]
  for (const [name, spec] of sound)
    test(`${name} is sound`, () => assert.equal(brokenSteps(scopeGrantName(content), spec), undefined))

  const broken: readonly (readonly [string, ScopeGrantSpec, RegExp])[] = [
    ['one approval of two', { ...active, approvals: [approval('alice')] }, /needs 2 approvals/],
    ['approved by one', { ...notActivated, state: 'approved', approvals: [approval('alice')] }, /needs 2/],
    [
      'the same person twice',
      { ...active, approvals: [approval('alice'), approval('alice')] },
      /twice by one/,
    ],
    ['the requester', { ...active, approvals: [approval('alice'), approval('bob')] }, /by who asked/],
    [
      'an approval of other content',
      { ...active, approvals: [approval('alice'), approval('carol', { ...content, scopes: [] })] },
      /approval of other content/,
    ],
    ['never activated', { ...notActivated, state: 'active' }, /without being activated/],
    ['activated and still approved', { ...active, state: 'approved' }, /without being active/],
    ['further than requested', { ...notActivated, state: 'requested' }, /further than `requested`/],
    ['reviewed before', { ...notActivated, state: 'approved', reviewed: revoked }, /never active/],
    ['revoked by nobody', { ...active, state: 'revoked' }, /who revoked it/],
    ['active and revoked', { ...active, revoked }, /who revoked it/],
  ]
  for (const [name, spec, message] of broken)
    test(`${name} is not`, () => assert.match(brokenSteps(scopeGrantName(content), spec) ?? '', message))

  test('two persons from tier 3 on, one below', () => {
    assert.deepEqual(
      [highTier - 1, highTier].map(tier => approvalsNeeded(tier)),
      [1, 2],
    )
  })

  test('time ends every state but revoked, at the second it says', () => {
    assert.equal(scopeGrantState(active, 999), 'active')
    assert.equal(scopeGrantState(active, 1000), 'expired')
    assert.equal(scopeGrantState({ ...notActivated, state: 'requested' }, 1000), 'expired')
    assert.equal(scopeGrantState({ ...active, state: 'revoked', revoked }, 1000), 'revoked')
  })

  test('a review is due a while after the last one, or the activation', () => {
    assert.equal(reviewDueAt(notActivated as ScopeGrantSpec), undefined)
    assert.equal(reviewDueAt(active), 300 + 86_400)
    assert.equal(reviewDueAt({ ...active, reviewed: { by: 'carol', at: 400 } }), 400 + 86_400)
  })
})

describe('an approval applies only to the content approved', () => {
  const name = fc.string({ minLength: 1, maxLength: 8 })
  const whole = fc.integer({ min: 0, max: 10_000 })
  const contents: fc.Arbitrary<ScopeGrantContent> = fc.record({
    ...{ client: name, resourceServer: name, purpose: name },
    ...{
      scopes: fc.array(name, { maxLength: 3 }),
      authorizationDetailsTypes: fc.array(name, { maxLength: 3 }),
    },
    ...{ requestedBy: fc.constant('bob'), requestedAt: whole, expiresAt: whole },
    ...{ reviewDays: fc.integer({ min: 1, max: 366 }), tier: fc.integer({ min: 0, max: 4 }) },
    operations: fc.array(
      fc.record({ id: name, method: name, path: name, tier: fc.integer({ min: 0, max: 4 }) }),
    ),
  })

  test('whatever else it is moved to, under either name, does not compile', () => {
    fc.assert(
      fc.property(contents, contents, (approved, other) => {
        fc.pre(JSON.stringify(approved) !== JSON.stringify(other))
        const approvals = ['alice', 'carol'].map(by => approval(by, approved))
        const spec: ScopeGrantSpec = { ...active, content: approved, approvals }
        assert.equal(brokenSteps(scopeGrantName(approved), spec), undefined)
        for (const title of [scopeGrantName(approved), scopeGrantName(other)])
          assert.notEqual(brokenSteps(title, { ...spec, content: other }), undefined)
      }),
      { numRuns: 2000 },
    )
  })

  test('not even where one number is raised or one word added', () => {
    fc.assert(
      fc.property(
        contents,
        fc.constantFrom('expiresAt', 'tier', 'reviewDays', 'requestedAt'),
        (approved, field) => {
          const spec: ScopeGrantSpec = {
            ...{ ...active, content: { ...approved, [field]: approved[field] + 1 } },
            approvals: ['alice', 'carol'].map(by => approval(by, approved)),
          }
          assert.match(brokenSteps(scopeGrantName(spec.content), spec) ?? '', /approval of other content/)
        },
      ),
    )
  })
})
