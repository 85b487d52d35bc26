import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileTokenPolicies, readsContext } from '../token/compile.ts'
import type { TokenMoment } from '../token/question.ts'
import { shippedPolicies } from '../token/shipped.ts'
import { readsOfContext, readsValueAt } from './context-reads.ts'

const tokenMoments: readonly TokenMoment[] = ['authorize', 'mint', 'register']

function readOf(condition: string) {
  const own = `@id("own") forbid (principal, action == Action::"mint", resource) when { ${condition} };`
  const compiled = compileTokenPolicies({ ...shippedPolicies, 'own.cedar': own })
  assert.ok(compiled.ok, JSON.stringify(compiled))
  const reads = compiled.value.contextReads.get('own')
  assert.ok(reads)
  return reads
}

describe('what policies read of the context', () => {
  for (const [condition, values, presences] of [
    ['principal.isPublic', [], []],
    ['context.binding == "none"', ['binding'], []],
    ['context has risk', [], ['risk']],
    ['context has risk && context.risk.score > 40', ['risk.score'], ['risk']],
    ['context has risk.score', ['risk'], []],
    ['context.asked has tier', ['asked'], []],
    ['context.asked.tier == "x"', ['asked.tier'], []],
    ['context["asked"]["tier"] == "x"', ['asked.tier'], []],
    ['(if context has acr then context.asked else context.asked).time > 1', ['asked'], ['acr']],
    ['{ a: context.asked }.a.time > 1', ['asked'], []],
    ['context has user && context.user == User::"u"', ['user'], ['user']],
    ['!(if context has acr then context.amr.contains("pwd") else false)', ['amr'], ['acr']],
    ['["context", "risk"].contains(context.grantType)', ['grantType'], []],
    ['{ Var: "context", left: "risk" } has attr || context["grantType"] == "x"', ['grantType'], []],
  ] as const)
    it(`\`${condition}\`: ${[...values, ...presences.map(name => `whether ${name}`)].join(', ') || 'nothing'}`, () => {
      const found = readOf(condition)
      assert.ok(found !== 'everything')
      assert.deepEqual(
        [...found.keys()].toSorted(),
        [...new Set<string>([...values, ...presences])].toSorted(),
      )
      for (const path of values) assert.ok(readsValueAt(found, path), path)
      const [any] = [[...values, ...presences].some(path => path.startsWith('risk'))]
      assert.equal(readsOfContext(found, 'risk'), any)
      assert.equal(
        readsValueAt(found, 'user'),
        values.some(path => path === 'user'),
      )
      assert.equal(
        readsValueAt(found, 'asked.time'),
        values.some(path => path === 'asked'),
      )
    })

  for (const condition of ['context == context', '[context].contains(context)', '{ a: context } has a'])
    it(`\`${condition}\` reads all of it`, () => {
      const found = readOf(condition)
      assert.equal(found, 'everything')
      assert.ok(readsOfContext(found, 'risk'))
      assert.ok(readsValueAt(found, 'asked.time'))
    })

  it('the shipped policies read nothing, at any moment', () => {
    const compiled = compileTokenPolicies(shippedPolicies)
    assert.ok(compiled.ok)
    assert.deepEqual([...new Set(compiled.value.contextReads.values())], [new Map()])
    for (const moment of tokenMoments) assert.equal(readsContext(compiled.value, 'risk', moment), false)
  })

  const reads = 'when { context has risk };'
  for (const [action, moments] of [
    ['action == Action::"mint"', ['mint']],
    ['action == Action::"authorize"', ['authorize']],
    ['action in [Action::"authorize", Action::"mint"]', ['authorize', 'mint']],
  ] as const)
    it(`a policy for \`${action}\` reads at ${moments.join(' and ')}, and at no other moment`, () => {
      const own = `@id("own") forbid (principal, ${action}, resource) ${reads}
        @id("other") forbid (principal, action == Action::"register", resource) when { context.isUpdate };`
      const compiled = compileTokenPolicies({ ...shippedPolicies, 'own.cedar': own })
      assert.ok(compiled.ok, JSON.stringify(compiled))
      const found = tokenMoments.filter(moment => readsContext(compiled.value, 'risk', moment))
      assert.deepEqual(found, moments)
      assert.equal(readsContext(compiled.value, 'risk'), true)
      assert.equal(readsContext(compiled.value, 'attributes'), false)
    })

  it('a policy without an action reads wherever it may be asked', () => {
    const own = '@id("own") forbid (principal, action, resource) when { context == context };'
    const compiled = compileTokenPolicies({ ...shippedPolicies, 'own.cedar': own })
    assert.ok(compiled.ok, JSON.stringify(compiled))
    for (const moment of tokenMoments) assert.equal(readsContext(compiled.value, 'attributes', moment), true)
  })
})
