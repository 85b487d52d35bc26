import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { call, dpopHeaders, refused, testBed } from '../test-bed.ts'
import { testKey } from '../testing.ts'

/** Something the issuer really signed, for another purpose, is presented as an access token (I16). */
describe('another token of the same issuer', () => {
  const kinds: readonly [name: string, typ: string | undefined][] = [
    ['an ID token', 'JWT'],
    ['an ID token without typ', undefined],
    ['a logout token', 'logout+jwt'],
    ['an introspection response', 'token-introspection+jwt'],
    ['a request object', 'oauth-authz-req+jwt'],
    ['a DPoP proof', 'dpop+jwt'],
    ['a security event', 'secevent+jwt'],
    ['a client assertion', 'client-authentication+jwt'],
  ]
  for (const [name, typ] of kinds)
    test(`${name} is 401 invalid_token`, async () => {
      const bed = testBed()
      const token = bed.boundToken({}, { typ })
      const answer = await call(bed, { headers: dpopHeaders(bed, token) })
      assert.equal(refused(answer, 401, 'access-token.typ').error, 'invalid_token')
    })
})

describe('the algorithm', () => {
  test('none is refused', async () => {
    const bed = testBed()
    const [, claims = ''] = bed.boundToken().split('.')
    for (const alg of ['none', 'None', 'NONE', '']) {
      const header = Buffer.from(JSON.stringify({ typ: 'at+jwt', alg })).toString('base64url')
      for (const signature of ['', 'AA']) {
        const forged = `${header}.${claims}.${signature}`
        assert.equal((await call(bed, { headers: dpopHeaders(bed, forged) })).ok, false)
      }
    }
  })

  test('HMAC with the public key as secret is refused', async () => {
    const bed = testBed()
    const [, claims = ''] = bed.boundToken().split('.')
    const [published] = bed.issuer.keys
    const header = Buffer.from(
      JSON.stringify({ typ: 'at+jwt', alg: 'HS256', kid: published?.thumbprint }),
    ).toString('base64url')
    const secret = JSON.stringify(published?.jwk)
    const signature = createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url')
    const forged = `${header}.${claims}.${signature}`
    refused(await call(bed, { headers: dpopHeaders(bed, forged) }), 401, 'access-token.alg')
  })

  test('RS256 is refused although the issuer publishes such a key', async () => {
    const bed = testBed()
    const rsa = testKey('RS256')
    bed.issuer.keys.push(rsa)
    const token = bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }, {}, rsa)
    refused(await call(bed, { headers: dpopHeaders(bed, token) }), 401, 'access-token.alg')
  })

  test('an extension that must be understood is refused', async () => {
    const bed = testBed()
    const token = bed.boundToken({}, { crit: ['exp'], exp: 1 })
    assert.equal((await call(bed, { headers: dpopHeaders(bed, token) })).ok, false)
  })
})

describe('the JSON of a token', () => {
  const forge = (bed: ReturnType<typeof testBed>, header: string): string => {
    const [, claims = '', signature = ''] = bed.boundToken().split('.')
    return `${Buffer.from(header).toString('base64url')}.${claims}.${signature}`
  }
  const headers = [
    '{"typ":"at+jwt","typ":"at+jwt","alg":"ES256"}',
    '{"typ":"at+jwt","alg":"ES256","__proto__":{}}',
    '["at+jwt"]',
    'null',
    '',
    '{"typ":"at+jwt","alg":"ES256"',
    `{"typ":"at+jwt","alg":"ES256","a":${'['.repeat(40)}${']'.repeat(40)}}`,
  ]
  for (const header of headers)
    test(`a header \`${header.slice(0, 50)}\` is refused before any key is looked at`, async () => {
      const bed = testBed()
      await bed.api.warmUp()
      const asked = bed.issuer.seen.length
      const answer = await call(bed, { headers: dpopHeaders(bed, forge(bed, header)) })
      assert.equal(answer.ok, false)
      assert.equal(bed.issuer.seen.length, asked)
    })

  test('a token of more than 8 KiB is refused before it is parsed', async () => {
    const bed = testBed()
    const token = bed.boundToken({ filler: 'a'.repeat(8192) })
    refused(await call(bed, { headers: { authorization: `DPoP ${token}` } }), 401, 'bearer.token-size')
    assert.equal(bed.issuer.seen.length, 0)
  })
})
