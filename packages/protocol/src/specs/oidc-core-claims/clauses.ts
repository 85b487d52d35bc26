import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

const individually = 'a claim asked for by name is released where it was asked for, when the user allowed it'
const standard = 'every standard claim of a user is released by its scope, with its type'

/** Claims about the user, and asking for single ones. */
export const manifest: ClauseManifest = {
  spec: 'oidc-core-claims',
  title: 'OpenID Connect Core 1.0: claims',
  url: 'https://openid.net/specs/openid-connect-core-1_0.html#Claims',
  clauses: [
    {
      id: 'OIDCC-3.1.2.2-sub',
      level: 'MUST',
      says: 'A request for a certain sub gets no token of another user, even of one with a live session.',
      standing: ruled,
      rows: ['OIDC-11'],
    },
    {
      id: 'OIDCC-5.1',
      level: 'MUST',
      says: 'Standard claims have their registered names and types.',
      standing: shown(standard),
    },
    {
      id: 'OIDCC-5.4',
      level: 'MUST',
      says: 'profile, email, address and phone release their claims at userinfo.',
      standing: shown(standard),
    },
    {
      id: 'OIDCC-5.5',
      level: 'MUST',
      says: 'The claims parameter is a JSON object; members that are not understood are ignored.',
      standing: ruled,
      rows: ['OIDC-10'],
    },
    {
      id: 'OIDCC-5.5-metadata',
      level: 'MUST',
      says: 'Metadata says whether the parameter is understood.',
      standing: shown('what must not be left to a default is written out'),
      rows: ['OIDC-10'],
    },
    {
      id: 'OIDCC-5.5-placement',
      level: 'MUST',
      says: 'What is asked for of userinfo is answered at userinfo, of the ID token in the ID token.',
      standing: shown(individually),
      rows: ['OIDC-10'],
    },
    {
      id: 'OIDCC-5.5-userinfo',
      level: 'MUST',
      says: 'Claims of userinfo are asked for together with an access token.',
      standing: otherParty('client'),
    },
    {
      id: 'OIDCC-5.5.1',
      level: 'MUST',
      says: 'A claim is asked for by null or by an object with essential, value or values.',
      standing: ruled,
      rows: ['OIDC-10'],
    },
    {
      id: 'OIDCC-5.5.1-no-error',
      level: 'MUST',
      says: 'A claim that is not there, or not allowed, is no error, essential or not.',
      standing: shown(
        'claims that are unknown, absent, of another value or not for this client are no error',
      ),
      rows: ['OIDC-10'],
    },
    {
      id: 'OIDCC-5.5.1-sub',
      level: 'MUST',
      says: 'A sub with a value names one user.',
      standing: ruled,
      rows: ['OIDC-11'],
    },
    {
      id: 'OIDCC-5.5.1.1',
      level: 'MUST',
      says: 'An essential acr that is not met is a failed authentication.',
      standing: ruled,
      rows: ['OIDC-09'],
    },
    {
      id: 'OIDCC-5.5.2',
      level: 'MAY',
      says: 'Claims in several languages have language tags.',
      standing: notApplicable('a user document has each claim once; a tagged name is an unknown claim'),
    },
    {
      id: 'OIDCC-5.6.2',
      level: 'MAY',
      says: 'Aggregated and distributed claims.',
      standing: notApplicable('metadata says that claim types are `normal` only'),
    },
    {
      id: 'OIDCC-5.7',
      level: 'MUST',
      says: 'Only sub together with iss identifies a user.',
      standing: otherParty('client'),
    },
  ],
}
