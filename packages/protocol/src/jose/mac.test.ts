import assert from 'node:assert/strict'
import { createHmac, createPublicKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as oracle from 'jose'
import { type ParsedJws, parseCompactJws } from './compact.ts'
import { type MacAlg, macAlgs, verifyMac } from './mac.ts'

const bytes: Readonly<Record<MacAlg, number>> = { HS256: 32, HS384: 48, HS512: 64 }

function parsed(text: string): ParsedJws {
  const jws = parseCompactJws(text, 8192)
  assert.ok(jws.ok, jws.ok ? '' : jws.reason)
  return jws.value
}

const signedBy = async (alg: MacAlg, secret: Buffer): Promise<ParsedJws> =>
  parsed(await new oracle.SignJWT({ a: 1 }).setProtectedHeader({ alg }).sign(secret))

/** RFC 7515 appendix A.1. */
const published = {
  jwt:
    'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9' +
    '.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ' +
    '.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  key: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
}

describe('the MAC of a JWT', () => {
  it('is the one of RFC 7515 A.1', () => {
    const key = createSecretKey(Buffer.from(published.key, 'base64url'))
    assert.ok(verifyMac(parsed(published.jwt), key, 'HS256'))
    const altered = createSecretKey(Buffer.from(`B${published.key.slice(1)}`, 'base64url'))
    assert.ok(!verifyMac(parsed(published.jwt), altered, 'HS256'))
  })

  for (const alg of macAlgs) {
    it(`${alg} of another library is verified, with a secret of ${bytes[alg]} bytes and not of one less`, async () => {
      const secret = randomBytes(bytes[alg])
      const jws = await signedBy(alg, secret)
      assert.ok(verifyMac(jws, createSecretKey(secret), alg))
      assert.ok(!verifyMac(jws, createSecretKey(randomBytes(bytes[alg])), alg))
      const short = secret.subarray(1)
      const signature = createHmac(`sha${alg.slice(2)}`, short)
        .update(jws.signingInput)
        .digest()
      assert.ok(!verifyMac({ ...jws, signature }, createSecretKey(short), alg))
    })

    it(`${alg} is not taken for another algorithm`, async () => {
      const secret = randomBytes(64)
      const jws = await signedBy(alg, secret)
      for (const other of macAlgs) assert.equal(verifyMac(jws, createSecretKey(secret), other), other === alg)
      for (const name of ['none', 'ES256', alg.toLowerCase(), undefined, [alg]])
        assert.ok(!verifyMac({ ...jws, header: { alg: name } }, createSecretKey(secret), alg))
    })
  }

  it('is whole, or it is none', async () => {
    const secret = randomBytes(64)
    const jws = await signedBy('HS256', secret)
    const { signature } = jws
    for (const spoiled of [
      Buffer.alloc(0),
      signature.subarray(0, 31),
      Buffer.concat([signature, Buffer.alloc(1)]),
    ])
      assert.ok(!verifyMac({ ...jws, signature: spoiled }, createSecretKey(secret), 'HS256'))
  })

  it('is made by no public key', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' })
    const jws = await signedBy('HS256', Buffer.from(pem))
    assert.ok(!verifyMac(jws, createPublicKey(pem), 'HS256'))
  })

  it('never throws, and holds for no other bytes', async () => {
    const secret = randomBytes(64)
    const jws = await signedBy('HS512', secret)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.string(), (signature, signingInput) => {
        const key = createSecretKey(secret)
        assert.ok(!verifyMac({ ...jws, signature: Buffer.from(signature) }, key, 'HS512'))
        assert.equal(verifyMac({ ...jws, signingInput }, key, 'HS512'), signingInput === jws.signingInput)
      }),
    )
  })
})
