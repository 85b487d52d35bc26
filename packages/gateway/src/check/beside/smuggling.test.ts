import assert from 'node:assert/strict'
import { test } from 'node:test'
import { credentials, raw } from '../../testing/bed.ts'
import { assertHonest, besideEach } from '../testing/beside.ts'

/** One stream of bytes that the client, the proxy and the API might cut into different requests. */

type Attack = (
  message: (more: readonly string[], body: string, end?: string) => string,
  second: string,
) => string

const chunked = 'Transfer-Encoding: chunked'

const attacks: Readonly<Record<string, Attack>> = {
  'CL.TE': (message, second) =>
    message([`Content-Length: ${second.length + 5}`, chunked], `0\r\n\r\n${second}`),
  'TE.CL': (message, second) =>
    message(['Content-Length: 4', chunked], `${second.length.toString(16)}\r\n${second}\r\n0\r\n\r\n`),
  'TE before CL': (message, second) => message([chunked, 'Content-Length: 4'], `0\r\n\r\n${second}`),
  'CL.0': (message, second) => message([`Content-Length: ${second.length}`], second),
  '0.CL': (message, second) => message(['Content-Length: 0'], second),
  'TE.TE, the second unknown': (message, second) =>
    message([chunked, 'Transfer-Encoding: x'], `0\r\n\r\n${second}`),
  'TE.TE, the first unknown': (message, second) =>
    message(['Transfer-Encoding: x', chunked], `0\r\n\r\n${second}`),
  'chunked, identity': (message, second) =>
    message(['Transfer-Encoding: chunked, identity', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  'identity, chunked': (message, second) =>
    message(['Transfer-Encoding: identity, chunked', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  xchunked: (message, second) =>
    message(['Transfer-Encoding: xchunked', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  'a space before the colon': (message, second) =>
    message(['Transfer-Encoding : chunked', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  'a tab before the value': (message, second) =>
    message(['Transfer-Encoding:\tchunked', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  'a vertical tab before the value': (message, second) =>
    message(['Transfer-Encoding:\x0bchunked', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  'a NUL in the value': (message, second) =>
    message(['Transfer-Encoding: chunked\x00', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  'a folded Transfer-Encoding': (message, second) =>
    message(['Transfer-Encoding:\r\n chunked', 'Content-Length: 3'], `0\r\n\r\n${second}`),
  'a folded field that hides a length': (message, second) =>
    message([`X-A: b\r\n Content-Length: ${second.length}`, 'Content-Length: 0'], second),
  'a bare line feed between fields': (message, second) =>
    message([`X-A: b\n${chunked}`, 'Content-Length: 5'], `0\r\n\r\n${second}`),
  'a bare carriage return between fields': (message, second) =>
    message([`X-A: b\r${chunked}`, 'Content-Length: 5'], `0\r\n\r\n${second}`),
  'line feeds only': (message, second) => message(['Content-Length: 2'], `ab${second}`, '\n'),
  'two lengths': (message, second) =>
    message(['Content-Length: 0', `Content-Length: ${second.length}`], second),
  'two lengths, the other way': (message, second) =>
    message([`Content-Length: ${second.length}`, 'Content-Length: 0'], second),
  'a list of lengths': (message, second) => message([`Content-Length: 0, ${second.length}`], second),
  'a signed length': (message, second) => message([`Content-Length: +${second.length}`], second),
  'a hexadecimal length': (message, second) => message(['Content-Length: 0x0'], second),
  'a length with an underscore': (message, second) =>
    message([`Content_Length: ${second.length}`, 'Content-Length: 0'], second),
  'a chunk extension': (message, second) => message([chunked], `2;a="\r\n"\r\nab\r\n0\r\n\r\n${second}`),
  'a chunk extension that ends in a line feed': (message, second) =>
    message([chunked], `2;a\nab\r\n0\r\n\r\n${second}`),
  'a chunk size with a sign': (message, second) => message([chunked], `+2\r\nab\r\n0\r\n\r\n${second}`),
  'a chunk size in disguise': (message, second) => message([chunked], `0x2\r\nab\r\n0\r\n\r\n${second}`),
  'a chunk size that overflows': (message, second) =>
    message([chunked], `10000000000000002\r\nab\r\n0\r\n\r\n${second}`),
  'chunks that end in line feeds': (message, second) => message([chunked], `2\nab\n0\n\n${second}`),
  'a chunk that is longer than it says': (message, second) =>
    message([chunked], `2\r\nabXX\r\n0\r\n\r\n${second}`),
  'a trailer with a request in it': (message, second) =>
    message([chunked, 'Trailer: X'], `0\r\nX: y\r\nContent-Length: 9\r\n\r\n${second}`),
  'an expectation': (message, second) => message(['Expect: 100-continue', 'Content-Length: 0'], second),
  'an unknown expectation': (message, second) =>
    message(['Expect: 100-continue, x', `Content-Length: ${second.length}`], second),
  'a second Host': (message, second) => message(['Host: evil.example', 'Content-Length: 0'], second),
  'an upgrade to h2c': (message, second) =>
    message(
      [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        'Content-Length: 0',
      ],
      second,
    ),
  'an upgrade to a WebSocket': (message, second) =>
    message(['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0'], second),
}

besideEach('smuggling through a real proxy', beside => {
  for (const [name, attack] of Object.entries(attacks))
    test(`${name}: the request in the body never reaches the API as one`, async () => {
      const { bed, taken, assertOnlyChecked } = beside()
      const [before, reached] = [taken.length, bed.received.length]
      const auth = Object.entries(
        credentials(bed, { method: 'POST', path: '/files/a', token: bed.token() }),
      ).map(([field, value]) => `${field}: ${value}`)
      const message = (more: readonly string[], body: string, end = '\r\n'): string =>
        ['POST /files/a HTTP/1.1', `Host: localhost:${bed.port}`, ...auth, ...more, '', body].join(end)
      // It brings evidence of its own, so it would not even need the check if it arrived beside it.
      const second = [
        'DELETE /accounts/smuggled HTTP/1.1',
        `Host: localhost:${bed.port}`,
        'Holdfast-Token: forged',
        'Holdfast-Evidence: forged',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n')
      await raw(bed, attack(message, second), 700)
      assertOnlyChecked()
      assert.ok(bed.received.length - reached <= 1, 'one request at most')
      for (const { method, url } of bed.received.slice(reached))
        assert.deepEqual([method, url], ['POST', '/files/a'])
      assert.ok(taken.length - before <= 1)
      // Nothing is left on a connection to the API that the next request would find there.
      await assertHonest(beside())
      assertOnlyChecked()
    })
})
