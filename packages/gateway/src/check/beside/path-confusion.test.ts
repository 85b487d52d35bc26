import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proofFor, raw } from '../../testing/bed.ts'
import { assertHonest, type Beside, besideEach } from '../testing/beside.ts'

/**
 * A path that the proxy, the check and the API might each read in their own way. The token may read accounts; `/payments`
 * needs more, `/admin` is no route.
 */

const targets = [
  '//accounts',
  '///accounts',
  '/./accounts',
  '/accounts/',
  '/accounts//1',
  '/accounts/.',
  '/x/../accounts',
  '/accounts/../payments',
  '/accounts/../admin',
  '/accounts/..',
  '/accounts/..;/admin',
  '/accounts;jsessionid=1',
  '/accounts/1;x/../../admin',
  '/accounts/%2e%2e/admin',
  '/accounts/%2E%2E/admin',
  '/accounts/.%2e/admin',
  '/accounts%2F..%2Fadmin',
  '/accounts%2f1',
  '/accounts/%252e%252e/admin',
  '/accounts/%252e%252e%252fadmin',
  '/accounts/..%5cadmin',
  '/accounts\\..\\admin',
  '\\accounts',
  '/\\admin',
  '/accounts%5C1',
  '/accounts%00',
  '/accounts%00/../admin',
  '/accounts%0d%0aX:y',
  '/accounts%20',
  '/accounts%09',
  '/%61ccounts',
  '/accounts#/../admin',
  '/accounts#',
  '/accounts?a#b',
  '/accounts/%C0%AE%C0%AE/admin',
  '/accounts/%u002e%u002e/admin',
  '/acc\u00f6unts',
  '/accounts/a%3Fb',
  '/accounts/a%23b',
  '/accounts/%',
  '/accounts/%zz',
  '/accounts/1?x=/../admin',
  '/accounts?/../../admin',
  'https://localhost/accounts',
  'http://localhost/accounts',
  'https://evil.example/accounts',
  'http://evil.example/admin',
  'https://localhost@evil.example/accounts',
  'accounts',
  '*',
  '/_holdfast',
  '/check',
  '/envoy/accounts',
]

besideEach('path confusion through a real proxy', beside => {
  const tried = async (target: string, proofPath: string, method = 'GET'): Promise<void> => {
    const { bed, taken, assertOnlyChecked }: Beside = beside()
    const [before, reached] = [taken.length, bed.received.length]
    const token = bed.token()
    const proof = proofFor(bed, { token, method, path: proofPath })
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `Host: localhost:${bed.port}`,
      `Authorization: DPoP ${token}`,
      `DPoP: ${proof}`,
      'Connection: close',
    ]
    await raw(bed, `${lines.join('\r\n')}\r\n\r\n`)
    // What reached the API was verified there: evidence for these bytes, so they are what was checked.
    assertOnlyChecked()
    assert.equal(bed.received.length - reached, taken.length - before)
    for (const { url } of taken.slice(before)) assert.match(url, /^\/accounts(?:\/1)?(?:\?[^#]*)?$/)
  }

  for (const target of targets)
    test(`${target} reaches the API as what was checked, or not at all`, async () => {
      const own = target.startsWith('/') ? (target.split(/[?#]/)[0] ?? '') : '/accounts'
      for (const proofPath of new Set([own, '/accounts', '/admin'])) await tried(target, proofPath)
    })

  test('whatever was tried, honest requests still get their own answers', async () => {
    await assertHonest(beside())
  })
})
