import assert from 'node:assert/strict'
import { adminDocuments } from '../admin-http/template.ts'
import type { Done } from '../admin-http/visit.ts'
import { type AdminScope, adminScopes } from '../admin-scopes.ts'
import { audience, documentFor } from './admin-world.ts'
import { firstJwk } from './onboarded.ts'

/** The documents of an issuer with administrators, for stories on the ground. */

const keys = { jwks: { keys: [firstJwk] }, token_endpoint_auth_method: 'private_key_jwt' }

/** A client with a key; `more` beside its metadata. */
export function clientFor(name: string, metadata: object, more: object = {}): object {
  return documentFor('Client', name, {
    ...more,
    metadata: { ...keys, client_name: name, dpop_bound_access_tokens: true, ...metadata },
  })
}

/** By which persons come in. */
export const door = (name: string): object =>
  clientFor(
    name,
    {
      grant_types: ['authorization_code'],
      redirect_uris: ['https://cli.example/cb'],
      scope: adminScopes.join(' '),
    },
    { resources: ['holdfast-admin'] },
  )

/** A person with a user of the same name. */
export function personFor(name: string, scopes: readonly AdminScope[] = adminScopes, more: object = {}) {
  return [
    documentFor('User', name, { password: `first-${name}`, subject: `u_${name}_00000` }),
    documentFor('Administrator', name, { user: name, scopes, ...more }),
  ]
}

/** The API itself, one door, two persons with every right, and a client that anna answers for. */
export const peopleDocuments: readonly object[] = [
  ...adminDocuments(audience),
  door('admin-cli'),
  clientFor(
    'robot',
    { grant_types: ['client_credentials'], scope: adminScopes.join(' ') },
    { resources: ['holdfast-admin'] },
  ),
  ...['anna', 'bela'].flatMap(name => personFor(name)),
  documentFor('Administrator', 'robot', { client: 'robot', responsible: ['anna'], scopes: adminScopes }),
]

/** The rule that says no; what was done or not judged at all says so. */
export function ruleOf(done: Done | 'refused'): string {
  if (done === 'refused') return 'refused'
  if (done.ok) return String(done.status)
  return 'refusal' in done ? done.refusal.ruleId : (done.problem.problems?.[0]?.ruleId ?? done.problem.title)
}

/** What was answered, of something that was done. */
export function bodyOf(done: Done | 'refused'): Readonly<Record<string, unknown>> {
  assert.ok(done !== 'refused' && done.ok, JSON.stringify(done))
  return done.body as Readonly<Record<string, unknown>>
}
