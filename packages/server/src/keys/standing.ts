import type { VerifierRecord } from '../store/records.ts'
import type { KeyView } from './ring.ts'

/**
 * - `current`: it holds every published key.
 * - `behind`: it lacks one.
 * - `failing`: a signature of one does not verify there.
 */
export type Standing = 'current' | 'behind' | 'failing'

export function standingOf({ keys, unverified }: VerifierRecord, published: readonly KeyView[]): Standing {
  if (unverified.length > 0) return 'failing'
  const isHeld = ({ kid, state }: KeyView): boolean =>
    state === 'retired' || state === 'revoked' || keys.includes(kid)
  return published.every(isHeld) ? 'current' : 'behind'
}
