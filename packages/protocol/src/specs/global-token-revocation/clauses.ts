import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'global-token-revocation',
  title: 'Global Token Revocation (individual draft)',
  url: 'https://datatracker.ietf.org/doc/draft-parecki-oauth-global-token-revocation/',
  clauses: [
    {
      id: 'GLOBAL-REVOCATION-3.1-sub_id',
      level: 'MUST',
      says: 'A request is a POST of JSON with `sub_id`.',
      standing: ruled,
      rows: ['GTR-01'],
    },
    {
      id: 'GLOBAL-REVOCATION-3.1-auth',
      level: 'MUST',
      says: 'The caller is authenticated and allowed to do this.',
      standing: ruled,
      rows: ['GTR-01'],
    },
    {
      id: 'GLOBAL-REVOCATION-3.2',
      level: 'MUST',
      says: 'Every refresh token of the user ends, access tokens should, and the user signs in again before there are new ones.',
      standing: shown('ends every token, grant and session of the user, and none of another'),
      rows: ['GTR-02'],
    },
    {
      id: 'GLOBAL-REVOCATION-3.3-204',
      level: 'MUST',
      says: '204 says that the revocation has begun.',
      standing: shown('ends every token, grant and session of the user, and none of another'),
      rows: ['GTR-03'],
    },
    {
      id: 'GLOBAL-REVOCATION-3.3-400',
      level: 'MUST',
      says: 'A malformed request, or a format that is not supported, is 400.',
      standing: ruled,
      rows: ['GTR-03'],
    },
    {
      id: 'GLOBAL-REVOCATION-3.3-401',
      level: 'MUST',
      says: 'Without authentication 401, without permission 403.',
      standing: shown('wants a token of its own, for itself, with the scope'),
      rows: ['GTR-03'],
    },
    {
      id: 'GLOBAL-REVOCATION-3.3-404',
      level: 'MUST',
      says: 'A user who is not known is 404.',
      standing: ruled,
      rows: ['GTR-03'],
    },
    {
      id: 'GLOBAL-REVOCATION-3.3-422',
      level: 'MUST',
      says: 'A user who is known and cannot be revoked is 422.',
      standing: notApplicable('there is no such user: whoever is known can be revoked, as often as one asks'),
      rows: ['GTR-03'],
    },
    {
      id: 'GLOBAL-REVOCATION-5',
      level: 'MAY',
      says: 'Metadata names the endpoint and how callers authenticate.',
      standing: shown('the metadata names it only where a client may use it'),
      rows: ['GTR-04'],
    },
  ],
}
