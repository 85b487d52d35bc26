import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import type { IntrospectionOptions } from './introspection.ts'
import type { Fetch } from './ports.ts'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from './test-bed.ts'
import { type TestKey, testClock, testIssuer, testKey } from './testing.ts'

const apiKey = testKey('ES256')
const introspection: IntrospectionOptions = {
  authentication: {
    method: 'private_key_jwt',
    clientId: 'rs-1',
    privateKey: apiKey.privateKey,
    alg: 'ES256',
  },
  signedAnswers: 'required',
}
const token = 'at_0123456789'

interface Spoil {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly key?: TestKey
  readonly isPlain?: boolean
}

/** An API whose issuer signs its answers, spoiled as asked. */
function signingBed(spoil: Spoil = {}): { bed: TestBed; accepts: string[] } {
  const clock = testClock()
  const issuer = testIssuer({ clock })
  const accepts: string[] = []
  const fetch: Fetch = async (url, init) => {
    // Asked plainly, so that the signature is made, or spoiled, here.
    const response = await issuer.fetch(url, { ...init, headers: {} })
    if (!url.endsWith('/introspect')) return response
    accepts.push(init.headers.accept ?? '')
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body ?? []) chunks.push(chunk)
    const [signer] = issuer.keys
    assert.ok(signer)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    const { key = signer, isPlain = false } = spoil
    const header = { typ: 'token-introspection+jwt', kid: signer.thumbprint, ...spoil.header }
    const { issuer: iss, audience: aud } = issuer
    const claims = { iss, aud, iat: clock.now(), token_introspection: body, ...spoil.claims }
    const text = isPlain ? JSON.stringify(body) : signJws(header, claims, key.privateKey, key.alg)
    return new Response(text)
  }
  const bed = testBed({ tokens: { introspection }, fetch, clock })
  issuer.introspection.set(token, {
    active: true,
    ...issuer.claims({ cnf: { jkt: bed.key.thumbprint }, token_type: 'DPoP' }),
  })
  return { bed, accepts }
}

const use = (bed: TestBed, value = token) =>
  call(bed, { headers: dpopHeaders(bed, value, { now: bed.clock.now() }) })

describe('signed introspection answers', () => {
  test('are asked for and believed', async () => {
    const { bed, accepts } = signingBed()
    assert.equal(accepted(await use(bed)).subject, 'user-1')
    assert.deepEqual(accepts, ['application/token-introspection+jwt'])
  })

  test('can say that a token is not active', async () => {
    const { bed } = signingBed()
    refused(await use(bed, 'at_other'), 401, 'access-token.inactive')
  })

  const spoiled: readonly (readonly [string, Spoil, string])[] = [
    ['not signed at all', { isPlain: true }, 'jws.form'],
    ['signed with a key nobody published', { key: testKey('ES256') }, 'introspection.unavailable'],
    ['an access token', { header: { typ: 'at+jwt' } }, 'introspection-jwt.typ'],
    ['of another issuer', { claims: { iss: 'https://evil.example' } }, 'introspection-jwt.iss'],
    ['for another API', { claims: { aud: 'https://other.example' } }, 'introspection-jwt.aud'],
    ['old', { claims: { iat: 1 } }, 'introspection-jwt.iat'],
    ['empty', { claims: { token_introspection: undefined } }, 'introspection-jwt.body'],
  ]
  for (const [name, spoil, ruleId] of spoiled)
    test(`let nobody in when the answer is ${name}`, async () => {
      const { bed } = signingBed(spoil)
      refused(await use(bed), 503, ruleId)
    })

  test('an introspection JWT is never an access token', async () => {
    const bed = testBed()
    const value = bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }, { typ: 'token-introspection+jwt' })
    refused(await use(bed, value), 401, 'access-token.typ')
  })
})
