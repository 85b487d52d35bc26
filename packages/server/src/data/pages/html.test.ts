import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openWorld } from '../testing/world.ts'
import { assetPaths, assetRoom } from './assets.ts'
import { html } from './html.ts'
import { formTargetOf } from './page.ts'

test('every value is escaped, in text and in attributes', () => {
  const evil = `<script>"'\`&`
  assert.equal(html`<p title="${evil}">${evil}</p>`.toString(), `<p title="${safe}">${safe}</p>`)
})
const safe = '&lt;script&gt;&quot;&#39;&#96;&amp;'

test('only what the tag made is put in as it is', () => {
  assert.equal(
    html`${html`<b>${'<'}</b>`}${[html`<i>1</i>`, '<', 2]}${false}${undefined}`.toString(),
    '<b>&lt;</b><i>1</i>&lt;2',
  )
})

test('control characters and direction overrides become visible', () => {
  assert.equal(html`${'a\u202eb\u0000c\u0007\n'}`.toString(), 'a\ufffdb\ufffdc\ufffd\n')
})

test('no text can leave its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const made = html`<a title="${text}">`.toString()
      assert.match(made, /^<a title="[^"<>]*">$/s)
    }),
  )
})

test('a form target is the origin of a redirect URI, or its scheme where an origin cannot be named', () => {
  assert.equal(formTargetOf('https://client.example:8443/cb?x'), 'https://client.example:8443')
  assert.equal(formTargetOf('http://127.0.0.1:51004/cb'), 'http://127.0.0.1:51004')
  assert.equal(formTargetOf('http://[::1]:51004/cb'), 'http:')
  assert.equal(formTargetOf('com.example.app:/cb'), 'com.example.app:')
})

test('assets are served with type, age and tag, and nothing else is', async () => {
  await using world = await openWorld()
  for (const [path, type] of [
    [assetPaths.css, 'text/css; charset=utf-8'],
    [assetPaths.mark, 'image/svg+xml'],
  ] as const) {
    const [pathname = ''] = path.split('?')
    const reply = await world.send(assetRoom, pathname, { method: 'GET' })
    const headers = new Map(reply.headers)
    assert.equal(reply.status, 200)
    assert.equal(headers.get('content-type'), type)
    assert.equal(headers.get('cache-control'), 'public, max-age=86400')
    const etag = headers.get('etag') ?? ''
    assert.ok(path.endsWith(etag.slice(1, 9)))
    const again = await world.send(assetRoom, pathname, { method: 'GET', headers: [['if-none-match', etag]] })
    assert.equal(again.status, 304)
    assert.equal(again.body, '')
  }
  assert.equal((await world.send(assetRoom, '/assets/secret', { method: 'GET' })).status, 404)
  assert.equal((await world.send(assetRoom, '/assets/constructor', { method: 'GET' })).status, 404)
})
