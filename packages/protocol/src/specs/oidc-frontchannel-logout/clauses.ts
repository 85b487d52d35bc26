import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'oidc-frontchannel-logout',
  title: 'OpenID Connect Front-Channel Logout 1.0',
  url: 'https://openid.net/specs/openid-connect-frontchannel-1_0.html',
  clauses: [
    {
      id: 'OIDC-FCL-2-1',
      level: 'MUST',
      says: 'A client registers a URI with the scheme, host and port of one of its redirect URIs, without fragment.',
      standing: ruled,
      rows: ['FCL-01'],
    },
    {
      id: 'OIDC-FCL-2-2',
      level: 'MUST',
      says: 'Issuer and session go along together or not at all; who requires the session gets both.',
      standing: shown(
        'the page after a logout loads the address of every client that took part, with iss and sid',
      ),
      rows: ['FCL-01'],
    },
    {
      id: 'OIDC-FCL-2-3',
      level: 'MUST',
      says: 'The registered query stays.',
      standing: shown(
        'the page after a logout loads the address of every client that took part, with iss and sid',
      ),
      rows: ['FCL-01'],
    },
    {
      id: 'OIDC-FCL-2-4',
      level: 'SHOULD',
      says: 'The client answers uncached and compares issuer and session with its own.',
      standing: otherParty('client'),
      rows: ['FCL-02'],
    },
    {
      id: 'OIDC-FCL-3-1',
      level: 'MUST',
      says: 'The metadata say that front-channel logout is supported and names the session.',
      standing: shown('a FAPI 2.0 issuer says exactly what is built, and nothing else'),
      rows: ['FCL-03'],
    },
    {
      id: 'OIDC-FCL-4.1',
      level: 'SHOULD',
      says: 'Browsers block third-party state: these frames are never the only way, and nothing else may be framed.',
      standing: shown('the page after a logout may frame those origins and nothing else'),
      rows: ['FCL-04'],
    },
  ],
}
