import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeBase64url, encodeBase64url } from './base64url.ts'

describe('base64url', () => {
  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
        assert.deepEqual(new Uint8Array(decodeBase64url(encodeBase64url(bytes)) ?? []), bytes)
      }),
    )
  })

  it('encodes only the view of a larger buffer', () => {
    assert.equal(encodeBase64url(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)), 'AgM')
  })

  for (const [name, text] of [
    ['padding', 'AQ=='],
    ['the other alphabet', '+/+/'],
    ['white space', 'AQ ID'],
    ['a line break', 'AQID\n'],
    ['a length no encoder makes', 'AQIDB'],
    ['stray bits at the end', 'AR'],
    ['a character outside the alphabet', 'AQ*D'],
    ['a character outside ASCII', 'AQéD'],
  ] as const) {
    it(`refuses ${name}`, () => assert.equal(decodeBase64url(text), undefined))
  }

  it('never accepts two spellings of the same bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), text => {
        const bytes = decodeBase64url(text)
        assert.ok(bytes === undefined || encodeBase64url(bytes) === text)
      }),
    )
  })
})
