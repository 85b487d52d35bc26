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
    {
      id: 'RFC9470-5-acr',
      level: 'SHOULD',
      says: 'an authorization server that cannot reach the asked acr says so',
      standing: ruled,
      rows: ['STEP-03'],
    },
    {
      id: 'RFC9470-5',
      level: 'MUST',
      says: 'max_age leads to a fresh authentication',
      standing: shown('a session is reused up to max_age and not a second longer'),
      rows: ['STEP-05'],
    },
    {
      id: 'RFC9470-order',
      level: 'MUST',
      says: 'an API judges token, sender, scope, authentication and policy in this order',
      standing: shown('each step shows only when the one before it passes'),
      rows: ['STEP-07'],
    },
  ],
}
