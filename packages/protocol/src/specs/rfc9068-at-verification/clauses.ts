import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

/** Section 4 of RFC 9068, which binds the API; what binds the issuer stands in `rfc9068-jwt-access-token`. */
export const manifest: ClauseManifest = {
  spec: 'rfc9068-at-verification',
  title: 'JWT Profile for OAuth 2.0 Access Tokens: validation',
  url: 'https://www.rfc-editor.org/rfc/rfc9068#section-4',
  clauses: [
    {
      id: 'RFC9068-4',
      level: 'MUST',
      says: 'what lacks a claim that section 2 requires is no access token',
      standing: ruled,
      rows: ['AT-12', 'AT-13'],
    },
    {
      id: 'RFC9068-4-1',
      level: 'MUST',
      says: '`typ` is at+jwt or application/at+jwt, anything else is refused',
      standing: ruled,
      rows: ['AT-09', 'SINT-08'],
    },
    {
      id: 'RFC9068-4-2',
      level: 'MUST',
      says: '`iss` is exactly the issuer',
      standing: ruled,
      rows: ['AT-10'],
    },
    {
      id: 'RFC9068-4-3',
      level: 'MUST',
      says: '`aud` contains an identifier of the API',
      standing: ruled,
      rows: ['AT-10', 'BCP-03'],
    },
    {
      id: 'RFC9068-4-4',
      level: 'MUST',
      says: 'the signature is verified, and `none` refused',
      standing: ruled,
      rows: ['AT-02', 'AT-10'],
    },
    {
      id: 'RFC9068-4-5',
      level: 'MUST',
      says: 'the key is one the issuer publishes',
      standing: shown('a token signed by a key the issuer does not publish is refused'),
      rows: ['AT-11'],
    },
    {
      id: 'RFC9068-4-6',
      level: 'MUST',
      says: 'the token is refused once `exp` has passed, with at most some minutes of leeway',
      standing: ruled,
      rows: ['AT-10', 'AT-12'],
    },
    {
      id: 'RFC9068-4-7',
      level: 'MUST',
      says: 'failures are answered as RFC 6750 section 3.1 says',
      standing: shown('every failure of a token is 401 invalid_token'),
      rows: ['AT-16'],
    },
    {
      id: 'RFC9068-4-8',
      level: 'MUST',
      says: 'an encrypted token is decrypted with the keys agreed at registration',
      standing: notApplicable('no encrypted access tokens are issued yet; five segments are refused'),
    },
    {
      id: 'RFC9068-4-tenant',
      level: 'MUST',
      says: 'a token of another tenant than the one of the route is refused',
      standing: shown('a token of another tenant gets 403'),
      rows: ['AT-13'],
    },
  ],
}
