import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc9728-resource-metadata',
  title: 'OAuth 2.0 Protected Resource Metadata',
  url: 'https://www.rfc-editor.org/rfc/rfc9728',
  clauses: [
    {
      id: 'RFC9728-1.2',
      level: 'MUST',
      says: 'a resource identifier is an https URL without fragment',
      standing: ruled,
      rows: ['PRM-03'],
    },
    { id: 'RFC9728-2', level: 'MUST', says: '`resource` is present', standing: ruled, rows: ['PRM-03'] },
    {
      id: 'RFC9728-2-2',
      level: 'MUST',
      says: '`none` is no signing algorithm',
      standing: ruled,
      rows: ['PRM-03'],
    },
    {
      id: 'RFC9728-2-3',
      level: 'MUST',
      says: '`authorization_servers` holds issuer identifiers',
      standing: ruled,
      rows: ['PRM-03'],
    },
    {
      id: 'RFC9728-2.2',
      level: 'MAY',
      says: 'metadata may be signed',
      standing: notApplicable('we publish plain metadata over TLS'),
      rows: ['PRM-06'],
    },
    {
      id: 'RFC9728-3',
      level: 'MUST',
      says: 'metadata is served over TLS at the well-known location of the resource',
      standing: shown('the well-known segment stands between host and path'),
      rows: ['PRM-01'],
    },
    {
      id: 'RFC9728-3.1',
      level: 'MUST',
      says: 'metadata is asked for with GET',
      standing: shown('the metadata document is served to GET and to nothing else'),
      rows: ['PRM-02'],
    },
    {
      id: 'RFC9728-3.2',
      level: 'MUST',
      says: 'the answer is 200, application/json, without members of zero values',
      standing: shown('the metadata document is served to GET and to nothing else'),
      rows: ['PRM-02'],
    },
    {
      id: 'RFC9728-3.3',
      level: 'MUST',
      says: 'the consumer compares `resource` with the identifier it used',
      standing: otherParty('client'),
      rows: ['PRM-04'],
    },
    {
      id: 'RFC9728-5.1',
      level: 'MUST',
      says: '`resource_metadata` in the challenge names the URL of the metadata',
      standing: shown('every 401 names the metadata of the resource'),
      rows: ['PRM-05'],
    },
  ],
}
