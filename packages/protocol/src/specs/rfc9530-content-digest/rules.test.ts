import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { parseDictionary } from '../../wire/structured-field.ts'
import { type ContentDigestInput, contentDigestOf, contentDigestRules } from './rules.ts'

const body = Buffer.from('{"amount":"10.00"}')
const sha512 = createHash('sha512').update(body).digest('base64')
const inputOf = (field: string, of: Uint8Array = body): ContentDigestInput => ({
  digests: parseDictionary(field),
  body: of,
})
const own = contentDigestOf(body)

const refusals: readonly Refused<ContentDigestInput>[] = [
  { name: 'no field', input: inputOf(''), ruleId: 'content-digest.sha-256' },
  { name: 'no dictionary', input: inputOf('sha-256='), ruleId: 'content-digest.sha-256' },
  {
    name: 'another algorithm alone',
    input: inputOf(`sha-512=:${sha512}:`),
    ruleId: 'content-digest.sha-256',
  },
  { name: 'text', input: inputOf('sha-256="x"'), ruleId: 'content-digest.sha-256' },
  { name: 'a list', input: inputOf('sha-256=(:AA==:)'), ruleId: 'content-digest.sha-256' },
  {
    name: 'another body',
    input: inputOf(own, Buffer.from('{"amount":"10.01"}')),
    ruleId: 'content-digest.match',
  },
  { name: 'no body', input: inputOf(own, Buffer.alloc(0)), ruleId: 'content-digest.match' },
  {
    name: 'a second digest that lies',
    input: inputOf(`${own}, sha-512=:AA==:`),
    ruleId: 'content-digest.match',
  },
  { name: 'a digest cut short', input: inputOf('sha-256=:AA==:'), ruleId: 'content-digest.match' },
]

test('the digest of the vector', () =>
  assert.equal(own, 'sha-256=:6etJWsy84qDpW74Hm5+eQsyuIDccFRbj7TA20qeHz1M=:'))

test('takes the digest of the body, also beside one that is good and one that is unknown', () => {
  assert.equal(firstRefusal(contentDigestRules, inputOf(own)), undefined)
  assert.equal(
    firstRefusal(contentDigestRules, inputOf(`${own}, sha-512=:${sha512}:, md5=:AA==:`)),
    undefined,
  )
})

for (const { name, input, ruleId } of refusals)
  test(`refuses Content-Digest: ${name}`, () =>
    assert.equal(firstRefusal(contentDigestRules, input)?.ruleId, ruleId))
