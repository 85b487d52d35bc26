import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Bed, credentials, openBed, raw } from '../testing/bed.ts'

/** Two readers of one stream of bytes that disagree where a request ends: bytes as an attacker writes them. */

let bed: Bed
before(async () => {
  bed = await openBed()
})
after(async () => await bed.close())
beforeEach(() => {
  bed.received.length = 0
})

const fields = (method: string, path: string): string[] =>
  Object.entries(credentials(bed, { method, path, token: bed.token() })).map(
    ([name, value]) => `${name}: ${value}`,
  )

function message(lines: readonly string[], body = '', end = '\r\n'): string {
  const [start = '', ...rest] = lines
  return [start, `Host: localhost:${bed.port}`, ...rest, '', body].join(end)
}

const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
const answersIn = (text: string): number => text.split('HTTP/1.1 ').length - 1

const second = (): string => `GET /accounts HTTP/1.1\r\nHost: localhost:${bed.port}\r\n\r\n`

describe('smuggling', () => {
  const bodies: Readonly<Record<string, (credentials: string[]) => string>> = {
    'Content-Length and Transfer-Encoding': auth =>
      message(
        ['POST /files/a HTTP/1.1', ...auth, 'Content-Length: 4', 'Transfer-Encoding: chunked'],
        '0\r\n\r\n',
      ),
    'two Content-Lengths': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Content-Length: 0', 'Content-Length: 30'], second()),
    'the same Content-Length twice': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Content-Length: 2', 'Content-Length: 2'], 'ab'),
    'a list of Content-Lengths': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Content-Length: 2, 2'], 'ab'),
    'a signed Content-Length': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Content-Length: +2'], 'ab'),
    'a padded Content-Length': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Content-Length: 02'], 'ab'),
    'a hexadecimal Content-Length': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Content-Length: 0x2'], 'ab'),
    'chunked that is not last': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
    'chunked in disguise': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: xchunked'], '0\r\n\r\n'),
    'chunked twice': auth =>
      message(
        ['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
        '0\r\n\r\n',
      ),
    'gzip and chunked': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'),
    'a space before the colon': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding : chunked'], '0\r\n\r\n'),
    'a vertical tab in the value': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: \x0bchunked'], '0\r\n\r\n'),
    'a folded line': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding:\r\n chunked'], '0\r\n\r\n'),
    'a folded line of another field': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'X-A: b\r\n Content-Length: 5', 'Content-Length: 0']),
    'a bare line feed': auth =>
      message(
        ['POST /files/a HTTP/1.1', ...auth, 'X-A: b\nTransfer-Encoding: chunked', 'Content-Length: 5'],
        '0\r\n\r\n',
      ),
    'a bare carriage return': auth =>
      message(
        ['POST /files/a HTTP/1.1', ...auth, 'X-A: b\rTransfer-Encoding: chunked', 'Content-Length: 5'],
        '0\r\n\r\n',
      ),
    'a NUL in a value': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'X-A: b\x00c', 'Content-Length: 0']),
    'a chunk size with a sign': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: chunked'], '-1\r\nab\r\n0\r\n\r\n'),
    'a chunk size that overflows': auth =>
      message(
        ['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: chunked'],
        `${'F'.repeat(17)}\r\nab\r\n0\r\n\r\n`,
      ),
    'a chunk that ends in a bare line feed': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Transfer-Encoding: chunked'], '2\nab\n0\n\n'),
    'lines that end in line feeds only': auth =>
      message(['POST /files/a HTTP/1.1', ...auth, 'Content-Length: 2'], 'ab', '\n'),
  }
  for (const [name, make] of Object.entries(bodies))
    test(`${name}: refused, the connection ends, and at most a broken request reaches the API`, async () => {
      const text = await raw(bed, `${make(fields('POST', '/files/a'))}${second()}`)
      // What cannot be read as one request is 400, or 502 when it broke off after its beginning was forwarded.
      assert.ok([400, 502].includes(statusOf(text)), text.slice(0, 300))
      assert.equal(answersIn(text), 1, text)
      assert.ok(bed.received.length <= (name.startsWith('a chunk') ? 1 : 0))
      assert.ok(bed.received.every(({ url }) => url === '/files/a'))
    })

  const get: Readonly<
    Record<string, readonly [line: string, more: readonly string[], body: string, status: number]>
  > = {
    'GET with a body': ['GET /accounts HTTP/1.1', ['Content-Length: 2'], 'ab', 400],
    'GET with chunks': ['GET /accounts HTTP/1.1', ['Transfer-Encoding: chunked'], '0\r\n\r\n', 400],
    'HTTP/1.0': ['GET /accounts HTTP/1.0', [], '', 505],
    'HTTP/0.9': ['GET /accounts', [], '', 505],
    'HTTP/2.0 in clear': ['PRI * HTTP/2.0', [], 'SM\r\n\r\n', 400],
    'a method nobody has': ['FROB /accounts HTTP/1.1', [], '', 400],
    TRACE: ['TRACE /accounts HTTP/1.1', [], '', 405],
    CONNECT: ['CONNECT localhost:443 HTTP/1.1', [], '', 405],
    'a compressed body': [
      'POST /files/a HTTP/1.1',
      ['Content-Encoding: gzip', 'Content-Length: 2'],
      'ab',
      415,
    ],
    'an expectation': ['GET /accounts HTTP/1.1', ['Expect: the-unexpected'], '', 417],
    'an upgrade to HTTP/2': ['GET /accounts HTTP/1.1', ['Connection: Upgrade', 'Upgrade: h2c'], '', 400],
    'a second Host': ['GET /accounts HTTP/1.1', ['Host: evil.example'], '', 400],
    'a header that is too long': ['GET /accounts HTTP/1.1', [`X-A: ${'b'.repeat(8200)}`], '', 431],
    'headers that are too many': [
      'GET /accounts HTTP/1.1',
      Array.from({ length: 101 }, () => 'X-A: b'),
      '',
      431,
    ],
    'headers without end': ['GET /accounts HTTP/1.1', [`X-A: ${'b'.repeat(30_000)}`], '', 431],
  }
  for (const [name, [line, more, body, status]] of Object.entries(get))
    test(`${name}: ${status}, and nothing reaches the API`, async () => {
      const method = line.split(' ')[0] ?? ''
      const path = line.split(' ')[1] ?? ''
      const text = await raw(bed, message([line, ...fields(method, path), 'X-End: 1', ...more], body), 800)
      // A parser that gives up says 400, whatever the reason.
      assert.ok(
        [status, ...(name === 'a second Host' ? [421] : [])].includes(statusOf(text)),
        text.slice(0, 200),
      )
      assert.equal(bed.received.length, 0)
    })

  test('another Host is misdirected', async () => {
    const text = await raw(bed, 'GET /accounts HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    assert.equal(statusOf(text), 421)
    const none = await raw(bed, 'GET /accounts HTTP/1.1\r\nConnection: close\r\n\r\n')
    assert.equal(statusOf(none), 400)
  })

  test('two honest requests in one write are two requests', async () => {
    const one = (): string => message(['GET /accounts HTTP/1.1', ...fields('GET', '/accounts')])
    const text = await raw(bed, one() + one())
    assert.equal(answersIn(text), 2)
    assert.equal(bed.received.length, 2)
  })

  test('nonsense after a request whose answer is on its way is not answered in the middle of it', async () => {
    const before = bed.api.listener
    bed.api.listener = (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('begin ')
      setTimeout(() => response.end('end'), 300)
    }
    try {
      const one = message(['GET /accounts HTTP/1.1', ...fields('GET', '/accounts')])
      const text = await raw(bed, `${one}NONSENSE\x00\r\n\r\n`)
      assert.ok(answersIn(text) <= 1, text)
      assert.doesNotMatch(text, /400/)
    } finally {
      bed.api.listener = before
    }
  })

  test('trailers do not reach the API', async () => {
    const lines = [
      'POST /files/a HTTP/1.1',
      ...fields('POST', '/files/a'),
      'Transfer-Encoding: chunked',
      'Trailer: Client-Cert',
    ]
    const text = await raw(bed, message(lines, '2\r\nab\r\n0\r\nClient-Cert: :AAAA:\r\n\r\n'))
    assert.equal(statusOf(text), 200)
    assert.deepEqual(bed.received[0]?.trailers, {})
  })
})

describe('path confusion', () => {
  const paths = [
    '//accounts',
    '/./accounts',
    '/accounts/',
    '/accounts/.',
    '/x/../accounts',
    '/accounts/..',
    '/accounts/..;/admin',
    '/accounts;jsessionid=1',
    '/accounts/%2e%2e/payments',
    '/accounts%2F7',
    '/accounts%2f7',
    '/accounts/%252e%252e',
    '/accounts\\7',
    '/accounts%5C7',
    '/accounts%00',
    '/%61ccounts',
    '/accounts#x',
    '/acc\u00e9',
    '/accounts/%C0%AE',
    '/accounts/a%3Fb',
    '/accounts/a%23b',
  ]
  for (const path of paths)
    test(`${path} is refused before a route is looked up`, async () => {
      const text = await raw(
        bed,
        message([`GET ${path} HTTP/1.1`, ...fields('GET', '/accounts'), 'Connection: close']),
      )
      assert.equal(statusOf(text), 400, text.slice(0, 200))
      assert.equal(bed.received.length, 0)
    })

  for (const target of ['https://localhost/accounts', 'http://evil.example/accounts', '*'])
    test(`the target ${target} is refused`, async () => {
      const text = await raw(
        bed,
        message([`GET ${target} HTTP/1.1`, ...fields('GET', '/accounts'), 'Connection: close']),
      )
      assert.equal(statusOf(text), 400)
      assert.equal(bed.received.length, 0)
    })

  for (const path of ['/Accounts', '/account', '/accounts/7/8', '/', '/files', '/admin'])
    test(`${path} is no route`, async () => {
      const text = await raw(
        bed,
        message([`GET ${path} HTTP/1.1`, ...fields('GET', path), 'Connection: close']),
      )
      assert.equal(statusOf(text), 404)
      assert.match(text, /gateway\.route"/)
      assert.equal(bed.received.length, 0)
    })

  test('a target that is too long is 414', async () => {
    const text = await raw(bed, message([`GET /accounts?${'a'.repeat(8192)} HTTP/1.1`, 'Connection: close']))
    assert.equal(statusOf(text), 414)
  })
})
