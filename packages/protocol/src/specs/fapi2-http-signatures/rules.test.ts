import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { test } from 'node:test'
import { signRaw } from '../../jose/sign.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { component, requestMessage, signatureBase } from '../rfc9421-http-signatures/signature-base.ts'
import { requestTag, type SignedRequestInput, signedRequestRules } from './rules.ts'

const now = 1_800_000_000
const names = ['@method', '@target-uri', 'authorization', 'dpop', 'content-digest']
const covering = (...without: readonly string[]): ReadonlySet<string> =>
  new Set(names.filter(name => !without.includes(name)).map(name => `"${name}"`))
const good: SignedRequestInput = {
  covered: covering(),
  created: now - 60,
  hasProof: true,
  hasContent: true,
  now,
  ageSeconds: 60,
  futureSeconds: 10,
}

const refusals: readonly Refused<SignedRequestInput>[] = [
  ...['@method', '@target-uri', 'authorization'].map(name => ({
    name: `without ${name}`,
    input: { ...good, covered: covering(name) },
    ruleId: 'fapi-http-signature.components',
  })),
  {
    name: 'the method of another request',
    input: { ...good, covered: new Set([...covering('@method'), '"@method";req']) },
    ruleId: 'fapi-http-signature.components',
  },
  {
    name: 'without dpop',
    input: { ...good, covered: covering('dpop') },
    ruleId: 'fapi-http-signature.proof',
  },
  {
    name: 'without the digest',
    input: { ...good, covered: covering('content-digest') },
    ruleId: 'fapi-http-signature.content',
  },
  { name: 'no created', input: { ...good, created: undefined }, ruleId: 'fapi-http-signature.created' },
  { name: '61 s old', input: { ...good, created: now - 61 }, ruleId: 'fapi-http-signature.created' },
  { name: '11 s ahead', input: { ...good, created: now + 11 }, ruleId: 'fapi-http-signature.created' },
]

test('takes a signature on the edge of its age, and one on the edge of the future', () => {
  assert.equal(firstRefusal(signedRequestRules, good), undefined)
  assert.equal(firstRefusal(signedRequestRules, { ...good, created: now + 10 }), undefined)
})

test('asks for the proof and the digest only where there are some', () => {
  const covered = covering('dpop', 'content-digest')
  const plain = { ...good, covered, hasProof: false, hasContent: false }
  assert.equal(firstRefusal(signedRequestRules, plain), undefined)
})

for (const { name, input, ruleId } of refusals)
  test(`refuses a signed request: ${name}`, () =>
    assert.equal(firstRefusal(signedRequestRules, input)?.ruleId, ruleId))

test('the vector of our checklist is what is signed, byte by byte', () => {
  const digest = 'sha-256=:6etJWsy84qDpW74Hm5+eQsyuIDccFRbj7TA20qeHz1M=:'
  const fields: Readonly<Record<string, string>> = {
    authorization: 'DPoP at-fixture-0001',
    dpop: 'PROOF',
    'content-digest': digest,
  }
  const message = requestMessage('POST', 'https://rs.example/payments?draft=1', name =>
    fields[name] === undefined ? [] : [fields[name]],
  )
  const params = new Map([
    ['created', { type: 'integer', value: 1_767_225_600 } as const],
    ['keyid', { type: 'string', value: 'client-sig-1' } as const],
    ['tag', { type: 'string', value: requestTag } as const],
  ])
  const base = signatureBase({ items: names.map(name => component(name)), params }, { message })
  assert.equal(
    base,
    [
      '"@method": POST',
      '"@target-uri": https://rs.example/payments?draft=1',
      '"authorization": DPoP at-fixture-0001',
      '"dpop": PROOF',
      `"content-digest": ${digest}`,
      '"@signature-params": ("@method" "@target-uri" "authorization" "dpop" "content-digest");created=1767225600;keyid="client-sig-1";tag="fapi-2-request"',
    ].join('\n'),
  )
  const seed = Buffer.from('2e4c873941baec44ff4ecd374760e055a56e16f249e68df39661881d69848a2d', 'hex')
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const signature = signRaw(Buffer.from(base), key, 'EdDSA')
  assert.equal(
    signature.toString('base64'),
    'VsF7iAzYWzOC55z2FaO0BaafcByV4oMP1UHMca8ybm1bUeCFARnyztF+W2T3eXWjU9Lgzv03qWR3zmrs1XbbAw==',
  )
  assert.ok(verify(null, Buffer.from(base), createPublicKey(key), signature))
})
