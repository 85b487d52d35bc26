import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import * as oracle from 'jose'
import { contentEncryptionAlgs, encryptionKey, encryptJws, keyManagementAlgs } from './encrypt.ts'
import { importPublicJwk, type PublicKey } from './keys.ts'
import { signJws } from './sign.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jws = signJws({ typ: 'JWT' }, { sub: 'é' }, ec.privateKey, 'ES256')

function keyOf(publicKey: KeyObject, more: Readonly<Record<string, unknown>>): PublicKey {
  const key = importPublicJwk({ ...publicKey.export({ format: 'jwk' }), ...more })
  assert.ok(key.ok)
  return key.value
}
const pairOf = (alg: string): typeof ec => (alg.startsWith('RSA') ? rsa : ec)
const forUse = (alg: string): PublicKey => keyOf(pairOf(alg).publicKey, { kid: 'e-1', use: 'enc' })

describe('encryption', () => {
  it('a nested JWT opens with an independent library, and holds the signed one unchanged', async () => {
    for (const alg of keyManagementAlgs)
      for (const enc of contentEncryptionAlgs) {
        const jwe = await encryptJws(jws, forUse(alg), { alg, enc })
        const { plaintext, protectedHeader } = await oracle.compactDecrypt(jwe, pairOf(alg).privateKey, {
          keyManagementAlgorithms: [alg],
          contentEncryptionAlgorithms: [enc],
        })
        const { epk, ...header } = protectedHeader
        assert.deepEqual(header, { alg, enc, cty: 'JWT', kid: 'e-1' })
        assert.equal(epk === undefined, alg === 'RSA-OAEP-256')
        assert.equal(Buffer.from(plaintext).toString(), jws)
      }
  })

  it('no two messages are the same, even of the same content for the same key', async () => {
    for (const alg of keyManagementAlgs) {
      const made = await Promise.all(
        [1, 2].map(async () => await encryptJws(jws, forUse(alg), { alg, enc: 'A256GCM' })),
      )
      const [first = [], second = []] = made.map(text => text.split('.'))
      for (const part of [2, 3, 4]) assert.notEqual(first[part], second[part], `${alg} part ${part}`)
    }
  })

  it('the key is the one that says use enc, of the right type and algorithm, and no other', () => {
    const keys = [
      keyOf(ec.publicKey, { kid: 'any' }),
      keyOf(ec.publicKey, { kid: 'signs', use: 'sig' }),
      keyOf(rsa.publicKey, { kid: 'rsa', use: 'enc' }),
      keyOf(ec.publicKey, { kid: 'other', use: 'enc', alg: 'ECDH-ES+A128KW' }),
      keyOf(ec.publicKey, { kid: 'fits', use: 'enc', alg: 'ECDH-ES' }),
      keyOf(ec.publicKey, { kid: 'late', use: 'enc' }),
    ]
    assert.equal(encryptionKey(keys, 'ECDH-ES')?.kid, 'fits')
    assert.equal(encryptionKey(keys, 'ECDH-ES+A128KW')?.kid, 'other')
    assert.equal(encryptionKey(keys, 'ECDH-ES+A256KW')?.kid, 'late')
    assert.equal(encryptionKey(keys, 'RSA-OAEP-256')?.kid, 'rsa')
    assert.equal(encryptionKey(keys.slice(0, 2), 'ECDH-ES'), undefined)
  })

  it('is not made to a key that signs, whatever the caller chose', async () => {
    const wanted = { alg: 'ECDH-ES', enc: 'A128GCM' } as const
    for (const more of [{}, { use: 'sig' }, { use: 'enc', alg: 'ECDH-ES+A128KW' }])
      await assert.rejects(encryptJws(jws, keyOf(ec.publicKey, more), wanted), TypeError)
    await assert.rejects(encryptJws(jws, keyOf(rsa.publicKey, { use: 'enc' }), wanted), TypeError)
  })
})
