import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { challenge, parseChallenges } from './challenge.ts'

describe('challenge', () => {
  it('writes the scheme alone when there is nothing to say', () =>
    assert.equal(challenge('DPoP', []), 'DPoP'))

  it('writes every value as a quoted-string', () => {
    assert.equal(
      challenge('DPoP', [
        ['error', 'use_dpop_nonce'],
        ['algs', 'ES256 PS256'],
      ]),
      'DPoP error="use_dpop_nonce", algs="ES256 PS256"',
    )
  })

  it('lets no value leave its quotes or its header', () => {
    const written = challenge('Bearer', [['error_description', 'a"b\\c\r\nSet-Cookie: x=é']])
    assert.equal(written, 'Bearer error_description="a\\"b\\\\c??Set-Cookie: x=?"')
    assert.equal(parseChallenges(written)?.[0]?.params.get('error_description'), 'a"b\\c??Set-Cookie: x=?')
  })
})

describe('parsing challenges', () => {
  it('tells several challenges of one field apart', () => {
    const parsed = parseChallenges('Bearer realm="a, b", error=invalid_token , DPoP algs="ES256 PS256",Basic')
    assert.deepEqual(
      parsed?.map(({ scheme, params }) => [scheme, Object.fromEntries(params)]),
      [
        ['Bearer', { realm: 'a, b', error: 'invalid_token' }],
        ['DPoP', { algs: 'ES256 PS256' }],
        ['Basic', {}],
      ],
    )
  })

  it('reads a token68', () => {
    assert.equal(parseChallenges('Negotiate dG9rZW4=, DPoP')?.[0]?.token68, 'dG9rZW4=')
  })

  it('reads parameter names without case and blanks around the equals sign', () => {
    assert.equal(parseChallenges('dpop ERROR = "x"')?.[0]?.params.get('error'), 'x')
  })

  for (const [name, field] of [
    ['a repeated parameter', 'DPoP error="a", error="b"'],
    ['an open quoted-string', 'DPoP error="a'],
    ['text after a quoted-string', 'DPoP error="a"b'],
    ['a parameter without scheme', 'error="a"'],
    ['a control character', 'DPoP error="a\u0001"'],
    ['more than 8192 characters', `DPoP error="${'a'.repeat(8192)}"`],
  ] as const) {
    it(`refuses ${name}`, () => assert.equal(parseChallenges(field), undefined))
  }

  it('reads nothing as no challenge', () => assert.deepEqual(parseChallenges(''), []))

  it('reads back whatever was written', () => {
    const name = fc.stringMatching(/^[a-z_]{1,10}$/)
    const value = fc.stringMatching(/^[ -~]{0,30}$/)
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, value), { selector: pair => pair[0], maxLength: 6 }),
        params => {
          const parsed = parseChallenges(challenge('DPoP', params))
          assert.deepEqual([...(parsed?.[0]?.params ?? [])], params)
        },
      ),
    )
  })

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom('DPoP', ' ', ',', '=', '"', '\\', 'a', '\t', 'é', '/')
    fc.assert(
      fc.property(
        fc.array(pieces).map(list => list.join('')),
        field => void parseChallenges(field),
      ),
    )
  })
})
