import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

/** What binds us where we are the client: a user signs in at another OpenID Provider. */
export const manifest: ClauseManifest = {
  spec: 'oidc-core-relying-party',
  title: 'OpenID Connect Core 1.0: as a client of another provider',
  url: 'https://openid.net/specs/openid-connect-core-1_0.html',
  clauses: [
    {
      id: 'OIDC-3.1.2.5',
      level: 'MUST',
      says: 'The answer has the state that was sent, from the browser it was sent with.',
      standing: ruled,
    },
    {
      id: 'OIDC-3.1.2.7',
      level: 'MUST',
      says: 'The client checks the answer before it goes on.',
      standing: ruled,
    },
    {
      id: 'OIDC-3.1.3.5',
      level: 'MUST',
      says: 'The client checks the token response.',
      standing: ruled,
    },
    {
      id: 'OIDC-3.1.3.7-1',
      level: 'MUST',
      says: 'An encrypted ID token is decrypted with the registered keys.',
      standing: notApplicable('no encryption is registered: an encrypted ID token is no ID token here'),
    },
    { id: 'OIDC-3.1.3.7-2', level: 'MUST', says: '`iss` is exactly the provider.', standing: ruled },
    {
      id: 'OIDC-3.1.3.7-3',
      level: 'MUST',
      says: '`aud` contains the client, and no audience that is not trusted.',
      standing: ruled,
    },
    { id: 'OIDC-3.1.3.7-4', level: 'SHOULD', says: '`azp` is checked where it is used.', standing: ruled },
    { id: 'OIDC-3.1.3.7-5', level: 'SHOULD', says: '`azp`, when present, is the client.', standing: ruled },
    {
      id: 'OIDC-3.1.3.7-6',
      level: 'MUST',
      says: 'The signature is checked with the keys of the provider.',
      standing: ruled,
    },
    { id: 'OIDC-3.1.3.7-7', level: 'SHOULD', says: '`alg` is one that was agreed on.', standing: ruled },
    {
      id: 'OIDC-3.1.3.7-8',
      level: 'MUST',
      says: 'The key of a MAC is the client secret.',
      standing: notApplicable('there is no client secret, and no MAC is ever taken for a signature'),
    },
    { id: 'OIDC-3.1.3.7-9', level: 'MUST', says: 'Now is before `exp`.', standing: ruled },
    { id: 'OIDC-3.1.3.7-10', level: 'MAY', says: '`iat` is not too far away.', standing: ruled },
    { id: 'OIDC-3.1.3.7-11', level: 'MUST', says: '`nonce` is the one that was sent.', standing: ruled },
    {
      id: 'OIDC-3.1.3.7-12',
      level: 'SHOULD',
      says: 'An `acr` means what the client knows it to mean.',
      standing: shown('an acr of the provider counts as what the document says, and as nothing else'),
    },
    {
      id: 'OIDC-3.1.3.7-13',
      level: 'SHOULD',
      says: '`auth_time` is checked when `max_age` was sent.',
      standing: ruled,
    },
    {
      id: 'OIDC-5.7',
      level: 'MUST',
      says: 'Only `iss` and `sub` together identify a user: never an e-mail address, never a name.',
      standing: shown('an e-mail address or a user name in the ID token links to nobody'),
    },
  ],
}
