import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import * as oracle from 'jose'
import { type ParsedJws, parseCompactJws } from '../../jose/compact.ts'
import { leftHalfHash } from '../../jose/hash.ts'
import { importPublicJwk, type PublicKey } from '../../jose/keys.ts'
import { mlDsaSizes } from '../../jose/ml-dsa.ts'
import { signJws } from '../../jose/sign.ts'
import { jwkThumbprint } from '../../jose/thumbprint.ts'
import { verifyJws } from '../../jose/verify.ts'
import { type MlDsaAlg, mlDsaAlgs } from '../../profile.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { JwkInput } from '../rfc7517-jwk/member.ts'
import { jwkRules } from '../rfc7517-jwk/rules.ts'
import { mlDsaKeyRules } from './rules.ts'

const pairs = {
  'ML-DSA-44': generateKeyPairSync('ml-dsa-44'),
  'ML-DSA-65': generateKeyPairSync('ml-dsa-65'),
  'ML-DSA-87': generateKeyPairSync('ml-dsa-87'),
}

const jwkOf = (alg: MlDsaAlg): Readonly<Record<string, string>> =>
  pairs[alg].publicKey.export({ format: 'jwk' }) as Record<string, string>

const bytes = (length: number): string => Buffer.alloc(length, 7).toString('base64url')
const good = jwkOf('ML-DSA-65')

const refusals: readonly Refused<JwkInput>[] = [
  { name: 'no `alg`', input: { jwk: { ...good, alg: undefined } }, ruleId: 'jwk.akp-algorithm' },
  {
    name: 'an `alg` of another kind',
    input: { jwk: { ...good, alg: 'ES256' } },
    ruleId: 'jwk.akp-algorithm',
  },
  { name: 'a lower-case `alg`', input: { jwk: { ...good, alg: 'ml-dsa-65' } }, ruleId: 'jwk.akp-algorithm' },
  { name: 'an inherited name', input: { jwk: { ...good, alg: 'constructor' } }, ruleId: 'jwk.akp-algorithm' },
  { name: 'a list as `alg`', input: { jwk: { ...good, alg: ['ML-DSA-65'] } }, ruleId: 'jwk.akp-algorithm' },
  { name: 'no `pub`', input: { jwk: { ...good, pub: undefined } }, ruleId: 'jwk.akp-public' },
  { name: 'a `pub` that is a number', input: { jwk: { ...good, pub: 1 } }, ruleId: 'jwk.akp-public' },
  { name: 'a padded `pub`', input: { jwk: { ...good, pub: `${good.pub}==` } }, ruleId: 'jwk.akp-public' },
  {
    name: 'the `pub` of another size',
    input: { jwk: { ...good, alg: 'ML-DSA-44' } },
    ruleId: 'jwk.akp-public',
  },
  ...mlDsaAlgs.flatMap(alg =>
    [mlDsaSizes[alg].publicKey - 1, mlDsaSizes[alg].publicKey + 1].map(length => ({
      name: `${alg} with a \`pub\` of ${length} bytes`,
      input: { jwk: { kty: 'AKP', alg, pub: bytes(length) } },
      ruleId: 'jwk.akp-public',
    })),
  ),
]

const imported = (jwk: unknown): PublicKey => {
  const key = importPublicJwk(jwk)
  assert.ok(key.ok, key.ok ? '' : key.reason)
  return key.value
}

const parsed = (text: string): ParsedJws => {
  const jws = parseCompactJws(text, 8192)
  assert.ok(jws.ok, jws.ok ? '' : jws.reason)
  return jws.value
}

describe('AKP keys', () => {
  for (const { name, input, ruleId } of refusals)
    it(`are refused as \`${ruleId}\`: ${name}`, () => {
      assert.equal(firstRefusal(mlDsaKeyRules, input)?.ruleId, ruleId)
      assert.equal(firstRefusal(jwkRules, input)?.ruleId, ruleId)
      assert.ok(!importPublicJwk(input.jwk).ok)
    })

  it('are refused with a seed', () => {
    const refused = importPublicJwk({ ...good, priv: Buffer.alloc(32).toString('base64url') })
    assert.equal(refused.ok ? '' : refused.ruleId, 'jwk.public')
  })

  for (const alg of mlDsaAlgs)
    it(`of ${alg} fit that algorithm and no other`, () => {
      const key = imported({ ...jwkOf(alg), kid: 'a', use: 'sig' })
      assert.deepEqual(
        (['ES256', 'EdDSA', 'PS256', ...mlDsaAlgs] as const).filter(other => key.fits(other)),
        [alg],
      )
      assert.deepEqual(key.jwk, jwkOf(alg))
      assert.ok(!imported({ ...jwkOf(alg), use: 'enc' }).fits(alg))
    })

  it('computes thumbprints over `alg`, `kty` and `pub`', async () => {
    for (const alg of mlDsaAlgs) {
      const expected = await oracle.calculateJwkThumbprint(jwkOf(alg))
      assert.equal(jwkThumbprint({ ...jwkOf(alg), kid: 'a', use: 'sig' }), expected)
      assert.equal(imported(jwkOf(alg)).thumbprint, expected)
    }
    assert.throws(() => jwkThumbprint({ kty: 'AKP', pub: good.pub }), TypeError)
  })

  it('publishes AKP keys that an independent library imports', async () => {
    for (const alg of mlDsaAlgs) {
      const key = await oracle.importJWK({ ...jwkOf(alg), kid: 'a', use: 'sig' })
      assert.ok(key instanceof CryptoKey)
      assert.equal(key.algorithm.name, alg)
    }
  })
})

describe('ML-DSA signatures', () => {
  it('signs and verifies with an empty context', async () => {
    for (const alg of mlDsaAlgs) {
      const { privateKey, publicKey } = pairs[alg]
      const ours = signJws({ typ: 'at+jwt' }, { a: 1 }, privateKey, alg)
      assert.equal((await oracle.jwtVerify(ours, publicKey, { algorithms: [alg] })).payload.a, 1)
      const theirs = await new oracle.SignJWT({ b: 2 }).setProtectedHeader({ alg }).sign(privateKey)
      assert.ok(verifyJws(parsed(theirs), imported(jwkOf(alg)), [alg]))
      const input = theirs.slice(0, theirs.lastIndexOf('.'))
      const key = { key: privateKey, context: Buffer.from('another context') }
      const signature = sign(null, Buffer.from(input), key)
      const bound = `${input}.${signature.toString('base64url')}`
      assert.ok(!verifyJws(parsed(bound), imported(jwkOf(alg)), [alg]))
    }
  })

  it('takes an ML-DSA signature of the right length only', () => {
    for (const alg of mlDsaAlgs) {
      const jws = parsed(signJws({}, {}, pairs[alg].privateKey, alg))
      const key = imported(jwkOf(alg))
      assert.equal(jws.signature.length, mlDsaSizes[alg].signature)
      assert.ok(verifyJws(jws, key, [alg]))
      const { signature } = jws
      for (const wrong of [signature.subarray(1), Buffer.concat([signature, Buffer.of(0)]), Buffer.of(1)])
        assert.ok(!verifyJws({ ...jws, signature: wrong }, key, [alg]))
    }
  })

  it('are not taken for another parameter set, nor made with its key', () => {
    const jws = parsed(signJws({}, {}, pairs['ML-DSA-44'].privateKey, 'ML-DSA-44'))
    assert.ok(!verifyJws(jws, imported(jwkOf('ML-DSA-65')), mlDsaAlgs))
    assert.ok(!verifyJws(jws, imported(jwkOf('ML-DSA-44')), ['ML-DSA-65', 'ML-DSA-87']))
    assert.throws(() => signJws({}, {}, pairs['ML-DSA-44'].privateKey, 'ML-DSA-65'), TypeError)
    assert.throws(() => signJws({}, {}, pairs['ML-DSA-44'].privateKey, 'ES256'), TypeError)
  })

  it('hash with SHAKE256 for `at_hash`, 32 bytes of 64', () => {
    // openssl dgst -shake256 -xoflen 64 of `a`, first half
    assert.equal(
      Buffer.from(leftHalfHash('ML-DSA-65', 'a'), 'base64url').toString('hex'),
      '867e2cb04f5a04dcbd592501a5e8fe9ceaafca50255626ca736c138042530ba4',
    )
    assert.equal(leftHalfHash('ML-DSA-44', 'a'), leftHalfHash('ML-DSA-87', 'a'))
  })
})
