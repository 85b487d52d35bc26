import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { interactionHeader, interactionIdOf } from './interaction.ts'
import { systemEntropy } from './ports.ts'
import { call, dpopHeaders, type TestBed, testBed } from './test-bed.ts'

const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const sent = 'c770aef3-6784-41f7-8e0e-ff5f97bddb3a'

type Headers = Readonly<Record<string, string | readonly string[]>>

/** Header of the answer, and what the audit says, for a good request and for one without credentials. */
async function seen(bed: TestBed, headers: Headers): Promise<readonly (string | undefined)[]> {
  const good = await call(bed, { headers: { ...dpopHeaders(bed, bed.boundToken()), ...headers } })
  assert.ok(good.ok)
  const refused = await call(bed, { headers })
  assert.ok(!refused.ok)
  const named = (all: readonly (readonly [string, string])[]) =>
    all.filter(([name]) => name === interactionHeader).map(([, value]) => value)
  const answers = [...named(good.value.responseHeaders), ...named(refused.headers)]
  assert.deepEqual(
    bed.events.slice(-2).map(({ interactionId }) => interactionId),
    answers.length === 0 ? [undefined, undefined] : answers,
  )
  assert.equal(good.value.interactionId, answers[0])
  return answers
}

describe('the interaction id of FAPI 1.0', () => {
  test('is that of the request, in the answer and in the audit, also when the request is refused', async () => {
    const bed = testBed({ fapiInteraction: true })
    assert.deepEqual(await seen(bed, { [interactionHeader]: sent }), [sent, sent])
    const upper = sent.toUpperCase()
    assert.deepEqual(await seen(bed, { [interactionHeader]: upper }), [upper, upper])
  })

  test('is a new UUID of version 4 for a request without one', async () => {
    const bed = testBed({ fapiInteraction: true })
    const ids = [...(await seen(bed, {})), ...(await seen(bed, {}))]
    for (const id of ids) assert.match(id ?? '', uuid4)
    assert.equal(new Set(ids).size, 4)
  })

  test('is a new one for anything that is no UUID, so that nobody writes into answers and logs', async () => {
    const bed = testBed({ fapiInteraction: true })
    for (const wrong of ['', 'x', `${sent}\r\nset-cookie: a=b`, `${sent} `, `{${sent}}`, [sent, sent]])
      for (const id of await seen(bed, { [interactionHeader]: wrong })) assert.match(id ?? '', uuid4)
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 3 }), values => {
        assert.match(
          interactionIdOf(() => values, systemEntropy),
          uuid4,
        )
      }),
    )
  })

  test('comes with the date of the server, by its own clock', async () => {
    const bed = testBed({ fapiInteraction: true })
    const answer = await call(bed)
    assert.ok(!answer.ok)
    const date = answer.headers.find(([name]) => name === 'date')?.[1]
    assert.match(date ?? '', /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/)
    assert.equal(Date.parse(date ?? ''), bed.clock.now() * 1000)
  })

  test('is absent where the API does not have it', async () => {
    const bed = testBed()
    assert.deepEqual(await seen(bed, { [interactionHeader]: sent }), [])
  })

  test('the address of a customer is accepted in both versions and judged by nobody', async () => {
    const bed = testBed({ fapiInteraction: true })
    for (const address of ['198.51.100.119', '2001:DB8::1893:25c8:1946'])
      await seen(bed, {
        'x-fapi-customer-ip-address': address,
        'x-fapi-auth-date': 'Tue, 11 Sep 2012 19:43:31 GMT',
      })
  })
})
