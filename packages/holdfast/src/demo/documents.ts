import type { DocumentFile } from '@holdfast/server/control/documents.ts'
import type { DemoClient } from './clients.ts'

/** The demo user; known to everybody, which is why a production server refuses to start with the demo on. */
export const demoUser = { username: 'alice', password: 'correct-horse-battery' } as const

/** Everything the demo applies to an empty store, as the documents an operator would write. */
export function demoDocuments(
  issuerName: string,
  audience: string,
  clients: readonly DemoClient[],
): DocumentFile {
  const documents = [
    // The floor lets one plain OpenID Connect client exist; every other client brings FAPI 2.0 by itself.
    document('Issuer', issuerName, { floor: 'oidc-baseline', tenant: 'demo' }),
    document('Scope', 'accounts:read', {
      title: 'See your accounts',
      description: 'Read the names and balances of all your accounts.',
    }),
    document('Scope', 'payments:write', {
      title: 'Make payments',
      description: 'Send money from your accounts in your name.',
    }),
    document('ResourceServer', 'demo-api', {
      audience,
      displayName: 'Demo bank',
      scopes: ['accounts:read', 'payments:write'],
      accessTokenFormat: 'opaque',
    }),
    ...clients.map(({ clientId, metadata, spec }) => document('Client', clientId, { ...spec, metadata })),
    document('User', demoUser.username, {
      password: demoUser.password,
      claims: {
        name: 'Alice Adams',
        given_name: 'Alice',
        family_name: 'Adams',
        preferred_username: demoUser.username,
        email: 'alice@example.com',
        email_verified: true,
      },
    }),
  ]
  // JSON is YAML.
  return { path: 'demo', text: documents.map(value => JSON.stringify(value)).join('\n---\n') }
}

function document(kind: string, name: string, spec: Readonly<Record<string, unknown>>): unknown {
  return { apiVersion: 'holdfast/v1', kind, metadata: { name }, spec }
}
