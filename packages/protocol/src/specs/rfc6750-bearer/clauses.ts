import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc6750-bearer',
  title: 'OAuth 2.0 Bearer Token Usage',
  url: 'https://www.rfc-editor.org/rfc/rfc6750',
  clauses: [
    {
      id: 'RFC6750-2',
      level: 'MUST',
      says: 'a token is sent in one way per request',
      standing: ruled,
      rows: ['AT-17', 'DPOP-64'],
    },
    {
      id: 'RFC6750-2.1',
      level: 'MUST',
      says: 'the Authorization header is supported, with the token as token68',
      standing: ruled,
      rows: ['FRS-01'],
    },
    {
      id: 'RFC6750-2.2',
      level: 'MAY',
      says: 'a form body may carry the token: we never read it',
      standing: ruled,
    },
    {
      id: 'RFC6750-2.3',
      level: 'MAY',
      says: 'the query may carry the token: we never read it',
      standing: ruled,
      rows: ['FRS-02'],
    },
    {
      id: 'RFC6750-3',
      level: 'MUST',
      says: 'a request without usable credentials is answered with WWW-Authenticate',
      standing: ruled,
      rows: ['AT-16', 'AT-17'],
    },
    {
      id: 'RFC6750-3-2',
      level: 'MUST',
      says: 'the scheme of the challenge is followed by at least one parameter, each at most once',
      standing: shown('every challenge has a parameter and none twice'),
      rows: ['AT-17'],
    },
    {
      id: 'RFC6750-3-3',
      level: 'MUST',
      says: 'scope, error and error_description keep to their character sets',
      standing: shown('every challenge has a parameter and none twice'),
    },
    {
      id: 'RFC6750-3.1',
      level: 'MUST',
      says: 'invalid_request is 400, invalid_token 401, insufficient_scope 403; no error without credentials',
      standing: ruled,
      rows: ['AT-16', 'FRS-04'],
    },
    {
      id: 'RFC6750-4',
      level: 'MUST',
      says: 'the token response is not cached',
      standing: notApplicable('token responses are ruled by the token endpoint'),
    },
    {
      id: 'RFC6750-5.2',
      level: 'MUST',
      says: 'tokens are protected against change, and bound to an audience',
      standing: shown('a token for another API is refused'),
    },
    {
      id: 'RFC6750-5.3',
      level: 'MUST',
      says: 'TLS is used for every request with a token',
      standing: ruled,
    },
    {
      id: 'RFC6750-5.3-2',
      level: 'MUST',
      says: 'clients verify the certificate chain and never put tokens in cookies in the clear',
      standing: otherParty('client'),
    },
  ],
}
