import type { Call } from '@holdfast/protocol/specs/authzen/call-rules.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'

const scopesBySnapshot = new WeakMap<IssuerSnapshot, ReadonlyMap<string, readonly string[]>>()

/** The APIs of each scope and type of details that belongs to any, by audience. */
export function ownersOf(
  { scopes, details }: Pick<Call, 'scopes' | 'details'>,
  issuer: IssuerSnapshot,
): readonly (readonly string[])[] {
  const known = scopesBySnapshot.get(issuer) ?? ownersOfScopes(issuer)
  scopesBySnapshot.set(issuer, known)
  const ofScopes = scopes.map(scope => known.get(scope))
  const ofDetails = details
    .map(({ type }) => issuer.detailTypes.get(type))
    .map(type => type && [type.audience])
  return [...ofScopes, ...ofDetails].filter(owners => owners !== undefined)
}

function ownersOfScopes({ resourceServers }: IssuerSnapshot): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, string[]>()
  for (const { audience, scopes } of resourceServers.values())
    for (const scope of scopes) owners.set(scope, [...(owners.get(scope) ?? []), audience])
  return owners
}
