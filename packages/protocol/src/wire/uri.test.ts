import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judgeRedirectUri, judgeResourceUri, redirectUriMatches } from './uri.ts'

describe('redirect URI', () => {
  for (const uri of [
    'https://client.example/cb',
    'https://client.example',
    'https://client.example/cb?x=1',
    'https://client.example:8443/cb',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:51004/cb',
    'http://[::1]:51004/cb',
    'http://127.0.0.1',
  ]) {
    it(`may be ${uri}`, () => assert.ok(judgeRedirectUri(uri).ok))
  }

  for (const uri of [
    'http://client.example/cb',
    'http://localhost/cb',
    'http://127.0.0.1.example/cb',
    'http://127.0.0.2/cb',
    'http://127.0.0.1@evil.example/cb',
    'https://user@client.example/cb',
    'https://client.example/cb#f',
    'https://client.example/cb#',
    'https://',
    'https:client.example',
    '//client.example/cb',
    '/cb',
    'cb',
    'javascript:alert(1)',
    'com.example.app:/cb',
    'https://client.example/c b',
    'https://client.example\\@evil.example/',
    'https://client.example/\u202e',
    'https://client.example/cb\n',
    'HTTPS://client.example/cb',
    '',
  ]) {
    it(`may not be ${JSON.stringify(uri)}`, () => {
      const judged = judgeRedirectUri(uri)
      assert.equal(judged.ok ? '' : judged.ruleId, 'redirect-uri.form')
    })
  }

  it('may have 2048 characters and not 2049', () => {
    const start = 'https://client.example/'
    assert.ok(judgeRedirectUri(start + 'a'.repeat(2048 - start.length)).ok)
    assert.ok(!judgeRedirectUri(start + 'a'.repeat(2049 - start.length)).ok)
  })
})

describe('resource', () => {
  it('may be any absolute URI without fragment', () => {
    for (const uri of ['https://rs.example', 'https://rs.example/a?b', 'urn:example:api'])
      assert.ok(judgeResourceUri(uri).ok)
  })

  it('may not be relative, have a fragment or hold blanks', () => {
    for (const uri of ['foo', '/foo', 'https://rs.example#f', 'https://rs.example/a b', '']) {
      const judged = judgeResourceUri(uri)
      assert.equal(judged.ok ? '' : judged.ruleId, 'resource-uri.form')
      assert.equal(judged.ok ? '' : judged.error, 'invalid_target')
    }
  })
})

describe('comparing redirect URIs', () => {
  it('is exact', () => {
    const registered = 'https://client.example/cb'
    assert.ok(redirectUriMatches(registered, registered))
    for (const other of [
      'https://client.example/cb/',
      'https://client.example/cb?x',
      'https://client.example/Cb',
      'https://CLIENT.example/cb',
      'https://client.example:443/cb',
      'https://client.example/%63b',
      'https://client.example/x/../cb',
    ])
      assert.ok(!redirectUriMatches(registered, other), other)
  })

  it('lets the port of a literal loopback address vary, and nothing else', () => {
    const registered = 'http://127.0.0.1/cb'
    assert.ok(redirectUriMatches(registered, 'http://127.0.0.1:51004/cb'))
    assert.ok(redirectUriMatches('http://127.0.0.1:1/cb', 'http://127.0.0.1/cb'))
    assert.ok(redirectUriMatches('http://[::1]/cb', 'http://[::1]:65535/cb'))
    for (const other of [
      'http://127.0.0.1:51004/cb/',
      'http://127.0.0.1:51004/cb?x',
      'http://127.0.0.1:0/cb',
      'http://127.0.0.1:65536/cb',
      'http://127.0.0.1:/cb',
      'http://[::1]:51004/cb',
      'http://localhost:51004/cb',
      'https://127.0.0.1:51004/cb',
      'http://127.0.0.1:51004@evil.example/cb',
    ])
      assert.ok(!redirectUriMatches(registered, other), other)
  })

  it('does not let the port of a name vary', () => {
    assert.ok(!redirectUriMatches('http://localhost/cb', 'http://localhost:51004/cb'))
    assert.ok(!redirectUriMatches('https://client.example/cb', 'https://client.example:8443/cb'))
  })
})
