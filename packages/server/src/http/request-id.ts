import { sortableTime } from '../data/handle.ts'
import type { Clock, Entropy } from '../ports.ts'

/** A reference id: sorts by second of arrival, 128 random bits, safe in URLs, logs and on the command line. */
export function newRequestId(clock: Clock, entropy: Entropy): string {
  return sortableTime(clock.now()) + entropy.bytes(16).toString('base64url')
}
