import type { Client, ScopeEnding } from './snapshot.ts'

/** What clients may only have by an active grant, and which of them do. */
export interface Governance {
  /** Scopes and types of APIs that are governed. */
  readonly scopes: ReadonlySet<string>
  readonly authorizationDetailsTypes: ReadonlySet<string>
  /** What active grants give, by client, with the second in which each ends; time is not judged here. */
  readonly endings: ReadonlyMap<string, readonly ScopeEnding[]>
}

/** Endings by client: thousands of clients must not each look through thousands of grants. */
export function endingsByClient(endings: readonly ScopeEnding[]): Governance['endings'] {
  return Map.groupBy(endings, ({ clientId }) => clientId)
}

/** What is left of what a client registered for: everything that is not governed, and what its grants give. */
export function governedClient(
  client: Client,
  { scopes, authorizationDetailsTypes, endings }: Governance,
): Client {
  if (scopes.size + authorizationDetailsTypes.size === 0) return client
  const own = endings.get(client.clientId) ?? []
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
    // A grant may also name what its API gives without one.
    scopeEndings: own.map(ending => ({
      ...ending,
      scopes: ending.scopes.filter(name => scopes.has(name)),
      authorizationDetailsTypes: ending.authorizationDetailsTypes.filter(name =>
        authorizationDetailsTypes.has(name),
      ),
    })),
  }
}
