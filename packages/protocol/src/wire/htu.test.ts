import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { normaliseHtu } from './htu.ts'

const request = 'https://rs.example/payments/7'

describe('htu normalisation', () => {
  for (const url of [
    'https://rs.example/payments/7',
    'HTTPS://RS.EXAMPLE/payments/7',
    'https://rs.example:443/payments/7',
    'https://rs.example:/payments/7',
    'https://rs.example:0443/payments/7',
    'https://rs.example/a/../payments/7',
    'https://rs.example/./payments/7',
    'https://rs.example/../payments/7',
    'https://rs.example/a/%2e%2E/payments/7',
    'https://rs.example/%70ayments/7',
    'https://rs.example/payments/7?other=2#f',
    'https://rs.example/payments/7?',
    'https://rs.example/payments/7#f',
  ]) {
    it(`takes ${url} for the request`, () => assert.equal(normaliseHtu(url), request))
  }

  for (const url of [
    'http://rs.example/payments/7',
    'https://rs.example:8443/payments/7',
    'https://rs.example:80/payments/7',
    'https://rs.example/payments/7/',
    'https://rs.example/payments/7/.',
    'https://rs.example/payments//7',
    'https://rs.example/Payments/7',
    'https://rs.example/payments%2F7',
    'https://rs.example./payments/7',
    'https://user@rs.example/payments/7',
    'https://user:secret@rs.example/payments/7',
    'https://rs.example\\payments/7',
    'https://rs.example/payments/7 ',
    ' https://rs.example/payments/7',
    'https://rs.example/pay\tments/7',
    'https://rs.example/payments/7;a',
    'https://rs.example/payments/%7',
    'https://rs.example/payments/7%',
    'https:///rs.example/payments/7',
    'https:rs.example/payments/7',
    '//rs.example/payments/7',
    '/payments/7',
    'ftp://rs.example/payments/7',
    'https://rs.example:99999/payments/7',
    'https://rs.example:443:443/payments/7',
    'https://rs%2Eexample/payments/7',
    'https://r\u0455.example/payments/7',
    '',
  ]) {
    it(`does not take ${JSON.stringify(url)} for the request`, () =>
      assert.notEqual(normaliseHtu(url), request))
  }

  it('reads an empty path as the root', () => {
    assert.equal(normaliseHtu('https://rs.example'), 'https://rs.example/')
    assert.equal(normaliseHtu('https://rs.example?x'), 'https://rs.example/')
  })

  it('keeps a slash at the end, also after a dot segment', () => {
    assert.equal(normaliseHtu('https://rs.example/a/'), 'https://rs.example/a/')
    assert.equal(normaliseHtu('https://rs.example/a/b/..'), 'https://rs.example/a/')
    assert.equal(normaliseHtu('https://rs.example/a/b/.'), 'https://rs.example/a/b/')
  })

  it('writes what stays encoded in upper case', () => {
    assert.equal(normaliseHtu('https://rs.example/%c3%a9%2f%7E'), 'https://rs.example/%C3%A9%2F~')
  })

  it('drops the default port of either scheme, on the fast way too', () => {
    assert.equal(normaliseHtu('http://127.0.0.1:80/a'), 'http://127.0.0.1/a')
    assert.equal(normaliseHtu('http://127.0.0.1:443/a'), 'http://127.0.0.1:443/a')
    assert.equal(normaliseHtu('https://[::1]:443/a'), 'https://[::1]/a')
    assert.equal(normaliseHtu('https://localhost:8443/token'), 'https://localhost:8443/token')
  })

  it('is at rest after one step, and never throws', () => {
    const pieces = fc.constantFrom(
      'https://',
      'http:',
      'A.b',
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      '%',
      ':443',
      ':',
      '?',
      '#',
      '@',
      'é',
      '[::1]',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl({ withQueryParameters: true }),
          fc.array(pieces).map(list => list.join('')),
        ),
        url => {
          const once = normaliseHtu(url)
          if (once !== undefined) assert.equal(normaliseHtu(once), once)
        },
      ),
      { numRuns: 500 },
    )
  })
})
