import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type TotpInput, totpRules } from './rules.ts'
import { encodeBase32, stepOfCode, totpCode, totpStep } from './totp.ts'

const secret = Buffer.from('12345678901234567890')
const good: TotpInput = { code: '123456', step: 100, lastStep: 99 }

const refusals: readonly Refused<TotpInput>[] = [
  { name: 'five digits', input: { ...good, code: '12345' }, ruleId: 'totp.format' },
  { name: 'seven digits', input: { ...good, code: '1234567' }, ruleId: 'totp.format' },
  { name: 'a digit of another script', input: { ...good, code: '12345٦' }, ruleId: 'totp.format' },
  { name: 'a code of no step', input: { ...good, step: undefined }, ruleId: 'totp.code' },
  { name: 'the code taken before', input: { ...good, lastStep: 100 }, ruleId: 'totp.once' },
  { name: 'a code older than one taken', input: { ...good, lastStep: 101 }, ruleId: 'totp.once' },
]

describe('time-based codes', () => {
  it('accepts the good value', () => assert.equal(firstRefusal(totpRules, good), undefined))

  for (const { name, input, ruleId } of refusals)
    it(`refuses: ${name}`, () => assert.equal(firstRefusal(totpRules, input)?.ruleId, ruleId))

  it('makes the codes of RFC 4226 appendix D and the last six digits of RFC 6238 appendix B', () => {
    const hotp = [
      '755224',
      '287082',
      '359152',
      '969429',
      '338314',
      '254676',
      '287922',
      '162583',
      '399871',
      '520489',
    ]
    assert.deepEqual(
      hotp.map((_, counter) => totpCode(secret, counter)),
      hotp,
    )
    const totp = [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [1_111_111_111, '050471'],
      [1_234_567_890, '005924'],
      [2_000_000_000, '279037'],
      [20_000_000_000, '353130'],
    ] as const
    for (const [at, code] of totp) assert.equal(totpCode(secret, totpStep(epochSeconds(at))), code)
  })

  it('finds the step of a code from one before to one after, and no further', () => {
    const now = epochSeconds(1_800_000_015)
    const current = totpStep(now)
    for (const away of [-1, 0, 1])
      assert.equal(stepOfCode(secret, totpCode(secret, current + away), now), current + away)
    for (const away of [-2, 2])
      assert.equal(stepOfCode(secret, totpCode(secret, current + away), now), undefined)
  })

  it('takes any text for a code without harm', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 64 }), text => {
        const step = stepOfCode(secret, text, epochSeconds(1_800_000_000))
        if (firstRefusal(totpRules, { code: text, step, lastStep: 0 }) === undefined)
          assert.match(text, /^[0-9]{6}$/)
      }),
    )
  })

  it('writes secrets as RFC 4648 does', () => {
    const vectors = {
      '': '',
      f: 'MY',
      fo: 'MZXQ',
      foo: 'MZXW6',
      foob: 'MZXW6YQ',
      fooba: 'MZXW6YTB',
      foobar: 'MZXW6YTBOI',
    }
    for (const [clear, encoded] of Object.entries(vectors))
      assert.equal(encodeBase32(Buffer.from(clear)), encoded)
    assert.equal(encodeBase32(Buffer.alloc(20, 0xff)).length, 32)
  })
})
