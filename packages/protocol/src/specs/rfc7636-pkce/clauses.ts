import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc7636-pkce',
  title: 'RFC 7636: Proof Key for Code Exchange',
  url: 'https://www.rfc-editor.org/rfc/rfc7636',
  clauses: [
    {
      id: 'RFC7636-4.1',
      level: 'MUST',
      says: 'A verifier has 43 to 128 unreserved characters; the client makes a new one for each request.',
      standing: ruled,
      rows: ['PKCE-01'],
    },
    {
      id: 'RFC7636-4.2',
      level: 'MUST',
      says: 'An S256 challenge is the base64url form of the SHA-256 digest of the verifier.',
      standing: ruled,
      rows: ['PKCE-02', 'PKCE-05'],
    },
    {
      id: 'RFC7636-4.2-2',
      level: 'MUST',
      says: 'A client that can do S256 uses it.',
      standing: otherParty('client'),
      rows: ['PKCE-02'],
    },
    {
      id: 'RFC7636-4.3-2',
      level: 'MUST',
      says: 'An absent challenge method means plain.',
      standing: ruled,
      rows: ['PKCE-04'],
    },
    {
      id: 'RFC7636-4.4',
      level: 'MUST',
      says: 'Code, challenge and method belong together, and no client can read the challenge from the code.',
      standing: shown(
        'Allow issues one code that carries challenge, redirect, nonce and key, and redirects with 303',
      ),
    },
    {
      id: 'RFC7636-4.4.1',
      level: 'MUST',
      says: 'A required but missing challenge, or a method the server does not do, is `invalid_request`.',
      standing: ruled,
      rows: ['PKCE-03', 'PKCE-04'],
    },
    {
      id: 'RFC7636-4.6',
      level: 'MUST',
      says: 'The verifier is checked before a token is issued; a mismatch is `invalid_grant`.',
      standing: ruled,
      rows: ['PKCE-06'],
    },
  ],
}
