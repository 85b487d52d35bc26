import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  bodyOf,
  type EdgeWorld,
  formHeader,
  headerOf,
  mirror,
  openEdgeWorld,
  readAll,
  request,
  routeTo,
  statusOf,
} from './testing/edge-world.ts'

const bodyMax = 1000
const errorOf = (answer: string): string => JSON.parse(bodyOf(answer)).error

describe('limits of the edge', () => {
  let world: EdgeWorld
  before(async () => {
    world = await openEdgeWorld([
      routeTo(mirror, { bodyBytesMax: bodyMax }),
      routeTo(mirror, { path: '/userinfo', form: 'optional' }),
      routeTo(mirror, { path: '/userinfo', method: 'GET', form: 'none' }),
      routeTo(mirror, { path: '/page/:id', method: 'GET', form: 'none', cors: 'none' }),
    ])
  })
  after(() => world.stop())

  const statusFor = async (text: string): Promise<number> => statusOf(await world.raw(text))
  const post = (headers: readonly string[], body = 'a=b'): Promise<number> =>
    statusFor(request('POST /token', headers, body))

  it('a request target of 8192 characters passes and of 8193 is 414', async () => {
    const target = (length: number): string => `/userinfo?${'q'.repeat(length - '/userinfo?'.length)}`
    assert.equal(await statusFor(request(`GET ${target(8192)}`)), 200)
    assert.equal(await statusFor(request(`GET ${target(8193)}`)), 414)
    assert.equal(await statusFor(request(`GET /nowhere${'q'.repeat(8193)}`)), 414)
  })

  it('a header of 8 KiB passes and one byte more is 431', async () => {
    const header = (size: number): string => `X-Big: ${'x'.repeat(size - 'X-Big'.length - 4)}`
    assert.equal(await post([formHeader, header(8192)]), 200)
    assert.equal(await post([formHeader, header(8193)]), 431)
  })

  it('a header section of 16 KiB passes and one byte more is 431', async () => {
    const base = ['Host: localhost', 'Connection: close', formHeader, 'Content-Length: 3']
    const used = base.reduce((sum, line) => sum + line.length + 2, 0)
    const filler = (total: number): readonly string[] => {
      const first = [`X-A: ${'x'.repeat(6000)}`, `X-B: ${'x'.repeat(6000)}`]
      const rest = total - used - first.join('\r\n').length - 2
      return [...first, `X-C: ${'x'.repeat(rest - 'X-C: '.length - 2)}`]
    }
    assert.equal(await post([formHeader, ...filler(16_384)]), 200)
    assert.equal(await post([formHeader, ...filler(16_385)]), 431)
    assert.equal(await post([formHeader, `X-Huge: ${'x'.repeat(60_000)}`]), 431)
  })

  it('100 header fields pass and 101 are 431', async () => {
    const extra = (count: number): readonly string[] =>
      Array.from({ length: count }, (_, index) => `X-${index}: a`)
    // Host, Connection, Content-Type and Content-Length are four of them.
    assert.equal(await post([formHeader, ...extra(96)]), 200)
    assert.equal(await post([formHeader, ...extra(97)]), 431)
  })

  it('a body at the limit passes and one byte more is 413, announced or not', async () => {
    assert.equal(await post([formHeader], `a=${'b'.repeat(bodyMax - 2)}`), 200)
    const announced = await world.raw(request('POST /token', [formHeader], `a=${'b'.repeat(bodyMax - 1)}`))
    assert.equal(statusOf(announced), 413)
    assert.equal(errorOf(announced), 'invalid_request')
    const chunked = (size: number): string =>
      `${request('POST /token', [formHeader, 'Transfer-Encoding: chunked'])}${size.toString(16)}\r\n${'b'.repeat(size)}\r\n0\r\n\r\n`
    assert.equal(await statusFor(chunked(bodyMax)), 200)
    assert.equal(await statusFor(chunked(bodyMax + 1)), 413)
  })

  it('a refused upload that never ends is cut off', async () => {
    const socket = await world.open()
    socket.write(
      `POST /token HTTP/1.1\r\nHost: localhost\r\n${formHeader}\r\nContent-Length: 100000000\r\n\r\n${'b'.repeat(2000)}`,
    )
    const started = performance.now()
    const answer = await readAll(socket, 8000)
    assert.equal(statusOf(answer), 413)
    assert.ok(performance.now() - started < 4000)
  })

  it('a compressed body is 415', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'GZIP', 'gzip, identity'])
      assert.equal(await post([formHeader, `Content-Encoding: ${encoding}`]), 415)
    assert.equal(await post([formHeader, 'Content-Encoding: identity']), 200)
  })

  it('a body of another media type is 400 invalid_request', async () => {
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=a', ';;;', ''])
      assert.equal(await post([`Content-Type: ${type}`]), 400, type)
    assert.equal(errorOf(await world.raw(request('POST /token', [], 'a=b'))), 'invalid_request')
    assert.equal(await statusFor(request('POST /token')), 400)
    for (const type of [
      'application/x-www-form-urlencoded;charset=UTF-8',
      'APPLICATION/X-WWW-FORM-URLENCODED',
      'application/x-www-form-urlencoded ; charset=utf-8',
    ])
      assert.equal(await post([`Content-Type: ${type}`]), 200, type)
  })

  it('an endpoint that takes a form or nothing takes both, and nothing else', async () => {
    assert.equal(await statusFor(request('POST /userinfo')), 200)
    assert.equal(await statusFor(request('POST /userinfo', [formHeader], 'a=b')), 200)
    assert.equal(await statusFor(request('POST /userinfo', ['Content-Type: application/json'], '{}')), 400)
  })

  it('a repeated header that must be single is 400', async () => {
    const doubled = [
      [formHeader, formHeader],
      [formHeader, 'Authorization: Bearer a', 'authorization: Bearer b'],
      [formHeader, 'Host: evil.example'],
      [formHeader, 'Content-Length: 3'],
      [formHeader, 'Content-Length: 4'],
      [formHeader, 'Origin: https://a.example', 'Origin: https://b.example'],
    ]
    for (const headers of doubled) assert.equal(await post(headers), 400, headers.join())
    assert.equal(await post([formHeader, 'DPoP: a', 'DPoP: b']), 200)
  })

  it('a request without Host, or with two lengths, is not read', async () => {
    assert.equal(await statusFor('GET /userinfo HTTP/1.1\r\nConnection: close\r\n\r\n'), 400)
    assert.equal(await post([formHeader, 'Transfer-Encoding: chunked']), 400)
    assert.equal(await statusFor('nonsense\r\n\r\n'), 400)
    assert.equal(await statusFor('GET /userinfo HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n'), 400)
    assert.equal(await statusFor('GET /userinfo HTTP/1.1\nHost: a\nConnection: close\n\n'), 400)
  })

  it('another method is 405 with Allow, another path 404, both JSON', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS']) {
      const answer = await world.raw(request(`${method} /token`))
      assert.equal(statusOf(answer), 405, method)
      assert.equal(headerOf(answer, 'allow'), 'POST, OPTIONS')
    }
    assert.equal(statusOf(await world.raw(request('PROPFIND /token'))), 405)
    const head = await world.raw(request('HEAD /page/1'))
    assert.equal(statusOf(head), 405)
    assert.equal(bodyOf(head), '')
    const unknown = await world.raw(request('GET /nowhere'))
    assert.equal(statusOf(unknown), 404)
    assert.equal(errorOf(unknown), 'invalid_request')
    assert.equal(await statusFor(request('POST /nowhere', ['Content-Type: ;;;'], '{}')), 404)
  })

  it('an endpoint has one spelling', async () => {
    for (const target of [
      '/%75serinfo',
      '/userinfo/',
      '//userinfo',
      '/./userinfo',
      '/USERINFO',
      '/a/../userinfo',
    ])
      assert.equal(await statusFor(request(`GET ${target}`)), 404, target)
    assert.equal(await statusFor(request('GET https://evil.example/userinfo')), 404)
    assert.equal(await statusFor(request('GET /%zz')), 400)
    assert.equal(await statusFor(request('GET /page/%zz')), 400)
  })

  it('the query reaches the room as it was sent, and parameters of the path by name', async () => {
    const seen = JSON.parse(bodyOf(await world.raw(request('GET /page/a%2Fb?x=%41&y=?'))))
    assert.equal(seen.query, 'x=%41&y=?')
    assert.equal(seen.path, '/page/a%2Fb')
    assert.deepEqual(seen.params, { id: 'a/b' })
  })

  it('every answer carries the security headers and a reference id', async () => {
    const all = [
      request('POST /token', [formHeader], 'a=b'),
      request('GET /nowhere'),
      request('PUT /token'),
      request('POST /token', ['Content-Encoding: gzip'], 'a'),
      request(`GET /userinfo?${'q'.repeat(9000)}`),
    ]
    for (const text of all) {
      const answer = await world.raw(text)
      assert.equal(headerOf(answer, 'x-content-type-options'), 'nosniff')
      assert.equal(headerOf(answer, 'cache-control'), 'no-store')
      assert.equal(
        headerOf(answer, 'strict-transport-security'),
        'max-age=31536000; includeSubDomains; preload',
      )
      const id = headerOf(answer, 'x-request-id') ?? ''
      assert.match(id, /^[\w-]{28}$/)
      assert.match(bodyOf(answer), new RegExp(id))
      assert.equal(headerOf(answer, 'server'), undefined)
      assert.equal(headerOf(answer, 'x-powered-by'), undefined)
    }
  })

  it('forwarded headers are nothing without a trusted proxy', async () => {
    const forwarded = [
      formHeader,
      'X-Forwarded-For: 198.51.100.7',
      'X-Forwarded-Host: evil.example',
      'Forwarded: for=1.2.3.4',
    ]
    const seen = JSON.parse(bodyOf(await world.raw(request('POST /token', forwarded, 'a=b'))))
    assert.equal(seen.remoteAddress, '127.0.0.1')
    assert.equal(seen.externalUrl, 'https://as.example/token')
  })

  it('one connection serves many requests', async () => {
    const one = `POST /token HTTP/1.1\r\nHost: localhost\r\n${formHeader}\r\nContent-Length: 3\r\n\r\na=b`
    const answer = await world.raw(one + one + request('POST /token', [formHeader], 'a=b'))
    assert.equal(answer.match(/HTTP\/1\.1 200/g)?.length, 3)
  })
})
