import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

const both = (
  step: readonly [registration: string, assertion: string],
  says: string,
): ClauseManifest['clauses'] =>
  step.map(id => ({ id: `WEBAUTHN-${id}`, level: 'MUST' as const, says, standing: ruled }))

/** The relying party's part: sections 7.1 (registration) and 7.2 (assertion), by step. */
export const manifest: ClauseManifest = {
  spec: 'webauthn',
  title: 'Web Authentication: Level 3, the relying party',
  url: 'https://www.w3.org/TR/webauthn-3/',
  clauses: [
    {
      id: 'WEBAUTHN-7.2-5',
      level: 'MUST',
      says: 'The answer of the browser has the members and the encodings the steps need.',
      standing: ruled,
    },
    {
      id: 'WEBAUTHN-7.2-6',
      level: 'MUST',
      says: 'The credential belongs to the user who is known already, or to the one its user handle names.',
      standing: ruled,
    },
    ...both(['7.1-7', '7.2-11'], 'The type of the client data is that of the ceremony.'),
    ...both(['7.1-8', '7.2-12'], 'The challenge is the one of the options.'),
    ...both(['7.1-9', '7.2-13'], 'The origin is one we expect.'),
    ...both(['7.1-10', '7.2-14'], 'A ceremony in a frame of another origin is not ours.'),
    ...both(['7.1-14', '7.2-16'], 'The hash is that of our RP ID.'),
    ...both(['7.1-15', '7.2-17'], 'The user was present.'),
    ...both(['7.1-16', '7.2-18'], 'User verification, when required, took place.'),
    {
      id: 'WEBAUTHN-7.1-20',
      level: 'MUST',
      says: 'The algorithm of the new key is one of those that were asked for.',
      standing: shown('a passkey of an algorithm nobody asked for is not registered'),
    },
    {
      id: 'WEBAUTHN-7.1-22',
      level: 'MUST',
      says: 'An attestation, when policy wants one, is verified.',
      standing: notApplicable('none is asked for: which maker built an authenticator decides nothing here'),
    },
    {
      id: 'WEBAUTHN-7.1-26',
      level: 'SHOULD',
      says: 'A credential id that is registered already is refused.',
      standing: shown('a passkey is registered once, for one user'),
    },
    {
      id: 'WEBAUTHN-7.2-21',
      level: 'MUST',
      says: 'The registered key made the signature over authenticator data and client data.',
      standing: ruled,
    },
    {
      id: 'WEBAUTHN-7.2-22',
      level: 'MUST',
      says: 'A signature counter that did not rise is a sign of a copied key; ours refuses it.',
      standing: ruled,
    },
    {
      id: 'WEBAUTHN-13.4.3',
      level: 'MUST',
      says: 'Challenges are unguessable, made by the server, and used once.',
      standing: shown('a passkey answer works once, in the interaction and the browser it was made for'),
    },
    {
      id: 'WEBAUTHN-14.6.1',
      level: 'MUST',
      says: 'The user handle holds nothing that identifies a person.',
      standing: shown('a user handle tells neither name nor subject'),
    },
    {
      id: 'WEBAUTHN-13.4.5',
      level: 'SHOULD',
      says: 'Users have more than one credential.',
      standing: otherParty('user agent'),
    },
  ],
}
