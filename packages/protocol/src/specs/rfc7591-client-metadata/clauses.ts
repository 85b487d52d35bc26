import { type ClauseManifest, notApplicable, otherParty, ruled } from '../../clause.ts'

/** RFC 7591 where it says what client metadata must be; the registration endpoint itself is not built yet. */
export const manifest: ClauseManifest = {
  spec: 'rfc7591-client-metadata',
  title: 'OAuth 2.0 Dynamic Client Registration Protocol (client metadata)',
  url: 'https://www.rfc-editor.org/rfc/rfc7591',
  clauses: [
    {
      id: 'RFC7591-2',
      level: 'MUST',
      says: 'client metadata members have the meaning and form of their registration; keys come by value or by URL, never both',
      standing: ruled,
      rows: ['DCR-04', 'DCR-05', 'DCR-06', 'DCR-07', 'DCR-09', 'JWKS-01', 'JWKS-02', 'FK-02', 'FK-04'],
    },
    {
      id: 'RFC7591-2.1',
      level: 'MUST',
      says: 'grant types and response types of a client fit each other',
      standing: ruled,
      rows: ['DCR-04'],
    },
    {
      id: 'RFC7591-2.2',
      level: 'MUST',
      says: 'human-readable members may come in several languages, marked by a tag after the name',
      standing: notApplicable('documents carry one language; language-tagged members are refused as unknown'),
    },
    {
      id: 'RFC7591-2.3',
      level: 'MUST',
      says: 'claims of a trusted software statement win over plain metadata',
      standing: notApplicable('there is no registration endpoint that could receive a software statement'),
    },
    {
      id: 'RFC7591-3.1',
      level: 'MUST',
      says: 'a registration request is a JSON POST over TLS',
      standing: notApplicable(
        'clients are registered by documents through the operator, not over the network',
      ),
    },
    {
      id: 'RFC7591-3.2.1',
      level: 'MUST',
      says: 'the answer to a registration holds every registered value',
      standing: notApplicable(
        'clients are registered by documents through the operator, not over the network',
      ),
    },
    {
      id: 'RFC7591-4',
      level: 'MUST',
      says: 'a client keeps its keys and statements to itself and registers one identity per software instance',
      standing: otherParty('client'),
    },
  ],
}
