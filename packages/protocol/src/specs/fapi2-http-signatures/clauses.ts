import { type ClauseManifest, ruled, shown } from '../../clause.ts'

/** A draft, with the numbers of its sections and lists in 2026. */
export const manifest: ClauseManifest = {
  spec: 'fapi2-http-signatures',
  title: 'FAPI 2.0 Http Signatures (draft)',
  url: 'https://openid.github.io/fapi/fapi-2_0-http-signatures.html',
  clauses: [
    {
      id: 'FAPI2-HTTPSIG-5.3.1.1',
      level: 'MUST',
      says: 'A request is signed over method, target, authorization, proof and digest, with `created` and the tag.',
      standing: shown('the vector of our checklist is what is signed, byte by byte'),
      rows: ['FHS-01'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.2-1',
      level: 'MUST',
      says: 'The key is one of the client.',
      standing: shown('a key that is not of the client of the token signs nothing'),
      rows: ['FHS-02'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.2-3',
      level: 'MUST',
      says: 'A missing or invalid signature is answered 401.',
      standing: ruled,
      rows: ['FHS-02'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.2-4',
      level: 'MUST',
      says: 'The tag is `fapi-2-request`.',
      standing: ruled,
      rows: ['FHS-02'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.2-5',
      level: 'MUST',
      says: 'Method, target and authorization are covered.',
      standing: ruled,
      rows: ['FHS-02'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.2-6',
      level: 'MUST',
      says: '`created` is there and in range, a minute.',
      standing: ruled,
      rows: ['FHS-03'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.2-7',
      level: 'MUST',
      says: 'A DPoP proof is covered.',
      standing: ruled,
      rows: ['FHS-02'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.2-8',
      level: 'MUST',
      says: 'The digest of a body is covered.',
      standing: ruled,
      rows: ['FHS-02'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.2.1',
      level: 'MUST',
      says: 'An answer is signed over status, digest, the request it answers and the signature of that.',
      standing: shown('a response is signed over what was asked, and another library verifies it'),
      rows: ['FHS-04'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.2.2',
      level: 'MUST',
      says: 'The client verifies tag, status, `created` and the digest of the body.',
      standing: shown('the recipe refuses an answer whose body was swapped'),
      rows: ['FHS-05'],
    },
    {
      id: 'FAPI2-HTTPSIG-5.3.1.1-8',
      level: 'SHOULD',
      says: 'The digest is `sha-256`.',
      standing: ruled,
      rows: ['FHS-06'],
    },
  ],
}
