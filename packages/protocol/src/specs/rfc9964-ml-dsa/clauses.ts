import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

/** RFC 9964: ML-DSA signatures and `AKP` keys in JOSE; its COSE half concerns nothing here. */
export const manifest: ClauseManifest = {
  spec: 'rfc9964-ml-dsa',
  title: 'ML-DSA for JOSE and COSE',
  url: 'https://www.rfc-editor.org/rfc/rfc9964',
  clauses: [
    { id: 'RFC9964-3-alg', level: 'MUST', says: 'an AKP key has `alg`', standing: ruled },
    { id: 'RFC9964-3-pub', level: 'MUST', says: 'an AKP key has `pub`', standing: ruled },
    { id: 'RFC9964-3-priv', level: 'MUST', says: 'a public key has no `priv`', standing: ruled },
    {
      id: 'RFC9964-3-encoding',
      level: 'MUST',
      says: 'the parameters are base64url in a JWK',
      standing: shown('publishes AKP keys that an independent library imports'),
    },
    {
      id: 'RFC9964-4',
      level: 'MUST',
      says: '`priv` is the seed of 32 bytes',
      standing: notApplicable('private keys never leave as JWK; at rest they are sealed PKCS #8'),
    },
    {
      id: 'RFC9964-5-pub',
      level: 'MUST',
      says: '`pub` is the public key of FIPS 204 with the size of its algorithm',
      standing: ruled,
    },
    {
      id: 'RFC9964-5-signature',
      level: 'MUST',
      says: 'a signature has the size of its algorithm',
      standing: shown('takes an ML-DSA signature of the right length only'),
    },
    {
      id: 'RFC9964-5-ctx',
      level: 'MUST',
      says: 'the context of a signature is empty',
      standing: shown('signs and verifies with an empty context'),
    },
    {
      id: 'RFC9964-6',
      level: 'MUST',
      says: 'the thumbprint of an AKP key covers `alg`, `kty` and `pub`',
      standing: shown('computes thumbprints over `alg`, `kty` and `pub`'),
    },
    {
      id: 'RFC9964-7.3',
      level: 'MUST',
      says: 'where the algorithm asks for validation, all its key parameters are validated',
      standing: ruled,
    },
  ],
}
