import { type ClauseManifest, ruled, shown } from '../../clause.ts'

/** RFC 7517: keys and key sets others give us. */
export const manifest: ClauseManifest = {
  spec: 'rfc7517-jwk',
  title: 'JSON Web Key (JWK)',
  url: 'https://www.rfc-editor.org/rfc/rfc7517',
  clauses: [
    { id: 'RFC7517-4', level: 'MUST', says: 'a key is an object with `kty`', standing: ruled },
    { id: 'RFC7517-4.2', level: 'MUST', says: '`use` is respected', standing: ruled, rows: ['ASRT-12'] },
    { id: 'RFC7517-4.3', level: 'MUST', says: '`key_ops` is respected', standing: ruled, rows: ['ASRT-12'] },
    { id: 'RFC7517-4.4', level: 'MUST', says: '`alg` is respected', standing: ruled, rows: ['JWKS-08'] },
    {
      id: 'RFC7517-4.5',
      level: 'MUST',
      says: '`kid` is a string; equal ones are told apart by type, use, algorithm and curve',
      standing: ruled,
      rows: ['JWKS-07', 'FK-06'],
    },
    {
      id: 'RFC7517-5',
      level: 'SHOULD',
      says: 'keys of a set that are not understood are passed over',
      standing: shown('passes over keys it cannot use'),
    },
    {
      id: 'RFC7517-9.2',
      level: 'MUST',
      says: 'private and symmetric keys are never published or taken where a public key belongs',
      standing: ruled,
      rows: ['JWKS-02', 'DPOP-16'],
    },
  ],
}
