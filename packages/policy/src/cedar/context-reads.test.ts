import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileTokenPolicies } from '../token/compile.ts'
import { shippedPolicies } from '../token/shipped.ts'
import { contextReads, readsOfContext } from './context-reads.ts'

function readOf(condition: string) {
  const own = `@id("own") forbid (principal, action == Action::"mint", resource) when { ${condition} };`
  const compiled = compileTokenPolicies({ ...shippedPolicies, 'own.cedar': own })
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.value.contextReads
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

  it('the shipped policies read nothing, and of many policies one is enough', () => {
    const compiled = compileTokenPolicies(shippedPolicies)
    assert.ok(compiled.ok)
    assert.deepEqual(compiled.value.contextReads, new Set())
    const read = (attr: string) => ({ conditions: [{ body: { '.': { left: { Var: 'context' }, attr } } }] })
    assert.deepEqual(contextReads([read('a'), read('b')]), new Set(['b', 'a']))
  })
})
