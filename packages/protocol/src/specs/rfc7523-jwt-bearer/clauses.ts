import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

/** RFC 7523 and its framework RFC 7521, assertions as authorization grants. Client authentication has its own room. */
export const manifest: ClauseManifest = {
  spec: 'rfc7523-jwt-bearer',
  title: 'RFC 7523: JSON Web Token (JWT) Profile for OAuth 2.0 Authorization Grants',
  url: 'https://www.rfc-editor.org/rfc/rfc7523#section-2.1',
  clauses: [
    {
      id: 'RFC7523-2.1',
      level: 'MUST',
      says: 'A request has `grant_type` of this grant and one JWT in `assertion`.',
      standing: ruled,
      rows: ['JBG-01'],
    },
    {
      id: 'RFC7523-3-iss',
      level: 'MUST',
      says: '`iss` names an issuer the server trusts.',
      standing: ruled,
      rows: ['JBG-02'],
    },
    {
      id: 'RFC7523-3-sub',
      level: 'MUST',
      says: '`sub` names the user for whom the token is asked.',
      standing: ruled,
      rows: ['JBG-02', 'JBG-04'],
    },
    {
      id: 'RFC7523-3-aud',
      level: 'MUST',
      says: '`aud` names this authorization server; an assertion for another one is refused.',
      standing: ruled,
      rows: ['JBG-02'],
    },
    {
      id: 'RFC7523-3-exp',
      level: 'MUST',
      says: '`exp` has not passed; an assertion that lives too long may be refused.',
      standing: ruled,
      rows: ['JBG-02', 'JBG-04'],
    },
    {
      id: 'RFC7523-3-nbf',
      level: 'MAY',
      says: '`nbf` has come.',
      standing: ruled,
      rows: ['JBG-02'],
    },
    {
      id: 'RFC7523-3-iat',
      level: 'MAY',
      says: 'An assertion made unreasonably long ago is refused.',
      standing: ruled,
      rows: ['JBG-02'],
    },
    {
      id: 'RFC7523-3-jti',
      level: 'MAY',
      says: 'An assertion is used once: its `jti` is remembered as long as it is good.',
      standing: ruled,
      rows: ['JBG-02', 'JBG-04'],
    },
    {
      id: 'RFC7523-3-signature',
      level: 'MUST',
      says: 'The assertion is signed by its issuer; a signature that is wrong is refused.',
      standing: ruled,
      rows: ['JBG-02'],
    },
    {
      id: 'RFC7523-3.1',
      level: 'MUST',
      says: 'An assertion that is not valid is `invalid_grant`.',
      standing: ruled,
      rows: ['JBG-02'],
    },
    {
      id: 'RFC7523-5',
      level: 'MUST',
      says: 'Who makes assertions and who takes them have agreed on issuer, keys, audience and subjects.',
      standing: otherParty('operator'),
    },
    {
      id: 'RFC7521-4.1-client',
      level: 'MAY',
      says: 'Client authentication may be asked for as well.',
      standing: ruled,
    },
    {
      id: 'RFC7521-4.1-scope',
      level: 'MUST',
      says: 'A scope goes no further than what the subject was granted by who made the assertion.',
      standing: ruled,
      rows: ['JBG-04'],
    },
    {
      id: 'RFC7521-4.1-refresh',
      level: 'SHOULD',
      says: 'No refresh token comes with the access token.',
      standing: shown(
        'no refresh token and no ID token come with it, and the token does not outlive the assertion',
      ),
      rows: ['JBG-03'],
    },
    {
      id: 'RFC7521-4.1-lifetime',
      level: 'SHOULD',
      says: 'The access token does not live much longer than the assertion.',
      standing: shown(
        'no refresh token and no ID token come with it, and the token does not outlive the assertion',
      ),
      rows: ['JBG-04'],
    },
    {
      id: 'RFC7521-6.3',
      level: 'MAY',
      says: 'A client acts for an anonymous user.',
      standing: notApplicable('every subject is a user of ours; there are no anonymous ones'),
    },
  ],
}
