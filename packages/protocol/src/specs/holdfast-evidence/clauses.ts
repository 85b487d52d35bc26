import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'holdfast-evidence',
  title: 'Evidence of a Holdfast gateway (our own, docs/decisions/0041)',
  url: '../decisions/0041-evidence-is-bound-to-one-request.md',
  clauses: [
    {
      id: 'HFE-1',
      level: 'MUST',
      says: 'the hop is TLS with the certificate of the gateway; a name of a header proves nothing',
      standing: ruled,
      rows: ['CERT-07'],
    },
    {
      id: 'HFE-2',
      level: 'MUST',
      says: 'a request is presented in one way only: by evidence, or by credentials of the client',
      standing: ruled,
    },
    {
      id: 'HFE-3',
      level: 'MUST',
      says: 'evidence has a type, an issuer and an audience of its own, so that it is never another token',
      standing: ruled,
    },
    {
      id: 'HFE-4',
      level: 'MUST',
      says: 'evidence lives 30 s at most, has an identifier, and names the proven binding',
      standing: ruled,
    },
    {
      id: 'HFE-5',
      level: 'MUST',
      says: 'evidence is bound to the method, the path, the query and the phantom token of one request',
      standing: ruled,
    },
    {
      id: 'HFE-6',
      level: 'MUST',
      says: 'the signature is of a key the API was given; no header brings one',
      standing: ruled,
    },
    {
      id: 'HFE-7',
      level: 'MUST',
      says: 'evidence is used once',
      standing: ruled,
    },
    {
      id: 'HFE-8',
      level: 'MUST',
      says: 'the binding of the token is judged by the API against what the gateway proved',
      standing: shown('for another key than that of the token lets nobody in'),
      rows: ['OPQ-03'],
    },
  ],
}
