import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'holdfast-check',
  title: 'What a Holdfast check owes beside another gateway (our own, docs/decisions/0051)',
  url: '../decisions/0051-a-check-is-asked-by-proxies-that-prove-themselves.md',
  clauses: [
    {
      id: 'HFC-1',
      level: 'MUST',
      says: 'a proxy is believed when its certificate is listed or it shows the key it shares, and else gets no decision',
      standing: ruled,
    },
    {
      id: 'HFC-2',
      level: 'MUST',
      says: 'method, scheme, host and target of the request are each said once, and no second spelling of them is there',
      standing: ruled,
    },
    {
      id: 'HFC-3',
      level: 'MUST',
      says: 'a request is judged against the external URL of the configuration; what came another way is refused',
      standing: ruled,
    },
    {
      id: 'HFC-4',
      level: 'MUST',
      says: 'a request that writes what only Holdfast says is refused, so that no configuration can let it through',
      standing: ruled,
    },
    {
      id: 'HFC-5',
      level: 'MUST',
      says: 'a proof is spent once: only the same request under the same check id gets the same answer again',
      standing: ruled,
    },
    {
      id: 'HFC-6',
      level: 'MUST',
      says: 'the answer to a good request carries the phantom token and evidence for exactly that request',
      standing: shown('the answer is evidence for exactly the request that was asked about'),
    },
    {
      id: 'HFC-7',
      level: 'MUST',
      says: 'a check sees no body',
      standing: ruled,
    },
  ],
}
