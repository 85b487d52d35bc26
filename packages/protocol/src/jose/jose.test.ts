import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as oracle from 'jose'
import { type JwsAlg, mlDsaAlgs } from '../profile.ts'
import { type ParsedJws, parseCompactJws } from './compact.ts'
import { derFromRaw, rawFromDer } from './ecdsa.ts'
import { leftHalfHash, sha256 } from './hash.ts'
import { importPublicJwk, type PublicKey, selectKeys } from './keys.ts'
import { encodedHeader, signAfter, signJws } from './sign.ts'
import { certificateThumbprint, jwkThumbprint } from './thumbprint.ts'
import { verifyJws } from './verify.ts'

const algs: readonly JwsAlg[] = ['ES256', 'PS256', 'EdDSA', 'Ed25519', 'RS256', ...mlDsaAlgs]
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const rsa3072 = generateKeyPairSync('rsa', { modulusLength: 3072 })
const ed = generateKeyPairSync('ed25519')
const pairs: Readonly<Record<JwsAlg, { publicKey: KeyObject; privateKey: KeyObject }>> = {
  ES256: ec,
  PS256: rsa,
  EdDSA: ed,
  Ed25519: ed,
  RS256: rsa,
  'ML-DSA-44': generateKeyPairSync('ml-dsa-44'),
  'ML-DSA-65': generateKeyPairSync('ml-dsa-65'),
  'ML-DSA-87': generateKeyPairSync('ml-dsa-87'),
}

function imported(publicKey: KeyObject, more: Readonly<Record<string, unknown>> = {}): PublicKey {
  const key = importPublicJwk({ ...publicKey.export({ format: 'jwk' }), ...more })
  assert.ok(key.ok, key.ok ? '' : key.reason)
  return key.value
}

function parsed(text: string): ParsedJws {
  const jws = parseCompactJws(text, 8192)
  assert.ok(jws.ok, jws.ok ? '' : jws.reason)
  return jws.value
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('signatures', () => {
  for (const alg of algs) {
    const { publicKey, privateKey } = pairs[alg]
    const jws = signJws({ typ: 'test+jwt' }, { sub: 'é', iat: 1 }, privateKey, alg)

    it(`of ${alg} made here are accepted by an independent library`, async () => {
      const verified = await oracle.compactVerify(jws, publicKey, { algorithms: [alg] })
      assert.equal(verified.protectedHeader.alg, alg)
      assert.deepEqual(JSON.parse(Buffer.from(verified.payload).toString()), { sub: 'é', iat: 1 })
    })

    it(`of ${alg} made by an independent library are accepted here`, async () => {
      for (let round = 0; round < 8; round++) {
        const made = await new oracle.SignJWT({ round }).setProtectedHeader({ alg }).sign(privateKey)
        assert.ok(verifyJws(parsed(made), imported(publicKey), [alg]))
      }
    })

    it(`of ${alg} do not verify when one bit of any part is flipped`, () => {
      const good = parsed(jws)
      const key = imported(publicKey)
      assert.ok(verifyJws(good, key, [alg]))
      for (let bit = 0; bit < good.signature.length * 8; bit += 37) {
        const signature = Buffer.from(good.signature)
        signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.ok(!verifyJws({ ...good, signature }, key, [alg]))
      }
      assert.ok(!verifyJws({ ...good, signingInput: `${good.signingInput}A` }, key, [alg]))
    })

    it(`of ${alg} do not verify when they are longer, shorter or empty`, () => {
      const good = parsed(jws)
      for (const signature of [
        good.signature.subarray(1),
        good.signature.subarray(0, -1),
        Buffer.concat([good.signature, Buffer.of(0)]),
        Buffer.concat([Buffer.of(0), good.signature]),
        Buffer.alloc(good.signature.length),
        Buffer.alloc(good.signature.length, 0xff),
        Buffer.alloc(0),
      ])
        assert.ok(!verifyJws({ ...good, signature }, imported(publicKey), [alg]))
    })

    it(`of ${alg} do not verify where ${alg} is not allowed, whatever the header says`, () => {
      const others = algs.filter(other => other !== alg)
      assert.ok(!verifyJws(parsed(jws), imported(publicKey), others))
      assert.ok(!verifyJws(parsed(jws), imported(publicKey), []))
    })

    it(`of ${alg} do not verify with a key that was made for something else`, () => {
      for (const more of [{ use: 'enc' }, { key_ops: ['sign'] }, { key_ops: [] }])
        assert.ok(!verifyJws(parsed(jws), imported(publicKey, more), [alg]))
      const renamed = importPublicJwk({ ...publicKey.export({ format: 'jwk' }), alg: 'ES384' })
      assert.ok(!renamed.ok || !verifyJws(parsed(jws), renamed.value, [alg]))
      for (const more of [{ alg }, { use: 'sig' }, { key_ops: ['verify'] }])
        assert.ok(verifyJws(parsed(jws), imported(publicKey, more), [alg]))
    })
  }

  it('never change algorithm with the header: PS256 is not RS256 of the same key', () => {
    const jws = signJws({}, {}, rsa.privateKey, 'RS256')
    const [, payload, signature] = jws.split('.')
    const swapped = `${part({ alg: 'PS256' })}.${payload}.${signature}`
    assert.ok(!verifyJws(parsed(swapped), imported(rsa.publicKey), ['PS256', 'RS256']))
    assert.ok(!verifyJws(parsed(jws), imported(rsa.publicKey, { alg: 'PS256' }), ['PS256', 'RS256']))
  })

  it('are never taken without one', () => {
    const unsigned = parseCompactJws(`${part({ alg: 'none' })}.${part({})}.`, 8192)
    assert.equal(unsigned.ok ? '' : unsigned.ruleId, 'jws.form')
    const pretending = parsed(`${part({ alg: 'none' })}.${part({})}.AAAA`)
    assert.ok(!verifyJws(pretending, imported(ec.publicKey), algs))
  })

  it('with ES256 are not taken in DER', () => {
    const jws = parsed(signJws({}, {}, ec.privateKey, 'ES256'))
    assert.ok(!verifyJws({ ...jws, signature: derFromRaw(jws.signature) }, imported(ec.publicKey), ['ES256']))
  })

  it('of PS256 verify with RSA keys of other sizes and salts of 32 bytes only', async () => {
    const jws = signJws({}, {}, rsa3072.privateKey, 'PS256')
    assert.ok(verifyJws(parsed(jws), imported(rsa3072.publicKey), ['PS256']))
    await oracle.compactVerify(jws, rsa3072.publicKey, { algorithms: ['PS256'] })
  })

  it('are not made by a key with the algorithm of another, also after it signed with its own', () => {
    for (const [own, other] of [
      ['ES256', 'PS256'],
      ['PS256', 'ES256'],
      ['EdDSA', 'ES256'],
    ] as const) {
      const { privateKey, publicKey } = pairs[own]
      for (let turn = 0; turn < 2; turn++) {
        assert.ok(verifyJws(parsed(signJws({}, { a: 1 }, privateKey, own)), imported(publicKey), [own]))
        assert.throws(() => signJws({}, { a: 1 }, privateKey, other), TypeError)
      }
      assert.throws(() => signJws({}, { a: 1 }, publicKey, own), TypeError)
    }
  })

  it('are the same whether their header was encoded before or not', () => {
    const header = { alg: 'EdDSA', kid: 'k', typ: 'at+jwt' }
    const { privateKey } = pairs.EdDSA
    assert.equal(
      signAfter(encodedHeader(header), { sub: 'a' }, privateKey, 'EdDSA'),
      signJws(header, { sub: 'a' }, privateKey, 'EdDSA'),
    )
  })

  it('are not made with the wrong key or a contradicting header', () => {
    assert.throws(() => signJws({ alg: 'PS256' }, {}, ec.privateKey, 'ES256'), TypeError)
    assert.throws(() => signJws({}, {}, rsa.privateKey, 'ES256'), TypeError)
    assert.throws(() => signJws({}, {}, ec.privateKey, 'Ed25519'), TypeError)
    assert.throws(() => signJws({}, {}, ed.privateKey, 'PS256'), TypeError)
    assert.throws(() => signJws({}, {}, ec.publicKey, 'ES256'), TypeError)
  })
})

describe('ECDSA encodings', () => {
  it('come back the same from DER', () => {
    const integer = fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.tuple(fc.nat({ max: 31 }), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(([zeros, bytes]) => {
        bytes.fill(0, 0, zeros)
        return bytes
      }),
    )
    fc.assert(
      fc.property(integer, integer, (r, s) => {
        const raw = Buffer.concat([r, s])
        assert.deepEqual(rawFromDer(derFromRaw(raw)), raw)
      }),
    )
  })
})

describe('hashes', () => {
  it('give the `ath` of the RFC 9449 example', () => {
    assert.equal(
      sha256('Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'),
      'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo',
    )
  })

  it('give the left half for `s_hash`, `at_hash` and `c_hash`', () => {
    assert.equal(leftHalfHash('PS256', 'VgSUIEnflnDxTe1vAtr54o'), '9s6CBbOxiKE65d9-Qr0QIQ')
    assert.equal(leftHalfHash('ES256', 'at-fixture-0001'), 'PbyV0y992Vay6MtRqMY9bQ')
    assert.equal(leftHalfHash('EdDSA', 'at-fixture-0001'), 'Tx5qcTwpk04jorTFqlrqEUvVH9M_oxdvQhvBbkEggu4')
    assert.equal(leftHalfHash('ES256', 'code-0001'), '90An2U6FUNzr63sHS63zgw')
    assert.equal(leftHalfHash('ES256', 'st-0001'), 't_2fMtCOt6bVbVxJjv2sFA')
    assert.equal(leftHalfHash('ES256', 'a'), leftHalfHash('RS256', 'a'))
    assert.equal(Buffer.from(leftHalfHash('EdDSA', 'a'), 'base64url').length, 32)
    assert.equal(leftHalfHash('EdDSA', 'a'), leftHalfHash('Ed25519', 'a'))
  })
})

describe('thumbprints', () => {
  it('of the RFC 9449 key are `jkt` of its example', () => {
    assert.equal(
      jwkThumbprint({
        kty: 'EC',
        x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
        y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
        crv: 'P-256',
      }),
      '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
    )
  })

  it('of a certificate are `x5t#S256`', () => {
    const der = Buffer.from(
      'MIIBKTCB3KADAgECAgEBMAUGAytlcDATMREwDwYDVQQDDAhjbGllbnQtMTAgFw0yNjExMjEwMTI5NTdaGA8yMTI2MTAyODAxMjk1N1owEzERMA8GA1UEAwwIY2xpZW50LTEwKjAFBgMrZXADIQDle7vsl//6GzfxOIu3U07CcjLs7cs7mzbnkB2ESJN5kKNTMFEwHQYDVR0OBBYEFMVTUty4h7Z4wPsaQDp8iDXq5ZmjMB8GA1UdIwQYMBaAFMVTUty4h7Z4wPsaQDp8iDXq5ZmjMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA6Db5Ew7V4f/G86dqSWtOWTQchmiPnB1tkUv9SimTlTRAOvjB3Pe6y5/Y8yay/ZmCa5N3q0NCKssLGuLdXYevBQ==',
      'base64',
    )
    assert.equal(certificateThumbprint(der), 'dDTGlZ-xyc1bdZDXnjyIXZSFZmHXU_pbaKsbaRCPlXE')
  })

  it('agree with an independent library for every key type, whatever other members a key has', async () => {
    for (const { publicKey } of [ec, rsa, ed]) {
      const jwk = publicKey.export({ format: 'jwk' })
      const expected = await oracle.calculateJwkThumbprint(jwk as oracle.JWK)
      assert.equal(jwkThumbprint(jwk), expected)
      assert.equal(jwkThumbprint({ ...jwk, kid: 'a', use: 'sig' }), expected)
      assert.equal(imported(publicKey, { kid: 'a' }).thumbprint, expected)
    }
  })

  it('do not exist for a key without its members', () => {
    for (const jwk of [
      undefined,
      null,
      'EC',
      {},
      { kty: 'EC', crv: 'P-256', x: 'a' },
      { kty: 'constructor' },
      { kty: 1 },
    ])
      assert.throws(() => jwkThumbprint(jwk), TypeError)
  })
})

describe('imported keys', () => {
  it('are the same object when the content is the same', () => {
    assert.equal(imported(ec.publicKey), imported(ec.publicKey))
    assert.equal(
      imported(ec.publicKey, { key_ops: ['verify'] }),
      imported(ec.publicKey, { key_ops: ['verify'] }),
    )
    assert.notEqual(imported(ec.publicKey), imported(ec.publicKey, { kid: 'a' }))
    assert.notEqual(imported(ec.publicKey, { kid: 'a' }), imported(ec.publicKey, { use: 'a' }))
  })

  it('are checked again when a private member is added to a known key', () => {
    imported(ec.publicKey)
    const leaked = importPublicJwk({ ...ec.publicKey.export({ format: 'jwk' }), d: 'AQ' })
    assert.equal(leaked.ok ? '' : leaked.ruleId, 'jwk.public')
  })

  it('keep nothing but the public members', () => {
    assert.deepEqual(Object.keys(imported(rsa.publicKey, { kid: 'a', x5c: ['b'] }).jwk), ['kty', 'n', 'e'])
  })

  it('stay within their bound while many keys come and go', () => {
    const first = imported(ec.publicKey)
    for (let index = 0; index < 10_050; index++) importPublicJwk({ ...first.jwk, kid: `k${index}` })
    assert.notEqual(imported(ec.publicKey), first)
    assert.equal(imported(ec.publicKey).thumbprint, first.thumbprint)
  })

  it('are not kept when they are so long that many of them would fill the memory', () => {
    const [short, long] = [pairs['ML-DSA-44'].publicKey, pairs['ML-DSA-65'].publicKey]
    assert.equal(imported(short), imported(short))
    assert.notEqual(imported(long), imported(long))
    assert.equal(imported(long).thumbprint, imported(long).thumbprint)
  })

  it('refuses as `jwk.point` what is not on its curve', () => {
    const { x } = ec.publicKey.export({ format: 'jwk' })
    const key = importPublicJwk({ kty: 'EC', crv: 'P-256', x, y: x })
    assert.equal(key.ok ? '' : key.ruleId, 'jwk.point')
  })

  it('never throws, whatever the value', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), value => void importPublicJwk(value)))
    const members = fc.record(
      {
        kty: fc.constantFrom('EC', 'OKP', 'RSA', 'AKP', 'oct', '__proto__'),
        crv: fc.constantFrom('P-256', 'Ed25519', 'P-384'),
        x: fc.string(),
        y: fc.string(),
        n: fc.string(),
        e: fc.string(),
        alg: fc.constantFrom('ML-DSA-44', 'ES256', 'constructor'),
        pub: fc.string(),
      },
      { requiredKeys: [] },
    )
    fc.assert(fc.property(members, jwk => void importPublicJwk(jwk)))
  })
})

describe('selecting keys', () => {
  const jwkOf = (publicKey: KeyObject, more: object): object => ({
    ...publicKey.export({ format: 'jwk' }),
    ...more,
  })
  const thumbprints = (keys: readonly PublicKey[]): readonly string[] => keys.map(key => key.thumbprint)

  it('tells keys of one `kid` apart by type, curve, use and alg', () => {
    const jwks = {
      keys: [
        jwkOf(rsa.publicKey, { kid: 'k' }),
        jwkOf(ed.publicKey, { kid: 'k' }),
        jwkOf(ec.publicKey, { kid: 'k', use: 'enc' }),
        jwkOf(ec.publicKey, { kid: 'k', alg: 'ES384' }),
        jwkOf(ec.publicKey, { kid: 'k' }),
      ],
    }
    assert.deepEqual(thumbprints(selectKeys(jwks, { kid: 'k' }, 'ES256')), [
      imported(ec.publicKey).thumbprint,
    ])
    assert.deepEqual(thumbprints(selectKeys(jwks, { kid: 'k' }, 'PS256')), [
      imported(rsa.publicKey).thumbprint,
    ])
  })

  it('takes no key of another or no `kid` when the header has one', () => {
    const jwks = [jwkOf(ec.publicKey, { kid: 'a' }), jwkOf(ec.publicKey, {})]
    assert.deepEqual(selectKeys(jwks, { kid: 'b' }, 'ES256'), [])
    assert.deepEqual(selectKeys(jwks, { kid: '' }, 'ES256'), [])
    assert.deepEqual(selectKeys(jwks, { kid: null }, 'ES256'), [])
  })

  it('offers at most four fitting keys when the header has no `kid`', () => {
    const jwks = Array.from({ length: 6 }, (_, index) => jwkOf(ec.publicKey, { kid: `k${index}` }))
    assert.equal(selectKeys(jwks.slice(0, 3), {}, 'ES256').length, 3)
    assert.equal(selectKeys(jwks, {}, 'ES256').length, 4)
  })

  it('reads at most 32 keys of a set', () => {
    const others = Array.from({ length: 31 }, () => jwkOf(rsa.publicKey, {}))
    assert.equal(selectKeys([...others, jwkOf(ec.publicKey, {})], {}, 'ES256').length, 1)
    assert.equal(
      selectKeys([...others, ...others.slice(0, 1), jwkOf(ec.publicKey, {})], {}, 'ES256').length,
      0,
    )
  })

  it('passes over keys it cannot use', () => {
    const jwks = {
      keys: [null, 1, { kty: 'oct', k: 'AQ' }, { kty: 'EC', crv: 'P-521' }, jwkOf(ec.publicKey, {})],
    }
    assert.equal(selectKeys(jwks, {}, 'ES256').length, 1)
  })

  it('looks at no key the header brings', () => {
    const jwk = ec.publicKey.export({ format: 'jwk' })
    assert.deepEqual(selectKeys({ keys: [] }, { jwk, x5c: ['a'], jku: 'https://evil.example' }, 'ES256'), [])
  })

  it('finds nothing in what is no key set', () => {
    for (const jwks of [undefined, null, 'keys', {}, { keys: {} }, { keys: null }])
      assert.deepEqual(selectKeys(jwks, {}, 'ES256'), [])
  })
})
