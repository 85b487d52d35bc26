import { tiers } from '@holdfast/protocol'
import { type ControlDocument, ofKind } from '../document.ts'
import type { ClientSpec } from '../resources/client.ts'
import { operationsReached } from '../scope-grant-state.ts'

/** How many profiles may stand on each other; a revision with more does not compile. */
const depthMax = 8

/** The highest tier of what a client may ask for: of profiles and of the operations that its scopes let into. */
export function neededTier(
  own: readonly ControlDocument[],
  { profile, resources, metadata }: ClientSpec,
): number {
  const scopes = (metadata.scope ?? '').split(' ').filter(scope => scope !== '')
  const types = metadata.authorization_details_types ?? []
  const profilesOf = (
    kind: 'Scope' | 'ResourceServer' | 'AuthorizationDetailsType',
    names: readonly string[],
  ) =>
    ofKind(own, kind)
      .filter(({ name }) => names.includes(name))
      .flatMap(({ spec }) => spec.profile ?? [])
  const profiles = [
    profile,
    ...profilesOf('Scope', scopes),
    ...profilesOf('ResourceServer', resources),
    ...profilesOf('AuthorizationDetailsType', types),
  ]
  const bases = new Map(ofKind(own, 'SecurityProfile').map(({ name, spec }) => [name, spec.base]))
  const operations = ofKind(own, 'ApiOperations').flatMap(({ spec }) =>
    operationsReached(spec, { scopes, authorizationDetailsTypes: [...types] }),
  )
  return Math.max(0, ...profiles.map(name => tierOf(name, bases)), ...operations.map(({ tier }) => tier))
}

/** A profile of our own is of the tier that it stands on. */
function tierOf(name: string, bases: ReadonlyMap<string, string>): number {
  let current: string | undefined = name
  for (let depth = 0; depth <= depthMax && current !== undefined; depth++) {
    const found = tiers.findIndex(tier => tier.name === current)
    if (found >= 0) return found
    current = bases.get(current)
  }
  return 0
}
