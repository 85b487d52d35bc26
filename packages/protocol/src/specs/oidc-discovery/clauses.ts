import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'oidc-discovery',
  title: 'OpenID Connect Discovery 1.0',
  url: 'https://openid.net/specs/openid-connect-discovery-1_0.html',
  clauses: [
    {
      id: 'OIDCD-2',
      level: 'MAY',
      says: 'An issuer may be found from a user identifier by WebFinger.',
      standing: notApplicable('clients are configured with their issuer; WebFinger is not served'),
    },
    {
      id: 'OIDCD-3-required',
      level: 'MUST',
      says: 'Subject types and ID token algorithms are published.',
      standing: ruled,
      rows: ['MD-07'],
    },
    {
      id: 'OIDCD-3-scopes',
      level: 'MUST',
      says: 'The provider supports the scope `openid`.',
      standing: ruled,
      rows: ['MD-09'],
    },
    {
      id: 'RFC6749-3.3-published',
      level: 'MUST',
      says: 'What is published as a scope can be sent as one.',
      standing: ruled,
      rows: ['MD-09'],
    },
    {
      id: 'OIDCD-3-none',
      level: 'MUST',
      says: 'Unsigned ID tokens are not offered to clients of the authorization endpoint.',
      standing: ruled,
      rows: ['MD-09'],
    },
    {
      id: 'OIDCD-3-rs256',
      level: 'MUST',
      says: 'RS256 is among the ID token algorithms.',
      standing: notApplicable(
        'published when the floor allows RS256; a FAPI 2.0 floor bars it (checklist FX-03)',
      ),
      rows: ['MD-07'],
    },
    {
      id: 'OIDCD-4',
      level: 'MUST',
      says: 'The document stands at the issuer followed by the well-known path.',
      standing: shown('an issuer with a path has its documents at both well-known forms'),
      rows: ['MD-02'],
    },
    {
      id: 'OIDCD-4.2',
      level: 'MUST',
      says: 'A successful answer is 200 with `application/json`; members without values are omitted.',
      standing: shown('both discovery documents are 200, JSON, cacheable, open to every origin and agree'),
      rows: ['MD-05'],
    },
    {
      id: 'OIDCD-4.3',
      level: 'MUST',
      says: 'The client compares the issuer it asked for with the one it got, and with `iss` of ID tokens.',
      standing: otherParty('client'),
      rows: ['MD-04'],
    },
    {
      id: 'OIDCD-7.1',
      level: 'MUST',
      says: 'Discovery is served over TLS.',
      standing: shown('plain HTTP on a TLS port gets no protocol answer'),
      rows: ['FN-01'],
    },
  ],
}
