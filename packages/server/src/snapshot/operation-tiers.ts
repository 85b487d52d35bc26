import type { DocumentOf } from '../control/document.ts'
import type { OperationTiers } from './snapshot.ts'

/** From the catalogues: the highest tier of what each scope and each type of details helps to let into. */
export function operationTiersOf(catalogues: readonly DocumentOf<'ApiOperations'>[]): OperationTiers {
  const scopes = new Map<string, number>()
  const detailTypes = new Map<string, number>()
  const raise = (tiers: Map<string, number>, name: string, tier: number): void => {
    tiers.set(name, Math.max(tier, tiers.get(name) ?? 0))
  }
  for (const { spec } of catalogues)
    for (const { tier, coveredBy } of spec.operations)
      for (const way of coveredBy) {
        for (const name of way.scopes) raise(scopes, name, tier)
        for (const name of way.authorizationDetailsTypes) raise(detailTypes, name, tier)
      }
  return { scopes, detailTypes }
}
