import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

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
    {
      id: 'RFC7523-3-2',
      level: 'MUST',
      says: '`sub` is the client',
      standing: ruled,
      rows: ['ASRT-02', 'FAZ-21'],
    },
    {
      id: 'RFC7523-3-3',
      level: 'MUST',
      says: '`aud` names this authorization server',
      standing: ruled,
      rows: ['ASRT-03'],
    },
    {
      id: 'RFC7523-3-4',
      level: 'MUST',
      says: '`exp` has not passed',
      standing: ruled,
      rows: ['ASRT-04', 'FAZ-21'],
    },
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
    {
      id: 'RFC7521-4.2.1',
      level: 'MUST',
      says: 'a failed assertion is `invalid_client`, whatever was wrong with it',
      standing: shown(
        'unknown client, wrong key, wrong method and suspended client answer byte for byte the same',
      ),
      rows: ['ASRT-10'],
    },
    {
      id: 'OIDCC-9-client_secret_jwt',
      level: 'MAY',
      says: 'a client may sign with its secret',
      standing: notApplicable(
        'secrets are kept as MACs, which verify no assertion; a MAC is refused as an algorithm that is not allowed',
      ),
      rows: ['ASRT-11'],
    },
    {
      id: 'RFC7523-3-clock',
      level: 'MUST',
      says: 'a client whose clock is wrong corrects it once',
      standing: otherParty('client'),
      rows: ['ASRT-14'],
    },
    {
      id: 'RFC7523bis-rollout',
      level: 'SHOULD',
      says: 'a server can report clients that still name an endpoint, before it refuses them',
      standing: notApplicable('there are no clients from before: every profile takes the issuer alone'),
      rows: ['ASRT-15'],
    },
    {
      id: 'RFC7523bis-audience',
      level: 'MUST',
      says: 'nobody is made to sign for the endpoint of another server: our own API names the issuer alone',
      standing: shown('proves who asks with a fresh assertion for the issuer alone'),
      rows: ['ASRT-16'],
    },
    {
      id: 'RFC7521-4.2',
      level: 'MAY',
      says: '`client_id` may be left out; when it is sent it names the client of the assertion',
      standing: ruled,
      rows: ['ASRT-09'],
    },
  ],
}
