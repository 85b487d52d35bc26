import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'jarm',
  title: 'JWT Secured Authorization Response Mode for OAuth 2.0 (JARM)',
  url: 'https://openid.net/specs/oauth-v2-jarm-final.html',
  clauses: [
    {
      id: 'JARM-2.1',
      level: 'MUST',
      says: 'The JWT holds `iss`, `aud`, `exp` and every parameter of the response, an error included.',
      standing: shown(
        'a signed response holds every parameter, iss, aud and exp, and nothing stands beside it',
      ),
      rows: ['JARM-01'],
    },
    {
      id: 'JARM-2.1-error',
      level: 'MUST',
      says: 'An error holds the same.',
      standing: shown('a signed error has the same form'),
      rows: ['JARM-01'],
    },
    {
      id: 'JARM-2.3',
      level: 'MUST',
      says: 'A response mode the server does not do is refused.',
      standing: ruled,
    },
    {
      id: 'JARM-2.3.1',
      level: 'MUST',
      says: '`query.jwt` is one query parameter, beside a registered query.',
      standing: shown(
        'a signed response holds every parameter, iss, aud and exp, and nothing stands beside it',
      ),
      rows: ['JARM-02'],
    },
    {
      id: 'JARM-2.3.1-2',
      level: 'MUST',
      says: 'No token is answered in a query.',
      standing: ruled,
      rows: ['JARM-03'],
    },
    {
      id: 'JARM-2.3.2',
      level: 'MUST',
      says: '`fragment.jwt` is one parameter of the fragment.',
      standing: shown('a fragment carries what a query would, and a fragment.jwt one parameter'),
      rows: ['JARM-04'],
    },
    {
      id: 'JARM-2.3.3',
      level: 'MUST',
      says: '`form_post.jwt` is one field of a form.',
      standing: shown('a signed form has the one field response, also for an error'),
      rows: ['JARM-05'],
    },
    {
      id: 'JARM-2.3.4',
      level: 'MUST',
      says: '`jwt` means `query.jwt` for `code`, and `fragment.jwt` where a token is in the response.',
      standing: shown('jwt and an absent mode mean the query for a code, and the fragment for an ID token'),
      rows: ['JARM-06'],
    },
    {
      id: 'JARM-2.4',
      level: 'MUST',
      says: 'The client verifies before it uses anything.',
      standing: otherParty('client'),
      rows: ['JARM-07'],
    },
    {
      id: 'JARM-3',
      level: 'MUST',
      says: 'The client registers the algorithm of its responses, never `none`.',
      standing: ruled,
      rows: ['JARM-08'],
    },
    {
      id: 'JARM-4',
      level: 'SHOULD',
      says: 'Metadata names the algorithms and the modes.',
      standing: shown('what must not be left to a default is written out'),
      rows: ['JARM-09'],
    },
    {
      id: 'JARM-4-algs',
      level: 'SHOULD',
      says: 'Metadata names the algorithms of signatures and of encryption.',
      standing: shown('a FAPI 2.0 issuer says exactly what is built, and nothing else'),
      rows: ['JARM-09'],
    },
    {
      id: 'JARM-2.2',
      level: 'MAY',
      says: 'The JWT is signed, then encrypted.',
      standing: shown('every kind of answer is encrypted for the client that registered so, on every path'),
      rows: ['JARM-10'],
    },
  ],
}
