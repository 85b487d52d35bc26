import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'oidc-registration',
  title: 'OpenID Connect Dynamic Client Registration 1.0, and pairwise subjects of OpenID Connect Core 8',
  url: 'https://openid.net/specs/openid-connect-registration-1_0.html',
  clauses: [
    {
      id: 'OIDCR-2',
      level: 'MUST',
      says: 'Web clients redirect to https only, native ones to their own scheme or loopback; keys are registered by one of two ways.',
      standing: ruled,
      rows: ['DCR-06'],
    },
    {
      id: 'OIDCR-2-encryption',
      level: 'MUST',
      says: 'An encryption of content comes with an encryption of keys.',
      standing: shown('what we do not have is refused by name, and what nobody knows is passed over'),
      rows: ['DCR-08'],
    },
    {
      id: 'OIDCR-2-request_uris',
      level: 'MUST',
      says: 'Registered request URIs are https or signed.',
      standing: ruled,
    },
    {
      id: 'OIDCR-5-https',
      level: 'MUST',
      says: 'A sector identifier is an https URL.',
      standing: ruled,
      rows: ['PW-03'],
    },
    {
      id: 'OIDCR-5-contains',
      level: 'MUST',
      says: 'The sector document is fetched and holds every redirect URI.',
      standing: ruled,
      rows: ['PW-03'],
    },
    {
      id: 'OIDCR-5-publisher',
      level: 'MUST',
      says: 'The sector document lists only who belongs together.',
      standing: otherParty('client'),
    },
    {
      id: 'OIDCC-8-types',
      level: 'MUST',
      says: 'The supported subject types stand in the metadata.',
      standing: shown('the metadata names the registration endpoint when it is open, and both subject types'),
    },
    {
      id: 'OIDCC-8.1-sector',
      level: 'MUST',
      says: 'Clients of one sector share subjects; the sector is the host of the document or the one redirect host.',
      standing: ruled,
      rows: ['PW-02'],
    },
    {
      id: 'OIDCC-8.1-opaque',
      level: 'MUST',
      says: 'A pairwise subject is never turned back, and is the same every time.',
      standing: shown('a pairwise subject is the same for a sector every time, and another for every other'),
      rows: ['PW-01', 'PW-04'],
    },
    {
      id: 'OIDCC-8.1-stable',
      level: 'MUST',
      says: 'An update does not change subjects that a client knows already.',
      standing: ruled,
    },
    {
      id: 'OIDCC-8.1-everywhere',
      level: 'MUST',
      says: 'ID token, userinfo, access token and introspection tell the same subject.',
      standing: shown(
        'ID token, userinfo, introspection and JWT tokens tell one pairwise subject, also after a refresh',
      ),
    },
  ],
}
