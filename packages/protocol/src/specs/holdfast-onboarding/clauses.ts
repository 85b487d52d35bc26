import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'holdfast-onboarding',
  title: 'Onboarding of clients (our own, docs/decisions/0071)',
  url: '../decisions/0071-a-client-is-what-was-approved-of-it.md',
  clauses: [
    {
      id: 'HFO-1',
      level: 'MUST',
      says: 'a step is taken only in a state in which it may be taken',
      standing: ruled,
    },
    {
      id: 'HFO-2',
      level: 'MUST',
      says: 'what is submitted, approved and activated is what the client is registered for at that moment',
      standing: ruled,
    },
    {
      id: 'HFO-3',
      level: 'MUST',
      says: 'the risk tier of a record is at least that of everything the client may ask for',
      standing: ruled,
    },
    {
      id: 'HFO-4',
      level: 'MUST',
      says: 'nobody approves, certifies or reviews what they drafted or submitted',
      standing: ruled,
    },
    {
      id: 'HFO-5',
      level: 'MUST',
      says: 'two approvals are of two persons, and a key is approved by another person than who proposed it',
      standing: ruled,
    },
    {
      id: 'HFO-6',
      level: 'MUST',
      says: 'a client becomes active only after automatic checks that passed lately',
      standing: ruled,
    },
    {
      id: 'HFO-7',
      level: 'MUST',
      says: 'from tier 3 on, and where the record says so, a client is certified before it is active',
      standing: ruled,
    },
    {
      id: 'HFO-8',
      level: 'MUST',
      says: 'automatic checks look at keys, certificates, redirect URIs, contacts, evidence and the fit to the tier',
      standing: ruled,
    },
    {
      id: 'HFO-9',
      level: 'MUST',
      says: 'a client whose onboarding is not active, or that is registered otherwise than approved, is refused',
      standing: ruled,
    },
    {
      id: 'HFO-10',
      level: 'MUST',
      says: 'redirect URIs, keys, grant types, scopes and audiences that were not approved are not there for the client',
      standing: shown('what was registered beyond what was approved is not there'),
    },
    {
      id: 'HFO-11',
      level: 'MUST',
      says: 'an approval counts for exactly the content that was approved',
      standing: shown('an approval counts for the content it was given for, and for no other'),
    },
  ],
}
