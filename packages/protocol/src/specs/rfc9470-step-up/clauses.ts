import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc9470-step-up',
  title: 'OAuth 2.0 Step Up Authentication Challenge Protocol',
  url: 'https://www.rfc-editor.org/rfc/rfc9470',
  clauses: [
    {
      id: 'RFC9470-3',
      level: 'MUST',
      says: 'authentication that does not suffice is challenged with insufficient_user_authentication',
      standing: ruled,
      rows: ['STEP-01'],
    },
    {
      id: 'RFC9470-3-2',
      level: 'MUST',
      says: 'acr_values is a space-separated list in order of preference, max_age a non-negative integer',
      standing: shown(
        'a step-up challenge carries acr_values in order of preference and max_age as an integer',
      ),
      rows: ['STEP-01'],
    },
    {
      id: 'RFC9470-4',
      level: 'SHOULD',
      says: 'the client puts the asked values into a new authorization request',
      standing: otherParty('client'),
      rows: ['STEP-02', 'STEP-06'],
    },
    {
      id: 'RFC9470-6',
      level: 'MUST',
      says: 'the API reads acr and auth_time from the JWT or from introspection',
      standing: shown('acr and auth_time of an introspected token satisfy a route as those of a JWT do'),
      rows: ['STEP-04'],
    },
  ],
}
