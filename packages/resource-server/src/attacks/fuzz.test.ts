import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { call, dpopHeaders, testBed } from '../test-bed.ts'

/** Whatever a request holds, the API answers it, and never with a yes (I34). */
test('no header and no target crashes the API or gets in', async () => {
  const bed = testBed()
  await bed.api.warmUp()
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('DPoP ', 'Bearer a.b.c', 'DPoP a, b'),
  )
  await fc.assert(
    fc.asyncProperty(text, text, text, async (authorization, dpop, target) => {
      const answer = await call(bed, { headers: { authorization, dpop }, target: `/${target}` })
      assert.equal(answer.ok, false)
      if (!answer.ok) assert.ok([400, 401].includes(answer.status), `${answer.status} ${answer.ruleId}`)
    }),
    { numRuns: 500 },
  )
})

test('a token or proof with one character changed never gets in', async () => {
  const bed = testBed()
  await bed.api.warmUp()
  const index = fc.nat(2000)
  const character = fc.constantFrom(...'AZaz09-_.=')
  await fc.assert(
    fc.asyncProperty(fc.boolean(), index, character, async (isToken, at, replacement) => {
      const token = bed.boundToken()
      const { dpop = '' } = dpopHeaders(bed, token)
      const whole = isToken ? token : dpop
      const place = at % whole.length
      if (whole[place] === replacement) return
      const changed = whole.slice(0, place) + replacement + whole.slice(place + 1)
      const headers: Record<string, string> = isToken
        ? { ...dpopHeaders(bed, changed), authorization: `DPoP ${changed}` }
        : { authorization: `DPoP ${token}`, dpop: changed }
      assert.equal((await call(bed, { headers })).ok, false)
    }),
    { numRuns: 300 },
  )
})
