import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

const everyClaim = 'a resource server that asks for JWTs gets one with every claim of a high-assurance token'

/** What binds the issuer; what binds the API stands in `rfc9068-at-verification`. */
export const manifest: ClauseManifest = {
  spec: 'rfc9068-jwt-access-token',
  title: 'RFC 9068: JWT Profile for OAuth 2.0 Access Tokens: issuing',
  url: 'https://www.rfc-editor.org/rfc/rfc9068',
  clauses: [
    {
      id: 'RFC9068-2.1',
      level: 'MUST',
      says: 'A JWT access token is signed, never with `none`.',
      standing: ruled,
      rows: ['AT-01', 'AT-02'],
    },
    {
      id: 'RFC9068-2.1-typ',
      level: 'MUST',
      says: 'Its `typ` is at+jwt.',
      standing: shown(everyClaim),
      rows: ['AT-01'],
    },
    {
      id: 'RFC9068-2.1-rs256',
      level: 'MUST',
      says: 'Issuers and APIs support RS256.',
      standing: notApplicable('FAPI 2.0 bars RS256; the algorithm is chosen per resource server (FX-03)'),
      rows: ['AT-02'],
    },
    {
      id: 'RFC9068-2.2',
      level: 'MUST',
      says: 'It has iss, exp, aud, sub, client_id, iat and jti.',
      standing: shown(everyClaim),
      rows: ['AT-03', 'AT-12'],
    },
    {
      id: 'RFC9068-2.2-sub',
      level: 'MUST',
      says: 'Without a user, `sub` is the client.',
      standing: shown('the client is its own subject, and gets neither refresh nor ID token'),
      rows: ['AT-04'],
    },
    {
      id: 'RFC9068-2.2.1',
      level: 'MAY',
      says: 'auth_time, acr and amr are those of the first login and stay the same over refresh.',
      standing: shown('keeps auth_time and acr of the login, and gets an ID token without nonce'),
      rows: ['AT-05', 'RT-09', 'STEP-04'],
    },
    {
      id: 'RFC9068-2.2.3',
      level: 'SHOULD',
      says: 'A scope that was asked for stands in the token.',
      standing: shown(everyClaim),
      rows: ['AT-06'],
    },
    {
      id: 'RFC9068-3',
      level: 'MUST',
      says: '`aud` is the resource that was asked for, or the one the scopes belong to; never a mixture.',
      standing: ruled,
      rows: ['AT-08'],
    },
    {
      id: 'RFC9068-5',
      level: 'SHOULD',
      says: 'Clients do not look into access tokens.',
      standing: otherParty('client'),
      rows: ['AT-14'],
    },
    {
      id: 'RFC9068-2.2.3.1',
      level: 'SHOULD',
      says: 'Groups, roles and entitlements have the names of SCIM.',
      standing: notApplicable('users have no groups, roles or entitlements yet'),
      rows: ['AT-07'],
    },
    {
      id: 'RFC9068-6',
      level: 'SHOULD',
      says: 'A token holds no more about a person than its API needs.',
      standing: shown(
        'a resource server that asks for JWTs gets one with every claim of a high-assurance token',
      ),
      rows: ['AT-15'],
    },
  ],
}
