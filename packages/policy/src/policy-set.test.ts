import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePolicySet, policiesMax } from './policy-set.ts'
import { bankSchema, compileBank, must } from './testing/bank.ts'

const good = '@id("good") permit (principal, action, resource);'

function refusedFor(policies: string): string {
  const compiled = compileBank(policies)
  assert.ok(!compiled.ok, 'compiled, though it must not')
  return compiled.problems.map(({ place, message }) => `${place}: ${message}`).join('\n')
}

describe('a policy set is refused', () => {
  const when = (condition: string): string =>
    `@id("a") permit (principal, action == Action::"pay", resource) when { ${condition} };`
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['text that is no policy', 'permit (principal', /^bank\.cedar:1: /],
    ['a policy without id', 'permit (principal, action, resource);', /carries an id/],
    [
      'an id that cannot be written down',
      '@id("a b") permit (principal, action, resource);',
      /carries an id/,
    ],
    [
      'an id of 129 letters',
      `@id("${'a'.repeat(129)}") permit (principal, action, resource);`,
      /carries an id/,
    ],
    ['an id given twice', `${good}\n${good.replace('permit', 'forbid')}`, /bank\.cedar:2: .*bank\.cedar:1/],
    [
      'a template',
      '@id("a") permit (principal == ?principal, action, resource);',
      /templates are not offered/,
    ],
    ['an unknown annotation', `@step-up("x") ${good}`, /./],
    ['a misspelt obligation', `@stepup("x") ${good}`, /unknown annotation `@stepup`/],
    ['an attribute the schema does not have', when('principal.size > 1'), /attribute `size`/],
    ['a comparison of different types', when('context.amount == "1"'), /types/],
    ['an optional attribute read without `has`', when('principal.boss.level > 1'), /optional attribute/],
    ['a type the schema does not have', '@id("a") permit (principal is Dog, action, resource);', /`Dog`/],
    [
      'an action the schema does not have',
      '@id("a") permit (principal, action == Action::"x", resource);',
      /./,
    ],
    ['a condition that never holds', when('context.amount > 1 && false'), /impossible/],
    [
      'an extension called with text that is not constant',
      when('resource.seen.contains(context.amount)'),
      /./,
    ],
    ['a constant beyond what JSON carries', when('context.amount < 9007199254740992'), /carries exactly/],
    ['a constant below what JSON carries', when('context.amount > -9007199254740992'), /carries exactly/],
    [
      'letters that look like others',
      `@id("a") permit (principal == Customer::"аda", action, resource);`,
      /./,
    ],
  ]
  for (const [name, policies, expected] of refused)
    it(name, () => {
      assert.match(refusedFor(policies), expected)
    })

  const annotations: readonly (readonly [string, boolean])[] = [
    ['@max_lifetime("1")', true],
    ['@max_lifetime("31536000")', true],
    ['@max_lifetime("31536001")', false],
    ['@max_lifetime("0")', false],
    ['@max_lifetime("-1")', false],
    ['@max_lifetime("1.5")', false],
    ['@max_lifetime', false],
    ['@step_up("urn:a urn:b")', true],
    ['@step_up(" ")', false],
    ['@drop_scope("payments:write")', true],
    ['@drop_scope("a\\"b")', false],
    ['@require_approval("treasury")', true],
    ['@require_approval("a b c d e")', true],
    ['@require_approval("a b c d e f")', false],
    ['@require_approval("a") @approval_within("604800")', true],
    ['@require_approval("a") @approval_within("604801")', false],
    ['@require_approval("a") @approval_for("1")', true],
    ['@require_approval("a") @approval_for("0")', false],
    ['@require_approval("a") @approval_for("soon")', false],
    ['@approval_for("60")', false],
    ['@approval_within("60")', false],
    ['@require_approval("a") @approval_for("60") @approval_within("60")', false],
    ['@add_claim("risk=low")', true],
    ['@add_claim("risk")', false],
    ['@add_claim("=low")', false],
    ['@add_claim("cnf=x")', false],
    ['@add_claim("sub=mallory")', false],
    ['@add_claim("scope=all")', false],
    ['@add_claim("risk=\\u{e9}")', false],
    ['@ask("fraud other-engine")', true],
    ['@ask("")', false],
    ['@ask("Fraud")', false],
    ['@ask("a/b")', false],
    [`@ask("${'x'.repeat(32)}")`, true],
    [`@ask("${'x'.repeat(33)}")`, false],
    ['@title("words for people")', true],
  ]
  for (const [annotation, isGood] of annotations)
    it(`${annotation} on a permit: ${isGood ? 'accepted' : 'refused'}`, () => {
      assert.equal(compileBank(`${annotation} ${good}`).ok, isGood)
    })

  for (const annotation of ['@max_lifetime("1")', '@drop_scope("a")', '@add_claim("a=b")', '@ask("fraud")'])
    it(`${annotation} on a forbid, where it would do nothing`, () => {
      assert.match(
        refusedFor(`${annotation} ${good.replace('permit', 'forbid')}`),
        /does nothing on a forbid/,
      )
    })

  it('a schema that is none', () => {
    const compiled = compilePolicySet({ schema: { name: 's', text: 'entity {' }, policies: { p: good } })
    assert.ok(!compiled.ok)
    assert.match(compiled.problems[0]?.place ?? '', /^s:1$/)
  })

  it('more text than a policy set may have', () => {
    assert.match(refusedFor(`// ${'x'.repeat(16_777_217)}`), /too large/)
  })

  it('more policies than one set may have', () => {
    const many = Array.from({ length: policiesMax + 1 }, (_, index) => good.replace('good', `p${index}`))
    assert.match(refusedFor(many.join('\n')), /more than 20000/)
  })

  it('every problem of every file is named at once', () => {
    const compiled = compilePolicySet({
      schema: { name: 's', text: bankSchema },
      policies: { one: 'permit (principal', two: '\n\npermit (principal, action, resource);' },
    })
    assert.ok(!compiled.ok)
    assert.deepEqual(
      compiled.problems.map(({ place }) => place),
      ['one:1', 'two:3'],
    )
  })
})

describe('a source that breaks the reference', () => {
  const deep: readonly (readonly [string, string])[] = [
    ['parentheses', `${'('.repeat(5000)}true${')'.repeat(5000)}`],
    ['sums', `${'1 + '.repeat(5000)}1 > 0`],
    ['choices', `${'if true then '.repeat(3000)}true${' else false'.repeat(3000)}`],
    ['records', `${'{a:'.repeat(1000)}1${'}'.repeat(1000)} has a`],
    ['half a character', 'context.amount > 1 || "\ud800" == "x"'],
  ]
  for (const [name, condition] of deep)
    it(`${name}: refused, and the next one is read as ever`, () => {
      refusedFor(`@id("deep") permit (principal, action, resource) when { ${condition} };`)
      assert.ok(compileBank(good).ok)
    })

  it('nesting that the reference bears and we do not is refused, too', () => {
    const sum = (terms: number): string =>
      `@id("sum") permit (principal, action, resource) when { ${'1 + '.repeat(terms)}context.amount > 0 };`
    assert.ok(compileBank(sum(150)).ok)
    refusedFor(sum(250))
  })
})

describe('the version of a policy set', () => {
  const versionOf = (policies: string): string => must(compileBank(policies)).version

  it('is of the content: not of order, spaces or comments', () => {
    const other = '@id("other") forbid (principal, action == Action::"pay", resource);'
    assert.equal(versionOf(good + other), versionOf(`// words\n${other}\n\n  ${good}`))
  })

  it('changes with an effect, a condition, an annotation and the schema', () => {
    const versions = [
      versionOf(good),
      versionOf(good.replace('permit', 'forbid')),
      versionOf(
        good.replace(';', ' when { context.amount > 1 };').replace('action,', 'action == Action::"pay",'),
      ),
      versionOf(`@max_lifetime("1") ${good}`),
      versionOf(`@max_lifetime("2") ${good}`),
      must(
        compilePolicySet({
          schema: { name: 's', text: bankSchema.replace('seen: Set<String>', 'seen: Set<Long>') },
          policies: { p: good },
        }),
      ).version,
    ]
    assert.equal(new Set(versions).size, versions.length)
  })
})
