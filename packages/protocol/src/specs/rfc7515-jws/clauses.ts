import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

/** RFC 7515, compact serialisation only. */
export const manifest: ClauseManifest = {
  spec: 'rfc7515-jws',
  title: 'JSON Web Signature (JWS)',
  url: 'https://www.rfc-editor.org/rfc/rfc7515',
  clauses: [
    {
      id: 'RFC7515-4',
      level: 'MUST',
      says: 'header member names are unique',
      standing: ruled,
      rows: ['ASRT-13'],
    },
    { id: 'RFC7515-4.1.1', level: 'MUST', says: '`alg` is there', standing: ruled },
    {
      id: 'RFC7515-4.1.2',
      level: 'MAY',
      says: 'keys may be named by URL or brought in the header',
      standing: shown('looks at no key the header brings'),
      rows: ['JWKS-09', 'FK-05'],
    },
    { id: 'RFC7515-4.1.4', level: 'MUST', says: '`kid` is a string', standing: ruled },
    { id: 'RFC7515-4.1.9', level: 'MUST', says: '`typ` is a string', standing: ruled },
    {
      id: 'RFC7515-4.1.11',
      level: 'MUST',
      says: 'a JWS with a critical extension that is not understood is refused',
      standing: ruled,
      rows: ['ASRT-13'],
    },
    {
      id: 'RFC7515-5.2',
      level: 'MUST',
      says: 'header, payload and signature decode, and the signature verifies',
      standing: ruled,
      rows: ['ASRT-13'],
    },
    {
      id: 'RFC7515-7.1',
      level: 'MUST',
      says: 'the compact form has three parts',
      standing: ruled,
      rows: ['DPOP-11'],
    },
    {
      id: 'RFC7515-7.2',
      level: 'MUST',
      says: 'how the JSON serialisation is read',
      standing: notApplicable('no protocol here uses the JSON serialisation, and it is refused'),
    },
  ],
}
