import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc9701-introspection-jwt',
  title: 'RFC 9701: JWT Response for OAuth Token Introspection',
  url: 'https://www.rfc-editor.org/rfc/rfc9701',
  clauses: [
    {
      id: 'RFC9701-3',
      level: 'MUST',
      says: 'The token must be meant for the caller.',
      standing: shown('a signed answer about a token that is not active says exactly that'),
      rows: ['SINT-09', 'SINT-04'],
    },
    {
      id: 'RFC9701-4',
      level: 'MUST',
      says: 'A caller asks by the media type of the JWT.',
      standing: shown('are asked for and believed'),
      rows: ['SINT-01'],
    },
    {
      id: 'RFC9701-5',
      level: 'MUST',
      says: 'The JWT has its own type, `iss`, `aud`, `iat` and the answer in one member; no `sub` and `exp`.',
      standing: ruled,
      rows: ['SINT-02'],
    },
    {
      id: 'RFC9701-5-outer',
      level: 'SHOULD',
      says: 'Nothing outside of that member looks like an access token.',
      standing: shown(
        'a signed answer is a JWT of its own type for the API that asked, without sub and exp of its own',
      ),
      rows: ['SINT-02', 'SINT-03'],
    },
    {
      id: 'RFC9701-5-401',
      level: 'MUST',
      says: 'A caller that does not authenticate is refused.',
      standing: shown('who asks for a signed answer without authenticating is 401 as for a plain one'),
      rows: ['SINT-05'],
    },
    {
      id: 'RFC9701-6',
      level: 'MUST',
      says: 'The caller registers the algorithm of its answers.',
      standing: ruled,
      rows: ['SINT-06'],
    },
    {
      id: 'RFC9701-7',
      level: 'SHOULD',
      says: 'Metadata names the algorithms.',
      standing: shown('algorithms in the metadata are those the floor allows and a key exists for'),
      rows: ['SINT-07'],
    },
    {
      id: 'RFC9701-8.1',
      level: 'MUST',
      says: 'An introspection JWT is never an access token.',
      standing: ruled,
      rows: ['SINT-08'],
    },
    {
      id: 'RFC9701-8.1-2',
      level: 'MUST',
      says: 'An API refuses an introspection JWT as a token.',
      standing: shown('an introspection JWT is never an access token'),
      rows: ['SINT-08'],
    },
  ],
}
