import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCompactJws } from './compact.ts'
import { importPublicJwk } from './keys.ts'

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwk = {
  kty: 'EC',
  crv: 'P-256',
  x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
  y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
}

function headerOf(header: unknown): Readonly<Record<string, unknown>> {
  const parsed = parseCompactJws(`${part(header)}.${part({ a: 1 })}.${'A'.repeat(86)}`, 8192)
  assert.ok(parsed.ok)
  return parsed.value.header
}

test('a header that comes again is the same, and nobody can change it for the next request', () => {
  const first = headerOf({ alg: 'ES256', jwk })
  assert.equal(headerOf({ alg: 'ES256', jwk }), first)
  assert.throws(() => Object.assign(first, { alg: 'none' }), TypeError)
  assert.throws(() => Object.assign(first.jwk as object, { x: 'A' }), TypeError)
})

test('another header is another one, however alike', () => {
  assert.notEqual(headerOf({ alg: 'ES256', jwk, kid: 'a' }), headerOf({ alg: 'ES256', jwk, kid: 'b' }))
})

test('a refused key stays refused, and a good one gives the same key object', () => {
  const bad = headerOf({ alg: 'ES256', jwk: { ...jwk, d: 'AA' } }).jwk
  assert.equal(importPublicJwk(bad).ok, false)
  assert.equal(importPublicJwk(bad).ok, false)
  const good = headerOf({ alg: 'ES256', jwk }).jwk
  const [one, two] = [importPublicJwk(good), importPublicJwk({ ...jwk })]
  assert.ok(one.ok && two.ok)
  assert.equal(one.value, two.value)
})

test('a key that can still change is looked at every time', () => {
  const changing: Record<string, string> = { ...jwk }
  assert.equal(importPublicJwk(changing).ok, true)
  changing.y = changing.x ?? ''
  assert.equal(importPublicJwk(changing).ok, false)
})
