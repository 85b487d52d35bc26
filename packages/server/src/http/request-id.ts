import { fineTime, sortableTime } from '../data/handle.ts'
import type { Clock, Entropy } from '../ports.ts'

/** A reference id: sorts by time of arrival, 128 random bits, safe in URLs, logs and on the command line. */
export function newRequestId(clock: Clock, entropy: Entropy): string {
  return sortableTime(fineTime(clock)) + entropy.bytes(16).toString('base64url')
}
