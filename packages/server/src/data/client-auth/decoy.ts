import { createSecretKey } from 'node:crypto'
import { type JwsAlg, mlDsaAlgs } from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { macAlgs, verifyMac } from '@holdfast/protocol/jose/mac.ts'
import { mlDsaSizes } from '@holdfast/protocol/jose/ml-dsa.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { clientSecretsMax } from './secret.ts'

/** Published keys of examples, a number nobody can factor into a key, and keys of ones: nobody's here. */
const keys: readonly PublicKey[] = [
  {
    kty: 'EC',
    crv: 'P-256',
    x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
    y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
  },
  { kty: 'OKP', crv: 'Ed25519', x: 'JIYKepGq0bq_KZQCtaS4gEq_BgZ5NpETdabH5IGkhyw' },
  { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(256, 0xff).toString('base64url') },
  ...mlDsaAlgs.map(alg => {
    const pub = Buffer.alloc(mlDsaSizes[alg].publicKey, 0xff).toString('base64url')
    return { kty: 'AKP', alg, pub }
  }),
].map(jwk => {
  const key = importPublicJwk(jwk)
  if (!key.ok) throw new TypeError(key.reason)
  return key.value
})

const algs: readonly JwsAlg[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256', ...mlDsaAlgs]

/** What MACs are checked with for who has no secret: known to everybody, so nothing it proves ever counts. */
export const decoySecret = createSecretKey(Buffer.alloc(64))

/**
 * Takes as long as checking this assertion for a client that exists: same algorithm, same signature, a key of the
 * same kind. The answer, which is always no, is thrown away.
 */
export function verifyNothing(assertion: ParsedJws): void {
  const alg = algs.find(known => known === assertion.header.alg)
  const key = alg && keys.find(candidate => candidate.fits(alg))
  if (alg !== undefined && key !== undefined) verifyJws(assertion, key, [alg])
  const mac = macAlgs.find(known => known === assertion.header.alg)
  if (mac === undefined) return
  for (let index = 0; index < clientSecretsMax; index++) verifyMac(assertion, decoySecret, mac)
}
