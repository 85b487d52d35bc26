import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileTokenPolicies, readsContext } from '../token/compile.ts'
import type { TokenMoment } from '../token/question.ts'
import { shippedPolicies } from '../token/shipped.ts'
import { readsOfContext } from './context-reads.ts'

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
  for (const [condition, read] of [
    ['principal.isPublic', []],
    ['context.binding == "none"', ['binding']],
    ['context has risk', ['risk']],
    ['context has risk && context.risk.score > 40', ['risk']],
    ['context has risk.score', ['risk']],
    ['!(if context has acr then context.amr.contains("pwd") else false)', ['acr', 'amr']],
    ['["context", "risk"].contains(context.grantType)', ['grantType']],
    ['{ Var: "context", left: "risk" } has attr || context["grantType"] == "x"', ['grantType']],
  ] as const)
    it(`\`${condition}\`: ${read.join(', ') || 'nothing'}`, () => {
      const found = readOf(condition)
      assert.deepEqual(found === 'everything' ? found : [...found].toSorted(), read)
      assert.equal(readsOfContext(found, 'risk'), (read as readonly string[]).includes('risk'))
    })

  for (const condition of ['context == context', '[context].contains(context)', '{ a: context } has a'])
    it(`\`${condition}\` reads all of it`, () => {
      const found = readOf(condition)
      assert.equal(found, 'everything')
      assert.ok(readsOfContext(found, 'risk'))
    })

  it('the shipped policies read nothing, at any moment', () => {
    const compiled = compileTokenPolicies(shippedPolicies)
    assert.ok(compiled.ok)
    assert.deepEqual([...new Set(compiled.value.contextReads.values())], [new Set()])
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
