import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc8707-resource',
  title: 'RFC 8707: Resource Indicators',
  url: 'https://www.rfc-editor.org/rfc/rfc8707',
  clauses: [
    {
      id: 'RFC8707-2-1',
      level: 'MUST',
      says: 'A resource is an absolute URI without fragment; the parameter may repeat.',
      standing: ruled,
      rows: ['RSRC-01'],
    },
    {
      id: 'RFC8707-2-2',
      level: 'MUST',
      says: 'An unknown, malformed or forbidden resource is `invalid_target`.',
      standing: ruled,
      rows: ['RSRC-02'],
    },
    {
      id: 'RFC8707-2.1',
      level: 'MUST',
      says: 'A resource in an authorization request limits what tokens of the grant may be for.',
      standing: shown('the grant holds exactly the resources that were asked for'),
      rows: ['RSRC-01'],
    },
    {
      id: 'RFC8707-2.2-1',
      level: 'SHOULD',
      says: 'An access token is for the resource the token request names, and for no other.',
      standing: ruled,
      rows: ['RSRC-04'],
    },
    {
      id: 'RFC8707-2.2-2',
      level: 'MUST',
      says: 'A token request chooses among the granted resources and gets the scopes of the chosen one.',
      standing: ruled,
      rows: ['RSRC-03'],
    },
    {
      id: 'RFC8707-2.2-3',
      level: 'MUST',
      says: 'Without a resource the server uses its default, or refuses.',
      standing: ruled,
      rows: ['RSRC-05'],
    },
  ],
}
