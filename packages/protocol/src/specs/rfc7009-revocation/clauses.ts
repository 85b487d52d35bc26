import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc7009-revocation',
  title: 'RFC 7009: OAuth 2.0 Token Revocation',
  url: 'https://www.rfc-editor.org/rfc/rfc7009',
  clauses: [
    {
      id: 'RFC7009-2.1-1',
      level: 'MUST',
      says: 'The request names a token; the client is authenticated first.',
      standing: ruled,
      rows: ['REV-01'],
    },
    {
      id: 'RFC7009-2.1-2',
      level: 'MUST',
      says: 'A token that was issued to another client is not revoked.',
      standing: ruled,
      rows: ['REV-03'],
    },
    {
      id: 'RFC7009-2.1-3',
      level: 'SHOULD',
      says: 'Revoking a refresh token ends the access tokens of its grant.',
      standing: ruled,
      rows: ['REV-04'],
    },
    {
      id: 'RFC7009-2.1-4',
      level: 'MUST',
      says: 'A wrong hint does not keep a token from being found.',
      standing: shown('the hint … keeps no token from being revoked'),
      rows: ['REV-01'],
    },
    {
      id: 'RFC7009-2.2-1',
      level: 'MUST',
      says: 'Revoked and unknown tokens are answered 200 alike.',
      standing: shown('an unknown token, and the same token twice, are 200 and empty'),
      rows: ['REV-02'],
    },
    {
      id: 'RFC7009-2.2-2',
      level: 'MUST',
      says: 'A revoked token is not good any more, at once.',
      standing: ruled,
      rows: ['REV-02'],
    },
    {
      id: 'RFC7009-2.2-2-feed',
      level: 'MUST',
      says: 'Gateways and APIs hear of it at once, and refuse within a stated bound when they cannot hear.',
      standing: shown('with the feed cut, a revoked token is refused within the stated bound'),
      rows: ['REV-06'],
    },
    {
      id: 'RFC7009-2.2-2-remembered',
      level: 'MUST',
      says: 'What an API remembers of a token ends with it.',
      standing: shown('a revoked token is refused although the API remembers that it was active'),
      rows: ['REV-06'],
    },
    {
      id: 'RFC7009-2.2.1',
      level: 'MAY',
      says: 'A server that cannot revoke a kind of token says so.',
      standing: notApplicable('access and refresh tokens can both be revoked; there is no third kind'),
      rows: ['REV-05'],
    },
    {
      id: 'RFC7009-2.3',
      level: 'MAY',
      says: 'Scripts of registered origins may revoke.',
      standing: shown('a registered origin may send DPoP and read the nonce'),
      rows: ['REV-07'],
    },
  ],
}
