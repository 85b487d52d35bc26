import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

/** Shared secrets, for the profiles that still allow them. */
export const manifest: ClauseManifest = {
  spec: 'rfc6749-client-secret',
  title: 'RFC 6749: The OAuth 2.0 Authorization Framework: client secrets',
  url: 'https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1',
  clauses: [
    {
      id: 'RFC6749-2.3.1-password',
      level: 'MUST',
      says: 'Clients that were issued a password may use HTTP Basic.',
      standing: ruled,
      rows: ['SEC-01'],
    },
    {
      id: 'RFC6749-2.3.1-encoding',
      level: 'MUST',
      says: 'Identifier and secret are form-urlencoded before they are joined for HTTP Basic.',
      standing: ruled,
      rows: ['SEC-02'],
    },
    {
      id: 'RFC6749-2.3.1-body',
      level: 'MUST',
      says: '`client_id` in the body agrees with that of the header.',
      standing: shown('a client_id that is not the one of Basic is 401 and names its rule'),
      rows: ['SEC-04'],
    },
    {
      id: 'RFC6749-2.3.1-guessing',
      level: 'MUST',
      says: 'Endpoints that take passwords are protected against guessing.',
      standing: shown('guessing a secret by Basic is stopped with 429 like any other failure'),
      rows: ['CA-05'],
    },
    {
      id: 'RFC6749-10.10-secret',
      level: 'MUST',
      says: 'Generated secrets cannot be guessed.',
      standing: shown('a rotation makes a secret of 256 random bits and keeps only its MAC'),
      rows: ['SEC-05', 'SEC-06'],
    },
    {
      id: 'RFC7591-3.2.1-secret',
      level: 'MUST',
      says: 'A secret that says when it expires is refused from then on.',
      standing: ruled,
      rows: ['SEC-07', 'SEC-08'],
    },
    {
      id: 'RFC6749-2.3.1-rotation',
      level: 'MUST',
      says: 'A secret is replaced with an overlap in which both work; never are there more than two.',
      standing: shown('after a rotation both secrets work until the overlap ends, then only the new one'),
      rows: ['SEC-07'],
    },
    {
      id: 'RFC6749-2.3.1-revocation',
      level: 'SHOULD',
      says: 'A leaked secret is taken back at once.',
      standing: shown('a revoked secret is gone from the next revision'),
      rows: ['SEC-09'],
    },
    {
      id: 'RFC6749-2.3-strength',
      level: 'SHOULD',
      says: 'Clients authenticate with keys rather than secrets.',
      standing: shown('a client with a secret is refused under every profile but the plain ones'),
      rows: ['CA-07'],
    },
    {
      id: 'RFC6749-2.3.1-keep',
      level: 'MUST',
      says: 'A client keeps its secret to itself.',
      standing: otherParty('client'),
    },
  ],
}
