import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseCompactJws } from '../../jose/compact.ts'
import type { Refused } from '../../rule.ts'

const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url')

const header = '{"alg":"ES256"}'
const claims = '{"sub":"a"}'
const signature = encode(Buffer.alloc(64, 7))

const jws = (headerText: string | Buffer, claimsText: string | Buffer = claims, third = signature): string =>
  `${encode(headerText)}.${encode(claimsText)}.${third}`

const good = jws('{"alg":"ES256","typ":"dpop+jwt","kid":"k"}')

const refusals: readonly Refused<string>[] = [
  { name: 'no dots', input: 'abc', ruleId: 'jws.form' },
  { name: 'nothing', input: '', ruleId: 'jws.form' },
  { name: 'two parts', input: good.slice(0, good.lastIndexOf('.')), ruleId: 'jws.form' },
  { name: 'four parts', input: `${good}.AAAA`, ruleId: 'jws.form' },
  { name: 'five parts, as a JWE', input: `${good}.AAAA.AAAA`, ruleId: 'jws.form' },
  { name: 'an empty signature', input: good.slice(0, good.lastIndexOf('.') + 1), ruleId: 'jws.form' },
  { name: 'an empty payload', input: `${encode(header)}..${signature}`, ruleId: 'jws.form' },
  { name: 'an empty header', input: `.${encode(claims)}.${signature}`, ruleId: 'jws.form' },
  { name: 'padding', input: `${encode(header)}=.${encode(claims)}.${signature}`, ruleId: 'jws.form' },
  { name: 'a blank at the end', input: `${good} `, ruleId: 'jws.form' },
  { name: 'a line break at the end', input: `${good}\n`, ruleId: 'jws.form' },
  {
    name: 'a JSON serialisation',
    input: JSON.stringify({ payload: '', signatures: [] }),
    ruleId: 'jws.form',
  },
  { name: 'upper case', input: good.toUpperCase(), ruleId: 'jws.header' },
  { name: 'a header that is no JSON', input: jws('alg'), ruleId: 'jws.header' },
  { name: 'a header that is a list', input: jws('["ES256"]'), ruleId: 'jws.header' },
  {
    name: 'a header with a repeated member',
    input: jws('{"alg":"none","alg":"ES256"}'),
    ruleId: 'jws.header',
  },
  { name: 'a header that is no UTF-8', input: jws(Buffer.of(0x7b, 0xff, 0x7d)), ruleId: 'jws.header' },
  { name: 'a header with a prototype', input: jws('{"alg":"ES256","__proto__":{}}'), ruleId: 'jws.header' },
  { name: 'a payload that is no JSON', input: jws(header, 'x'), ruleId: 'jws.claims' },
  { name: 'a payload that is null', input: jws(header, 'null'), ruleId: 'jws.claims' },
  { name: 'a payload with a repeated member', input: jws(header, '{"iat":1,"iat":2}'), ruleId: 'jws.claims' },
  {
    name: 'a payload that is deeper than 16',
    input: jws(header, `{"a":${'['.repeat(16)}${']'.repeat(16)}}`),
    ruleId: 'jws.claims',
  },
  {
    name: 'stray bits at the end of the signature',
    input: jws(header, claims, `${signature.slice(0, -1)}x`),
    ruleId: 'jws.signature-encoding',
  },
  { name: 'a critical extension', input: jws('{"alg":"ES256","crit":["exp"],"exp":1}'), ruleId: 'jws.crit' },
  { name: 'an empty `crit`', input: jws('{"alg":"ES256","crit":[]}'), ruleId: 'jws.crit' },
  { name: 'a `crit` that is null', input: jws('{"alg":"ES256","crit":null}'), ruleId: 'jws.crit' },
  { name: 'an unencoded payload', input: jws('{"alg":"ES256","b64":false}'), ruleId: 'jws.b64' },
  { name: 'a `b64` that changes nothing', input: jws('{"alg":"ES256","b64":true}'), ruleId: 'jws.b64' },
  { name: 'no `alg`', input: jws('{"typ":"JWT"}'), ruleId: 'jws.alg' },
  { name: 'an `alg` that is a list', input: jws('{"alg":["ES256"]}'), ruleId: 'jws.alg' },
  { name: 'a `typ` that is a number', input: jws('{"alg":"ES256","typ":1}'), ruleId: 'jws.typ' },
  { name: 'a `typ` that is null', input: jws('{"alg":"ES256","typ":null}'), ruleId: 'jws.typ' },
  { name: 'a `kid` that is a number', input: jws('{"alg":"ES256","kid":1}'), ruleId: 'jws.kid' },
]

describe('compact JWS', () => {
  it('is taken when it is well formed', () => {
    const parsed = parseCompactJws(good, 8192)
    assert.ok(parsed.ok)
    assert.equal(parsed.value.header.kid, 'k')
    assert.equal(parsed.value.claims.sub, 'a')
    assert.equal(`${parsed.value.signingInput}.${signature}`, good)
    assert.equal(parsed.value.header.constructor, undefined)
  })

  for (const { name, input, ruleId } of refusals) {
    it(`is refused as \`${ruleId}\` with ${name}`, () => {
      const parsed = parseCompactJws(input, 8192)
      assert.equal(parsed.ok ? '' : parsed.ruleId, ruleId)
    })
  }

  it('may be as long as its bound and is refused as `jws.size` one byte above', () => {
    assert.ok(parseCompactJws(good, good.length).ok)
    const parsed = parseCompactJws(good, good.length - 1)
    assert.equal(parsed.ok ? '' : parsed.ruleId, 'jws.size')
  })

  it('is refused with the error of the dialect that asked', () => {
    const parsed = parseCompactJws('abc', 8192, 'invalid_client')
    assert.equal(parsed.ok ? '' : parsed.error, 'invalid_client')
    const plain = parseCompactJws('abc', 8192)
    assert.equal(plain.ok ? '' : plain.error, 'invalid_request')
  })

  it('never throws and is taken in one spelling only, whatever the text', () => {
    const piece = fc.oneof(
      fc.constantFrom('.', encode(header), encode(claims), signature, '='),
      fc.string({ maxLength: 5 }),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 7 }).map(list => list.join('')),
        text => {
          const parsed = parseCompactJws(text, 8192)
          if (parsed.ok) assert.equal(`${parsed.value.signingInput}.${encode(parsed.value.signature)}`, text)
        },
      ),
      { numRuns: 500 },
    )
  })
})
