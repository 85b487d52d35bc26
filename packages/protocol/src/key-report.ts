import { sha256 } from './jose/hash.ts'

/** `typ` of a signature that says nothing but which key made it, for verifiers to check. */
export const keyCheckTyp = 'key-check+jwt'
/** How long one may be checked. */
export const keyCheckSeconds = 60
/** How often a verifier reports when nothing changes, and after how long a silent one counts as gone. */
export const keyReportSeconds = 60
export const verifierLiveSeconds = 180
/** Most keys a verifier holds of one issuer. */
export const heldKeysMax = 20

/**
 * A name for a key set, the same for whoever holds the same keys, in whatever order they came.
 * @param thumbprints RFC 7638 thumbprints
 * @returns 12 characters of base64url: to tell sets apart by eye, not to prove anything
 */
export function keySetVersion(thumbprints: readonly string[]): string {
  return sha256(thumbprints.toSorted().join(' ')).slice(0, 12)
}
