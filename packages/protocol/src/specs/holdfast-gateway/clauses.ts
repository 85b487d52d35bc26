import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'holdfast-gateway',
  title: 'What a Holdfast gateway owes (our own, docs/decisions/0040)',
  url: '../decisions/0040-a-phantom-token-is-a-signed-introspection-answer.md',
  clauses: [
    {
      id: 'HFG-1',
      level: 'MUST',
      says: 'a path has one spelling; every other is refused before a route is looked up',
      standing: ruled,
    },
    {
      id: 'HFG-2',
      level: 'MUST',
      says: 'a request has one reading: length, headers, version and method are unambiguous (RFC 9112 sections 6 and 11)',
      standing: ruled,
    },
    {
      id: 'HFG-3',
      level: 'MUST',
      says: 'the external URL comes from configuration; a request that names another host is misdirected',
      standing: ruled,
    },
    {
      id: 'HFG-4',
      level: 'MUST',
      says: 'fields that say who calls are never forwarded, whatever a configuration asks',
      standing: ruled,
    },
    {
      id: 'HFG-5',
      level: 'MUST',
      says: 'what no route names is not forwarded',
      standing: ruled,
    },
    {
      id: 'HFG-6',
      level: 'MUST',
      says: 'limits of rate, size, time and number hold before an upstream is troubled',
      standing: ruled,
    },
    {
      id: 'HFG-7',
      level: 'MUST',
      says: 'an upstream that is slow, broken, lying or gone costs its own requests and no others',
      standing: ruled,
    },
    {
      id: 'HFG-8',
      level: 'MUST',
      says: 'handles carry 256 bits and are stored as SHA-256 only',
      standing: shown('a handle carries 256 random bits and its hash tells its kind'),
      rows: ['OPQ-01'],
    },
    {
      id: 'HFG-9',
      level: 'MUST',
      says: 'the API sees the signed answer of the issuer and never the token of the client',
      standing: shown('the API sees a phantom token and evidence, and not the token of the client'),
      rows: ['OPQ-02'],
    },
    {
      id: 'HFG-10',
      level: 'MUST',
      says: 'an answer is kept by hash of the token and API, for seconds, never past its end, and not past an eviction',
      standing: shown(
        'a revoked token is refused as soon as it is evicted, and within the life of the cache otherwise',
      ),
      rows: ['OPQ-04'],
    },
    {
      id: 'HFG-11',
      level: 'MUST',
      says: 'without an answer of the issuer nobody is let in',
      standing: shown(
        'when introspection is down the answer is 503 with Retry-After, and nothing reaches the API',
      ),
      rows: ['OPQ-05'],
    },
    {
      id: 'HFG-12',
      level: 'MUST',
      says: 'requests with one token ask the issuer once',
      standing: shown('a thousand requests at once ask the issuer once'),
      rows: ['OPQ-06'],
    },
    {
      id: 'HFG-13',
      level: 'MUST',
      says: 'what the issuer announces as ended is refused at once, and how long the announcement took is measured',
      standing: shown(
        'a token that ended is refused with the announcement, while its answer is still remembered',
      ),
      rows: ['REV-06'],
    },
    {
      id: 'HFG-14',
      level: 'MUST',
      says: 'nothing remembered is believed, and no stream goes on, when the feed is silent for longer than 5 s',
      standing: shown('silent for longer than the bound, nothing that is remembered is believed'),
      rows: ['REV-06'],
    },
  ],
}
