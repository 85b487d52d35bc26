import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'holdfast-key-reports',
  title: 'Reports of verifiers about the keys they hold (our own, docs/decisions/0053)',
  url: '../decisions/0053-verifiers-report-the-keys-they-hold.md',
  clauses: [
    {
      id: 'HFK-1',
      level: 'MUST',
      says: 'a verifier names itself by a random value of its process, 22 characters of base64url',
      standing: ruled,
    },
    {
      id: 'HFK-2',
      level: 'MUST',
      says: 'a report lists the RFC 7638 thumbprints of the keys held: at most 20, each once',
      standing: ruled,
    },
    {
      id: 'HFK-3',
      level: 'MUST',
      says: 'what was verified, or failed to, is among the keys held, and no key is both',
      standing: ruled,
    },
    {
      id: 'HFK-4',
      level: 'MUST',
      says: 'only who may introspect reports, for at most 256 live processes of one client',
      standing: ruled,
    },
    {
      id: 'HFK-5',
      level: 'MUST',
      says: 'an announced key signs when every live verifier has verified with it, or a stated time has passed',
      standing: shown('an announced key waits for a verifier that never refreshes, and says why'),
    },
    {
      id: 'HFK-6',
      level: 'MUST',
      says: 'a key that at least half of the verifying clients cannot verify with is rolled back',
      standing: shown('a key that breaks after its promotion is rolled back by itself'),
    },
    {
      id: 'HFK-7',
      level: 'MUST',
      says: 'tokens that somebody shows to an API never count against a key; signatures handed out by the issuer do',
      standing: shown('a flood of garbage tokens rolls nothing back'),
    },
  ],
}
