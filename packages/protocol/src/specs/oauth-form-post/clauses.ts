import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'oauth-form-post',
  title: 'OAuth 2.0 Form Post Response Mode',
  url: 'https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html',
  clauses: [
    {
      id: 'FORM-POST-2',
      level: 'MUST',
      says: 'The answer is a form that posts itself to the redirect URI, every value escaped, never cached.',
      standing: shown(
        'a form posts itself to the redirect URI, with escaped fields, uncacheable, under a strict policy',
      ),
      rows: ['FP-01', 'FP-02', 'FP-04'],
    },
    {
      id: 'FORM-POST-2-browser',
      level: 'MUST',
      says: 'A browser posts it with JavaScript by itself and without by a button.',
      standing: shown('an answer by form arrives at the client, by itself and by its button'),
      rows: ['FP-01', 'FP-04'],
    },
    {
      id: 'FORM-POST-2-target',
      level: 'MUST',
      says: 'The form goes to an address that can take a post.',
      standing: ruled,
      rows: ['FP-01'],
    },
    {
      id: 'FORM-POST-2-client',
      level: 'MUST',
      says: 'The callback takes a post from another site.',
      standing: otherParty('client'),
      rows: ['FP-03'],
    },
    {
      id: 'FORM-POST-2-error',
      level: 'MUST',
      says: 'An error takes the same way.',
      standing: shown('a signed form has the one field response, also for an error'),
      rows: ['FP-05'],
    },
  ],
}
