import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { parseSignature, type SignatureKeyInput, signatureKeyRules } from './rules.ts'
import { requestMessage, responseMessage, type Signable, signatureBase } from './signature-base.ts'

const tag = 'test'
const input = 'sig=("@method" "@target-uri" "x-own");created=1;keyid="k";tag="test"'
const signature = 'sig=:AA==:'

function signed(fields: Readonly<Record<string, readonly string[]>>): Signable {
  const all = { 'signature-input': [input], signature: [signature], 'x-own': ['1'], ...fields }
  return {
    message: requestMessage(
      'GET',
      'https://rs.example/a',
      name => Object.entries(all).find(([n]) => n === name)?.[1] ?? [],
    ),
  }
}

const withInput = (text: string): Signable => signed({ 'signature-input': [text] })

const refusals: readonly Refused<Signable>[] = [
  { name: 'no input', input: signed({ 'signature-input': [] }), ruleId: 'http-signature.fields' },
  { name: 'an input that is no dictionary', input: withInput('sig=('), ruleId: 'http-signature.fields' },
  {
    name: 'a label twice',
    input: signed({ 'signature-input': [input, input] }),
    ruleId: 'http-signature.fields',
  },
  {
    name: 'a signature that is no dictionary',
    input: signed({ signature: ['='] }),
    ruleId: 'http-signature.fields',
  },
  { name: 'another tag', input: withInput(input.replace('"test"', '"other"')), ruleId: 'http-signature.tag' },
  { name: 'no tag', input: withInput(input.replace(';tag="test"', '')), ruleId: 'http-signature.tag' },
  {
    name: 'two for one purpose',
    input: withInput(`${input}, b=${input.slice(4)}`),
    ruleId: 'http-signature.tag',
  },
  { name: 'no signature', input: signed({ signature: [] }), ruleId: 'http-signature.label' },
  { name: 'another label', input: signed({ signature: ['b=:AA==:'] }), ruleId: 'http-signature.label' },
  { name: 'text as signature', input: signed({ signature: ['sig="AA=="'] }), ruleId: 'http-signature.label' },
  {
    name: 'created as text',
    input: withInput(input.replace('=1;', '="1";')),
    ruleId: 'http-signature.parameters',
  },
  {
    name: 'created with a fraction',
    input: withInput(input.replace('=1;', '=1.0;')),
    ruleId: 'http-signature.parameters',
  },
  {
    name: 'keyid as token',
    input: withInput(input.replace('"k"', 'k')),
    ruleId: 'http-signature.parameters',
  },
  { name: 'an unknown parameter', input: withInput(`${input};x=1`), ruleId: 'http-signature.parameters' },
  {
    name: 'a component twice',
    input: withInput(input.replace('"x-own"', '"x-own" "x-own"')),
    ruleId: 'http-signature.components',
  },
  {
    name: 'a component in upper case',
    input: withInput(input.replace('"x-own"', '"X-Own"')),
    ruleId: 'http-signature.components',
  },
  {
    name: 'a component as token',
    input: withInput(input.replace('"x-own"', 'x-own')),
    ruleId: 'http-signature.components',
  },
  {
    name: 'a component by key',
    input: withInput(input.replace('"x-own"', '"x-own";key="a"')),
    ruleId: 'http-signature.components',
  },
  ...['sf', 'bs', 'tr', 'name="a"', 'req=?0', 'req="x"', 'req;tr'].map(parameter => ({
    name: `a component with ;${parameter}`,
    input: withInput(input.replace('"x-own"', `"x-own";${parameter}`)),
    ruleId: 'http-signature.components',
  })),
  ...['@query', '@query-param', '@authority', '@scheme', '@request-target', '@signature-params'].map(
    name => ({
      name: `\`${name}\`, which has more than one spelling or none`,
      input: withInput(input.replace('"x-own"', `"${name}"`)),
      ruleId: 'http-signature.values',
    }),
  ),
  {
    name: '33 components',
    input: withInput(`sig=(${Array.from({ length: 33 }, (_, index) => `"x${index}"`).join(' ')});tag="test"`),
    ruleId: 'http-signature.components',
  },
  { name: 'a field that is not there', input: signed({ 'x-own': [] }), ruleId: 'http-signature.values' },
  {
    name: 'a derived name nobody knows',
    input: withInput(input.replace('"x-own"', '"@path"')),
    ruleId: 'http-signature.values',
  },
  {
    name: 'the status of a request',
    input: withInput(input.replace('"x-own"', '"@status"')),
    ruleId: 'http-signature.values',
  },
  {
    name: 'a request of the request',
    input: withInput(input.replace('"x-own"', '"x-own";req')),
    ruleId: 'http-signature.values',
  },
  {
    name: 'a value with a line break',
    input: signed({ 'x-own': ['1\n"@method": POST'] }),
    ruleId: 'http-signature.values',
  },
  { name: 'a value beyond ASCII', input: signed({ 'x-own': ['ä'] }), ruleId: 'http-signature.values' },
]

test('reads a signature, and what it says of itself', () => {
  const parsed = parseSignature(signed({}), tag)
  assert.ok(parsed.ok)
  const { covered, created, keyid, alg, expires } = parsed.value
  assert.deepEqual([...covered], ['"@method"', '"@target-uri"', '"x-own"'])
  assert.deepEqual([created, keyid, alg, expires], [1, 'k', undefined, undefined])
})

test('signatures with other tags are passed over, whatever they look like', () => {
  const others = `a=("@path");x=1;tag="other", b, ${input}`
  assert.ok(parseSignature(withInput(others), tag).ok)
})

test('an input that is no list covers nothing', () => {
  const parsed = parseSignature(withInput('sig;tag="test"'), tag)
  assert.ok(parsed.ok)
  assert.equal(parsed.value.covered.size, 0)
})

test('values of several lines are joined, trimmed of blanks, and of the request where `req` says so', () => {
  const request = requestMessage('POST', 'https://rs.example/a?b', () => [])
  const message = responseMessage(201, name => (name === 'x-own' ? [' 1 ', '2\t'] : []))
  const params = new Map()
  const req = new Map([['req', { type: 'boolean', value: true } as const]])
  const item = (value: string, of = params) => ({ item: { type: 'string', value } as const, params: of })
  const list = { items: [item('@status'), item('x-own'), item('@method', req)], params }
  assert.equal(
    signatureBase(list, { message, request }),
    '"@status": 201\n"x-own": 1, 2\n"@method";req: POST\n"@signature-params": ("@status" "x-own" "@method";req)',
  )
  assert.equal(signatureBase(list, { message }), undefined)
})

for (const { name, input: signable, ruleId } of refusals)
  test(`refuses a signature: ${name}`, () => {
    const parsed = parseSignature(signable, tag)
    assert.ok(!parsed.ok)
    assert.equal(parsed.ruleId, ruleId)
  })

const goodKey: SignatureKeyInput = { alg: undefined, keyAlg: 'ES256', expires: undefined, now: 100 }

test('takes a signature that names the algorithm of the key, or none, and ends after now', () => {
  for (const fits of [
    goodKey,
    { ...goodKey, alg: 'ecdsa-p256-sha256' },
    { ...goodKey, alg: 'ed25519', keyAlg: 'EdDSA' },
    { ...goodKey, expires: 101 },
  ] as const)
    assert.equal(firstRefusal(signatureKeyRules, fits), undefined)
})

const keyRefusals: readonly Refused<SignatureKeyInput>[] = [
  { name: 'another algorithm', input: { ...goodKey, alg: 'ed25519' }, ruleId: 'http-signature.alg' },
  { name: 'a shared secret', input: { ...goodKey, alg: 'hmac-sha256' }, ruleId: 'http-signature.alg' },
  {
    name: 'a name for PS256',
    input: { ...goodKey, alg: 'rsa-pss-sha512', keyAlg: 'PS256' },
    ruleId: 'http-signature.alg',
  },
  { name: 'ends now', input: { ...goodKey, expires: 100 }, ruleId: 'http-signature.expires' },
]

for (const { name, input: spoiled, ruleId } of keyRefusals)
  test(`refuses the key of a signature: ${name}`, () =>
    assert.equal(firstRefusal(signatureKeyRules, spoiled)?.ruleId, ruleId))
