import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Refused } from '../../rule.ts'
import { type BindingInput, cnfOf, judgeBinding, type SenderBinding } from '../../sender/binding.ts'

const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const x5t = 'dDTGlZ-xyc1bdZDXnjyIXZSFZmHXU_pbaKsbaRCPlXE'
const other = 'BN4fEISb2w43ICe8KidJAWerUcwXYmgZbCMT7uH7QEs'

const byKey: BindingInput = { cnf: { jkt }, evidence: { jkt }, required: true }
const byCertificate: BindingInput = { cnf: { 'x5t#S256': x5t }, evidence: { x5tS256: x5t }, required: true }
const byBoth: BindingInput = {
  cnf: { jkt, 'x5t#S256': x5t },
  evidence: { jkt, x5tS256: x5t },
  required: true,
}

const refusals: readonly Refused<BindingInput>[] = [
  { name: 'no `cnf` where one is demanded', input: { ...byKey, cnf: undefined }, ruleId: 'cnf.required' },
  { name: '`cnf` that is null', input: { ...byKey, cnf: null }, ruleId: 'cnf.form' },
  { name: '`cnf` that is text', input: { ...byKey, cnf: jkt }, ruleId: 'cnf.form' },
  { name: '`cnf` that is a list', input: { ...byKey, cnf: [jkt] }, ruleId: 'cnf.form' },
  { name: 'an empty `cnf`', input: { ...byKey, cnf: {} }, ruleId: 'cnf.form' },
  {
    name: 'an empty `cnf` where none is demanded',
    input: { ...byKey, cnf: {}, required: false },
    ruleId: 'cnf.form',
  },
  { name: 'an unknown confirmation', input: { ...byKey, cnf: { foo: 1 } }, ruleId: 'cnf.known' },
  {
    name: 'an unknown confirmation beside a good one',
    input: { ...byKey, cnf: { jkt, jku: 'x' } },
    ruleId: 'cnf.known',
  },
  { name: 'a `jwk` confirmation', input: { ...byKey, cnf: { jwk: {} } }, ruleId: 'cnf.known' },
  { name: 'a confirmation in another case', input: { ...byKey, cnf: { JKT: jkt } }, ruleId: 'cnf.known' },
  {
    name: 'a thumbprint of 42 characters',
    input: { ...byKey, cnf: { jkt: jkt.slice(1) }, evidence: { jkt: jkt.slice(1) } },
    ruleId: 'cnf.thumbprint',
  },
  {
    name: 'a thumbprint of 44 characters',
    input: { ...byKey, cnf: { jkt: `${jkt}=` }, evidence: { jkt: `${jkt}=` } },
    ruleId: 'cnf.thumbprint',
  },
  {
    name: 'a thumbprint that is undefined',
    input: { ...byKey, cnf: { jkt: undefined } },
    ruleId: 'cnf.thumbprint',
  },
  { name: 'a thumbprint that is null', input: { ...byKey, cnf: { jkt: null } }, ruleId: 'cnf.thumbprint' },
  {
    name: 'an empty certificate thumbprint',
    input: { ...byKey, cnf: { 'x5t#S256': '' } },
    ruleId: 'cnf.thumbprint',
  },
  { name: 'a bound token without proof', input: { ...byKey, evidence: {} }, ruleId: 'cnf.jkt' },
  {
    name: 'a bound token without proof where none is demanded',
    input: { ...byKey, evidence: {}, required: false },
    ruleId: 'cnf.jkt',
  },
  { name: 'a proof of another key', input: { ...byKey, evidence: { jkt: other } }, ruleId: 'cnf.jkt' },
  {
    name: 'a certificate instead of a proof',
    input: { ...byKey, evidence: { x5tS256: jkt } },
    ruleId: 'cnf.jkt',
  },
  { name: 'no certificate', input: { ...byCertificate, evidence: {} }, ruleId: 'cnf.x5t' },
  {
    name: 'another certificate',
    input: { ...byCertificate, evidence: { x5tS256: other } },
    ruleId: 'cnf.x5t',
  },
  {
    name: 'a proof instead of a certificate',
    input: { ...byCertificate, evidence: { jkt: x5t } },
    ruleId: 'cnf.x5t',
  },
  { name: 'only the proof of two bindings', input: { ...byBoth, evidence: { jkt } }, ruleId: 'cnf.x5t' },
  {
    name: 'only the certificate of two bindings',
    input: { ...byBoth, evidence: { x5tS256: x5t } },
    ruleId: 'cnf.jkt',
  },
]

describe('sender binding', () => {
  it('holds by key, by certificate, and by both', () => {
    assert.deepEqual(judgeBinding(byKey), { ok: true, value: { jkt } })
    assert.deepEqual(judgeBinding(byCertificate), { ok: true, value: { x5tS256: x5t } })
    assert.deepEqual(judgeBinding(byBoth), { ok: true, value: { jkt, x5tS256: x5t } })
  })

  it('holds when the request proves more than the token asks', () => {
    assert.deepEqual(judgeBinding({ ...byKey, evidence: { jkt, x5tS256: other } }), {
      ok: true,
      value: { jkt },
    })
  })

  it('may be absent where none is demanded', () => {
    assert.deepEqual(judgeBinding({ cnf: undefined, evidence: {}, required: false }), { ok: true, value: {} })
  })

  for (const { name, input, ruleId } of refusals) {
    it(`is refused as \`${ruleId}\` with ${name}`, () => {
      const judged = judgeBinding(input)
      assert.ok(!judged.ok)
      assert.equal(judged.ruleId, ruleId)
      assert.equal(judged.error, 'invalid_token')
    })
  }

  it('is not found by inheritance', () => {
    const judged = judgeBinding({ ...byKey, cnf: Object.create({ jkt }) })
    assert.equal(judged.ok ? '' : judged.ruleId, 'cnf.form')
  })

  it('survives the way through the `cnf` claim', () => {
    const bindings: readonly SenderBinding[] = [{}, { jkt }, { x5tS256: x5t }, { jkt, x5tS256: x5t }]
    for (const binding of bindings) {
      const judged = judgeBinding({ cnf: cnfOf(binding), evidence: binding, required: false })
      assert.deepEqual(judged.ok && judged.value, binding)
    }
    assert.equal(cnfOf({}), undefined)
  })

  it('holds for no bound token without every one of its proofs, whatever the `cnf`', () => {
    const thumbprint = fc.constantFrom(jkt, x5t, other, undefined)
    const cnf = fc.oneof(
      fc.record({ jkt: thumbprint, 'x5t#S256': thumbprint }, { requiredKeys: [] }),
      fc.anything(),
    )
    fc.assert(
      fc.property(cnf, thumbprint, thumbprint, (claim, provenJkt, provenX5t) => {
        const evidence = { jkt: provenJkt, x5tS256: provenX5t }
        const judged = judgeBinding({ cnf: claim, evidence, required: true })
        if (!judged.ok) return
        assert.ok(judged.value.jkt !== undefined || judged.value.x5tS256 !== undefined)
        assert.ok(judged.value.jkt === undefined || judged.value.jkt === provenJkt)
        assert.ok(judged.value.x5tS256 === undefined || judged.value.x5tS256 === provenX5t)
      }),
      { numRuns: 500 },
    )
  })
})
