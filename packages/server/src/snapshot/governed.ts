import type { Governance } from './compile-scope-grants.ts'
import type { Client } from './snapshot.ts'

/** What is left of what a client registered for: everything that is not governed, and what its grants give. */
export function governedClient(
  client: Client,
  { scopes, authorizationDetailsTypes, endings }: Governance,
): Client {
  const own = endings.filter(({ clientId }) => clientId === client.clientId)
  const hasScope = (name: string): boolean =>
    !scopes.has(name) || own.some(ending => ending.scopes.includes(name))
  const hasType = (name: string): boolean =>
    !authorizationDetailsTypes.has(name) ||
    own.some(ending => ending.authorizationDetailsTypes.includes(name))
  return {
    ...client,
    scopes: client.scopes.filter(hasScope),
    authorizationDetailsTypes: client.authorizationDetailsTypes.filter(hasType),
    ownAuthorizationDetails: client.ownAuthorizationDetails.filter(({ type }) => hasType(type)),
  }
}
