import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

const idTokenTest =
  'an ID token says who, when, how strongly, for which request and beside which access token'
const refreshTest = 'keeps auth_time and acr of the login, and gets an ID token without nonce'

/** Tokens and userinfo; what binds the authorization request stands in `oidc-core-request`. */
export const manifest: ClauseManifest = {
  spec: 'oidc-core-tokens',
  title: 'OpenID Connect Core 1.0: tokens and userinfo',
  url: 'https://openid.net/specs/openid-connect-core-1_0.html',
  clauses: [
    {
      id: 'OIDCC-2',
      level: 'MUST',
      says: 'An ID token has iss, sub, aud, exp and iat, and the nonce of its request unchanged.',
      standing: shown(idTokenTest),
      rows: ['IDT-01', 'FAZ-13', 'OIDC-16'],
    },
    {
      id: 'OIDCC-2-auth-time',
      level: 'MUST',
      says: '`auth_time` is there when it was asked for.',
      standing: shown(idTokenTest),
      rows: ['IDT-01'],
    },
    {
      id: 'OIDCC-3.1.2.1-openid',
      level: 'MUST',
      says: 'Without openid in the scope there is no ID token.',
      standing: shown('without openid there is no ID token, and no user identifier in the answer'),
      rows: ['FAZ-16', 'OIDC-01'],
    },
    {
      id: 'OIDCC-3.1.3.6',
      level: 'MAY',
      says: '`at_hash` ties the ID token to its access token.',
      standing: shown(idTokenTest),
      rows: ['IDT-02'],
    },
    {
      id: 'OIDCC-3.1.3.6-vectors',
      level: 'MUST',
      says: 'The hashes are the left halves of those that the algorithm names.',
      standing: shown('give the left half for `s_hash`, `at_hash` and `c_hash`'),
      rows: ['IDT-02', 'F1-09'],
    },
    {
      id: 'OIDCC-3.1.3.7',
      level: 'MUST',
      says: 'The client checks the ID token.',
      standing: otherParty('client'),
      rows: ['IDT-03', 'FC-18'],
    },
    {
      id: 'OIDCC-5.3',
      level: 'MUST',
      says: 'Userinfo answers GET and POST and takes the token from the header.',
      standing: shown('a token in the body or the query is refused'),
      rows: ['UI-01'],
    },
    {
      id: 'OIDCC-5.3.1',
      level: 'MUST',
      says: 'Userinfo answers both methods alike.',
      standing: shown('… answers sub and what the scopes release, and nothing more'),
      rows: ['UI-01', 'UI-02'],
    },
    {
      id: 'OIDCC-5.3.2',
      level: 'MUST',
      says: '`sub` is always there.',
      standing: shown('a plain Bearer token works where the profile allows it'),
      rows: ['UI-02'],
    },
    {
      id: 'OIDCC-5.3.2-jwt',
      level: 'MUST',
      says: 'Signed userinfo is `application/jwt` with iss and aud.',
      standing: shown('a signed answer is a JWT with iss and aud that an independent library verifies'),
      rows: ['UI-02'],
    },
    {
      id: 'OIDCC-5.3.3',
      level: 'MUST',
      says: 'Errors are those of RFC 6750; a token without openid is insufficient.',
      standing: shown('a token without openid is 403 insufficient_scope and says which scope is missing'),
      rows: ['UI-03', 'DPOP-69'],
    },
    {
      id: 'OIDCC-8.1',
      level: 'MUST',
      says: 'Pairwise identifiers cannot be reversed.',
      standing: shown('a pairwise subject is the same for a sector every time, and another for every other'),
      rows: ['PW-01'],
    },
    {
      id: 'OIDCC-9',
      level: 'MUST',
      says: 'private_key_jwt: signed by a registered key, with a jti that is used once.',
      standing: ruled,
      rows: ['ASRT-05', 'ASRT-12'],
    },
    {
      id: 'OIDCC-12.2',
      level: 'MUST',
      says: 'An ID token from a refresh has the same iss, sub and aud and the first auth_time.',
      standing: shown(refreshTest),
      rows: ['IDT-04'],
    },
    {
      id: 'OIDCC-15.1-none',
      level: 'MUST',
      says: 'An ID token is signed by the algorithm the client registered; `none` is never used.',
      standing: shown('no order with an algorithm outside the profile is minted, so none is never used'),
      rows: ['IDT-05'],
    },
    {
      id: 'OIDCC-2-nonce',
      level: 'MUST',
      says: 'A nonce comes back whole, however long, and none when none was sent.',
      standing: shown('the ID token echoes a nonce of 384 characters whole, and has none when none was sent'),
      rows: ['FAZ-13', 'OIDC-16'],
    },
  ],
}
