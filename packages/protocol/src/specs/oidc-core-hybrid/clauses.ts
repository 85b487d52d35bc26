import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'oidc-core-hybrid',
  title: 'OpenID Connect Core 1.0: the hybrid flow, as far as FAPI 1.0 Advanced has it',
  url: 'https://openid.net/specs/openid-connect-core-1_0.html',
  clauses: [
    {
      id: 'OIDC-3.3.2.1',
      level: 'MUST',
      says: '`code id_token` asks for openid.',
      standing: ruled,
    },
    {
      id: 'OIDC-3.3.2.5',
      level: 'MUST',
      says: 'The response is in the fragment unless another mode was asked for, and never in a query.',
      standing: ruled,
    },
    {
      id: 'OIDC-3.3.2.6',
      level: 'MUST',
      says: 'An error comes where the response would.',
      standing: shown('is an error in the same place, without a code and without a token'),
    },
    {
      id: 'OIDC-3.3.2.9',
      level: 'MUST',
      says: 'The client checks the ID token of the response.',
      standing: otherParty('client'),
    },
    {
      id: 'OIDC-3.3.2.10',
      level: 'MUST',
      says: 'The client checks `c_hash`.',
      standing: otherParty('client'),
    },
    {
      id: 'OIDC-3.3.2.11',
      level: 'MUST',
      says: 'The request has a nonce, and the ID token carries it with a `c_hash`.',
      standing: ruled,
    },
    {
      id: 'OIDC-3.3.3.6',
      level: 'MUST',
      says: 'Both ID tokens have one `iss` and `sub`, and tell the same authentication.',
      standing: shown('are bound to the certificate, and both ID tokens tell the same authentication'),
    },
  ],
}
