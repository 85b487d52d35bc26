import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc7662-introspection',
  title: 'RFC 7662: OAuth 2.0 Token Introspection',
  url: 'https://www.rfc-editor.org/rfc/rfc7662',
  clauses: [
    {
      id: 'RFC7662-2.1-1',
      level: 'MUST',
      says: 'The request is a form post with a token.',
      standing: ruled,
      rows: ['INTR-01'],
    },
    {
      id: 'RFC7662-2.1-2',
      level: 'MUST',
      says: 'The caller is authenticated and authorised to introspect.',
      standing: ruled,
      rows: ['INTR-02', 'INTR-09', 'FMS-14'],
    },
    {
      id: 'RFC7662-2.1-3',
      level: 'MUST',
      says: 'A wrong hint does not keep a token from being found.',
      standing: shown('the hint … keeps no token from being described'),
      rows: ['INTR-08'],
    },
    {
      id: 'RFC7662-2.2',
      level: 'MUST',
      says: 'The answer is JSON with `active`; a caller takes nothing else for a token that is not.',
      standing: ruled,
    },
    {
      id: 'RFC7662-2.2-active',
      level: 'MUST',
      says: 'An active token is described with everything its API needs.',
      standing: shown('an active token is described completely, with its binding'),
      rows: ['INTR-04'],
    },
    {
      id: 'RFC7662-2.2-2',
      level: 'MUST',
      says: 'A token that is not active is described by exactly one member.',
      standing: shown(
        'unknown, revoked, of a dead grant, of a disabled user, of a suspended client: exactly {"active":false}',
      ),
      rows: ['INTR-03'],
    },
    {
      id: 'RFC7662-2.2-3',
      level: 'MUST',
      says: 'A caller learns nothing about a token that is not meant for it.',
      standing: ruled,
      rows: ['INTR-03', 'INTR-05'],
    },
    {
      id: 'RFC7662-4-1',
      level: 'MUST',
      says: 'Nobody can scan for tokens: callers are known, and few.',
      standing: ruled,
      rows: ['INTR-06'],
    },
    {
      id: 'RFC7662-4-2',
      level: 'MUST',
      says: 'Expiry, revocation and origin are all checked before a token is called active.',
      standing: ruled,
      rows: ['INTR-03'],
    },
    {
      id: 'RFC7662-4-3',
      level: 'MUST',
      says: 'A cached answer never outlives the token.',
      standing: shown('an answer never outlives the token'),
      rows: ['INTR-07'],
    },
  ],
}
