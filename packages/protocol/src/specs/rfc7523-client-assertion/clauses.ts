import { type ClauseManifest, otherParty, ruled } from '../../clause.ts'

/** RFC 7523, client authentication only. Numbers behind 3 are the items of its list. */
export const manifest: ClauseManifest = {
  spec: 'rfc7523-client-assertion',
  title: 'JSON Web Token (JWT) Profile for OAuth 2.0 Client Authentication',
  url: 'https://www.rfc-editor.org/rfc/rfc7523',
  clauses: [
    {
      id: 'RFC7523-2.2',
      level: 'MUST',
      says: 'client_assertion_type has its registered value and client_assertion is one JWT',
      standing: ruled,
      rows: ['ASRT-01', 'ASRT-17'],
    },
    { id: 'RFC7523-3-1', level: 'MUST', says: '`iss` is the client', standing: ruled, rows: ['ASRT-02'] },
    { id: 'RFC7523-3-2', level: 'MUST', says: '`sub` is the client', standing: ruled, rows: ['ASRT-02'] },
    {
      id: 'RFC7523-3-3',
      level: 'MUST',
      says: '`aud` names this authorization server',
      standing: ruled,
      rows: ['ASRT-03'],
    },
    { id: 'RFC7523-3-4', level: 'MUST', says: '`exp` has not passed', standing: ruled, rows: ['ASRT-04'] },
    { id: 'RFC7523-3-5', level: 'MAY', says: '`nbf` has come', standing: ruled, rows: ['ASRT-06'] },
    { id: 'RFC7523-3-6', level: 'MAY', says: '`iat` is reasonable', standing: ruled, rows: ['ASRT-06'] },
    { id: 'RFC7523-3-7', level: 'MAY', says: '`jti` is used once', standing: ruled, rows: ['ASRT-05'] },
    {
      id: 'RFC7523-3-8',
      level: 'MAY',
      says: 'other claims may be there',
      standing: otherParty('client'),
    },
    {
      id: 'RFC7523-3-9',
      level: 'MUST',
      says: 'the assertion is signed by the client, with an algorithm that is allowed',
      standing: ruled,
      rows: ['ASRT-08', 'ASRT-12'],
    },
  ],
}
