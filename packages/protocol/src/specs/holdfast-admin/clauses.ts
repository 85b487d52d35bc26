import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'holdfast-admin',
  title: 'The admin API (our own, docs/decisions/0073)',
  url: '../decisions/0073-administrators-have-tokens-of-their-own.md',
  clauses: [
    {
      id: 'HFA-1',
      level: 'MUST',
      says: 'a token at the admin API is for it alone, bound, and issued under a profile that lets no token be unbound',
      standing: ruled,
    },
    {
      id: 'HFA-2',
      level: 'MUST',
      says: 'who acts is the user of the token, or the client that speaks for itself, named by an Administrator document',
      standing: ruled,
    },
    {
      id: 'HFA-3',
      level: 'MUST',
      says: 'an operation needs its scope in the token and in the Administrator document',
      standing: ruled,
    },
    {
      id: 'HFA-4',
      level: 'MUST',
      says: 'a write of a document names the entity tag it was decided on',
      standing: ruled,
    },
    {
      id: 'HFA-5',
      level: 'MUST',
      says: 'a high-risk change is confirmed by a second person who did not propose it',
      standing: ruled,
    },
    {
      id: 'HFA-6',
      level: 'MUST',
      says: 'a confirmation is for exactly what was proposed, on what it was proposed on, once, and not for ever',
      standing: ruled,
    },
    {
      id: 'HFA-7',
      level: 'MUST',
      says: 'no administrator gets a scope or role by any sequence of calls of their own',
      standing: shown('whatever one administrator does alone, nobody has more than before'),
    },
    {
      id: 'HFA-8',
      level: 'MUST',
      says: 'an administrator whose rights are for some issuers reads and changes nothing of another, nor the limit itself',
      standing: shown(
        'whatever administrators of one issuer do together, another issuer neither changes nor shows',
      ),
    },
  ],
}
