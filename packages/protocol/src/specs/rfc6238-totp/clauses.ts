import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc6238-totp',
  title: 'RFC 6238: Time-Based One-Time Password Algorithm, with the parts of RFC 4226 it stands on',
  url: 'https://www.rfc-editor.org/rfc/rfc6238',
  clauses: [
    {
      id: 'RFC4226-4-R6',
      level: 'MUST',
      says: 'The shared secret has at least 128 bits; 160 are recommended.',
      standing: shown('a secret has 160 bits, is shown before it is active, and is sealed in the store'),
    },
    { id: 'RFC4226-5.3', level: 'MUST', says: 'A code has at least six digits.', standing: ruled },
    {
      id: 'RFC4226-7.1',
      level: 'MUST',
      says: 'The code is a second factor: beside something the user knows.',
      standing: shown('a code alone signs nobody in'),
    },
    {
      id: 'RFC4226-7.3',
      level: 'SHOULD',
      says: 'Guessing is slowed: attempts are counted and delayed, over parallel sessions too.',
      standing: shown('wrong codes are counted for the user, over logins, and then wait'),
    },
    { id: 'RFC4226-7.4', level: 'SHOULD', says: 'The window of accepted values is small.', standing: ruled },
    {
      id: 'RFC4226-7.4-2',
      level: 'MAY',
      says: 'A server resynchronises counters that drifted.',
      standing: notApplicable(
        'time is the counter: a clock that is off by more than a step must be set right',
      ),
    },
    {
      id: 'RFC6238-3-R3',
      level: 'MUST',
      says: 'Codes are HOTP values of the time step.',
      standing: shown(
        'makes the codes of RFC 4226 appendix D and the last six digits of RFC 6238 appendix B',
      ),
    },
    {
      id: 'RFC6238-3-R4',
      level: 'MUST',
      says: 'Both sides use the same time step; 30 seconds by default.',
      standing: shown('finds the step of a code from one before to one after, and no further'),
    },
    {
      id: 'RFC6238-3-R6',
      level: 'SHOULD',
      says: 'Each user has a secret of their own, made at random or derived from a master key.',
      standing: shown('a secret has 160 bits, is shown before it is active, and is sealed in the store'),
    },
    {
      id: 'RFC6238-5.1',
      level: 'SHOULD',
      says: 'Secrets are kept encrypted and opened only to check a code.',
      standing: shown('a secret has 160 bits, is shown before it is active, and is sealed in the store'),
    },
    {
      id: 'RFC6238-5.1-2',
      level: 'SHOULD',
      says: 'The device that makes the codes protects its secret.',
      standing: otherParty('user agent'),
    },
    {
      id: 'RFC6238-5.2',
      level: 'SHOULD',
      says: 'At most one step of delay is allowed for the network.',
      standing: ruled,
    },
    {
      id: 'RFC6238-5.2-once',
      level: 'MUST',
      says: 'The second attempt of a code that was accepted is refused.',
      standing: ruled,
    },
  ],
}
