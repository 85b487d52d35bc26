import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

/** RFC 7591 where it says what client metadata must be; for the endpoint see `rfc7591-registration`. */
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
      id: 'RFC7591-4',
      level: 'MUST',
      says: 'a client keeps its keys and statements to itself and registers one identity per software instance',
      standing: otherParty('client'),
    },
    {
      id: 'RFC7591-5-fetch',
      level: 'MUST',
      says: 'A key set is fetched from public addresses only, the ones that were checked.',
      standing: shown('never connects to an address that is not public, however it is written'),
      rows: ['JWKS-03'],
    },
    {
      id: 'RFC7591-5-redirect',
      level: 'MUST',
      says: 'No redirect is followed while fetching keys.',
      standing: shown('follows no redirect'),
      rows: ['JWKS-03'],
    },
    {
      id: 'RFC7591-5-limits',
      level: 'MUST',
      says: 'A fetched key set is bounded in size and time, and only JSON.',
      standing: shown('takes a body of exactly the limit and not a byte more, announced or streamed'),
      rows: ['JWKS-04'],
    },
    {
      id: 'RFC7591-2-jwks_uri-cache',
      level: 'MUST',
      says: 'An unknown key asks again once a minute, however often it comes; requests share one fetch.',
      standing: shown('an unknown kid asks again once a minute, however often it comes'),
      rows: ['JWKS-05'],
    },
    {
      id: 'RFC7591-2-jwks_uri-rotation',
      level: 'MUST',
      says: 'A key that was taken out stops verifying when its time in the cache is over.',
      standing: shown('a removed key stops verifying when its ten minutes are over'),
      rows: ['JWKS-06'],
    },
    {
      id: 'RFC7591-2-jwks_uri-outage',
      level: 'MUST',
      says: 'Without keys the client is refused, and the operator hears of it.',
      standing: shown(
        'when the source is down and nothing is known, it is invalid_client and an alarm for the operator',
      ),
      rows: ['JWKS-10'],
    },
  ],
}
