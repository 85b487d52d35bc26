import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type FramingInput,
  framingRules,
  isHopByHop,
  looksLikeIdentity,
  type PassedFieldInput,
  passedFieldRules,
  passedFields,
  targetRules,
} from './rules.ts'

describe('targets', () => {
  const good = [
    '/',
    '/a',
    '/a/b',
    '/a?x=;%2F%2e..//',
    '/a%20b',
    '/a%22%7B',
    '/%C3%A9',
    "/~a-b_c.d!$&'()*+,=:@",
    '/a...b',
    '/...',
  ]
  for (const target of [...good, `/${'a'.repeat(8191)}`])
    test(`accepts ${target.slice(0, 40)}`, () =>
      assert.equal(firstRefusal(targetRules, { target }), undefined))

  const refused: Readonly<Record<string, readonly string[]>> = {
    'gateway.target-size': [`/${'a'.repeat(8192)}`],
    'gateway.target-form': ['', '*', 'a', 'https://h/a', '//h'.slice(2), 'h:443'],
    'gateway.target-characters': [
      '/a\\b',
      '/a;b=c',
      '/a b',
      '/a\u0000',
      '/a#b',
      '/é',
      '/a"b',
      '/a|b',
      '/a?b c',
      "/a?b'c",
      '/a?<b>',
      '/a?b#c',
      '/a\tb',
    ],
    'gateway.target-segments': ['//', '//a', '/a/', '/a//b', '/.', '/..', '/a/.', '/a/../b', '/./a'],
    'gateway.target-escapes': [
      '/a%2Fb',
      '/a%2fb',
      '/a%5Cb',
      '/a%00',
      '/a%0A',
      '/a%7F',
      '/%2E%2E/a',
      '/%2e',
      '/a%252Fb',
      '/a%25',
      '/a%21',
      '/a%3A',
      '/a%3Bb',
      '/a%3F',
      '/a%23',
      '/%61',
      '/%7E',
      '/%5F',
      '/%c3%a9',
      '/%C3',
      '/%FF',
      '/%C0%AF',
      '/%ED%A0%80',
      '/a%',
      '/a%2',
      '/a%GG',
    ],
  }
  for (const [ruleId, targets] of Object.entries(refused))
    for (const target of targets)
      test(`${ruleId} refuses ${JSON.stringify(target).slice(0, 40)}`, () =>
        assert.equal(firstRefusal(targetRules, { target })?.ruleId, ruleId))

  test('what is accepted has one spelling: a URL parser leaves it as it is, and so does decoding and encoding', () => {
    const target = fc
      .array(fc.oneof(fc.constantFrom('..', '.', '%2F', '%2e', '%20', '%C3%A9', ';', '\\', 'a'), fc.string()))
      .map(parts => `/${parts.join('/')}`)
    fc.assert(
      fc.property(fc.oneof(target, fc.webPath(), fc.string()), text => {
        if (firstRefusal(targetRules, { target: text }) !== undefined) return
        const [path = ''] = text.split('?')
        const { pathname, search } = new URL(`https://h${text}`)
        assert.equal(`${pathname}${search}`, text.endsWith('?') ? text.slice(0, -1) : text)
        const again = path
          .split('/')
          .map(segment => encodeURIComponent(decodeURIComponent(segment)))
          .join('/')
        // What `encodeURIComponent` escapes though a path needs it not; it comes back unescaped.
        assert.equal(
          again.replaceAll(/%(24|26|2B|2C|3A|3D|40)/g, escaped => decodeURIComponent(escaped)),
          path,
        )
      }),
    )
  })
})

describe('framing', () => {
  const good: FramingInput = {
    httpVersion: '1.1',
    method: 'POST',
    host: ['API.example:443'],
    authority: 'api.example',
    contentLength: ['12'],
    transferEncoding: [],
    contentEncoding: [],
    expect: ['100-continue'],
    connection: ['keep-alive, Upgrade'],
    rawHeaders: ['x', 'y'.repeat(8192 - 5)],
  }
  const many = (count: number): readonly string[] => Array.from({ length: count * 2 }, () => 'a')
  const refusals: readonly Refused<FramingInput>[] = [
    { name: 'HTTP/1.0', input: { ...good, httpVersion: '1.0' }, ruleId: 'gateway.version' },
    { name: 'TRACE', input: { ...good, method: 'TRACE' }, ruleId: 'gateway.method' },
    { name: 'CONNECT', input: { ...good, method: 'CONNECT' }, ruleId: 'gateway.method' },
    { name: 'lower case', input: { ...good, method: 'post' }, ruleId: 'gateway.method' },
    { name: '101 headers', input: { ...good, rawHeaders: many(101) }, ruleId: 'gateway.headers' },
    {
      name: 'a long header',
      input: { ...good, rawHeaders: ['x', 'y'.repeat(8188)] },
      ruleId: 'gateway.headers',
    },
    {
      name: 'long headers',
      input: { ...good, rawHeaders: ['x', 'y'.repeat(8000), 'x', 'y'.repeat(8000), 'x', 'y'.repeat(400)] },
      ruleId: 'gateway.headers',
    },
    { name: 'no Host', input: { ...good, host: [] }, ruleId: 'gateway.host' },
    { name: 'two Hosts', input: { ...good, host: ['api.example', 'api.example'] }, ruleId: 'gateway.host' },
    { name: 'another Host', input: { ...good, host: ['evil.example'] }, ruleId: 'gateway.host' },
    { name: 'another port', input: { ...good, host: ['api.example:8443'] }, ruleId: 'gateway.host' },
    { name: 'two lengths', input: { ...good, contentLength: ['12', '12'] }, ruleId: 'gateway.length' },
    { name: 'a list of lengths', input: { ...good, contentLength: ['12, 12'] }, ruleId: 'gateway.length' },
    { name: 'a signed length', input: { ...good, contentLength: ['+12'] }, ruleId: 'gateway.length' },
    { name: 'a padded length', input: { ...good, contentLength: ['012'] }, ruleId: 'gateway.length' },
    { name: 'both', input: { ...good, transferEncoding: ['chunked'] }, ruleId: 'gateway.length' },
    {
      name: 'gzip, chunked',
      input: { ...good, contentLength: [], transferEncoding: ['gzip, chunked'] },
      ruleId: 'gateway.length',
    },
    {
      name: 'chunked twice',
      input: { ...good, contentLength: [], transferEncoding: ['chunked', 'chunked'] },
      ruleId: 'gateway.length',
    },
    {
      name: 'Chunked',
      input: { ...good, contentLength: [], transferEncoding: ['Chunked'] },
      ruleId: 'gateway.length',
    },
    { name: 'GET with a body', input: { ...good, method: 'GET' }, ruleId: 'gateway.bodyless' },
    {
      name: 'GET with chunks',
      input: { ...good, method: 'GET', contentLength: [], transferEncoding: ['chunked'] },
      ruleId: 'gateway.bodyless',
    },
    { name: 'gzip', input: { ...good, contentEncoding: ['gzip'] }, ruleId: 'gateway.content-encoding' },
    { name: 'a wish', input: { ...good, expect: ['tea'] }, ruleId: 'gateway.expect' },
    {
      name: 'two wishes',
      input: { ...good, expect: ['100-continue', '100-continue'] },
      ruleId: 'gateway.expect',
    },
    {
      name: 'Connection: authorization',
      input: { ...good, connection: ['close, Authorization'] },
      ruleId: 'gateway.connection',
    },
  ]

  test('accepts the good value, which lies on the edges', () => {
    assert.equal(firstRefusal(framingRules, good), undefined)
    assert.equal(firstRefusal(framingRules, { ...good, rawHeaders: many(100) }), undefined)
    const chunked = {
      ...good,
      contentLength: [],
      transferEncoding: ['chunked'],
      contentEncoding: ['identity'],
    }
    assert.equal(firstRefusal(framingRules, chunked), undefined)
    assert.equal(firstRefusal(framingRules, { ...good, method: 'GET', contentLength: ['0'] }), undefined)
  })
  for (const { name, input, ruleId } of refusals)
    test(`refuses: ${name}`, () => assert.equal(firstRefusal(framingRules, input)?.ruleId, ruleId))
})

describe('fields', () => {
  const spoofs = [
    'Authorization',
    'X-Forwarded-For',
    'x_forwarded_host',
    'X.Forwarded.Proto',
    'X-Real-IP',
    'Client-Cert',
    'Client_Cert',
    'CLIENT-CERT-CHAIN',
    'SSL_CLIENT_CERT',
    'X-SSL-Client-Verify',
    'X-Client-Cert',
    'X-Client-Certificate',
    'X-Fapi-Auth-Date',
    'X-User',
    'X-User-Id',
    'X-Userinfo',
    'X-Authenticated-User',
    'X-Auth-Request-Email',
    'X-Remote-User',
    'REMOTE_USER',
    'X-Scope',
    'X-Tenant-Id',
    'X-Roles',
    'X-Groups',
    'X-Consumer-Custom-ID',
    'X-Access-Token',
    'X-Jwt-Assertion',
    'X-Amzn-Oidc-Identity',
    'X-Goog-Authenticated-User-Email',
    'X-Ms-Client-Principal-Name',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Method-Override',
    'X-Envoy-External-Address',
    'Holdfast-Evidence',
    'holdfast_token',
    'Forwarded',
    'Via',
    'From',
    'Cookie',
    'Proxy-Authorization',
    'DPoP',
    'X-Internal',
    'X-Admin',
  ]
  for (const name of spoofs)
    test(`${name} looks like an identity, and is not among what is passed`, () => {
      assert.ok(looksLikeIdentity(name))
      assert.ok(!passedFields.has(name.toLowerCase()))
    })

  test('what is passed neither ends at this hop nor looks like an identity', () => {
    assert.deepEqual(
      [...passedFields].filter(name => isHopByHop(name) || looksLikeIdentity(name)),
      [],
    )
  })

  const refusals: readonly Refused<PassedFieldInput>[] = [
    { name: 'upper case', input: { name: 'X-Api-Version' }, ruleId: 'gateway.field-name' },
    { name: 'underscore', input: { name: 'x_api_version' }, ruleId: 'gateway.field-name' },
    { name: 'empty', input: { name: '' }, ruleId: 'gateway.field-name' },
    { name: 'an identity', input: { name: 'x-user-id' }, ruleId: 'gateway.field-identity' },
    { name: 'cookies', input: { name: 'cookie' }, ruleId: 'gateway.field-identity' },
    { name: 'transfer-encoding', input: { name: 'transfer-encoding' }, ruleId: 'gateway.field-identity' },
    { name: 'content-length', input: { name: 'content-length' }, ruleId: 'gateway.field-identity' },
  ]
  test('a plain field may be forwarded', () => {
    assert.equal(firstRefusal(passedFieldRules, { name: 'x-api-version' }), undefined)
  })
  for (const { name, input, ruleId } of refusals)
    test(`a configuration may not forward: ${name}`, () =>
      assert.equal(firstRefusal(passedFieldRules, input)?.ruleId, ruleId))
})
