import { fineTime, sortableTime } from '../data/handle.ts'
import type { Clock, Entropy } from '../ports.ts'

/** Random text for many ids, of which none is a secret: what one id cost most was a call to encode its bytes. */
interface Drawn {
  readonly text: string
  used: number
}

const drawnFrom = new WeakMap<Entropy, Drawn>()
/** Random bytes drawn at one time: 46 ids. */
const drawnBytes = 768
/** Base64url: 132 bits. */
const randomCharacters = 22

/** A reference id: sorts by time of arrival, 128 random bits, safe in URLs, logs and on the command line. */
export function newRequestId(clock: Clock, entropy: Entropy): string {
  let drawn = drawnFrom.get(entropy)
  if (drawn === undefined || drawn.used + randomCharacters > drawn.text.length) {
    drawn = { text: entropy.bytes(drawnBytes).toString('base64url'), used: 0 }
    drawnFrom.set(entropy, drawn)
  }
  const random = drawn.text.slice(drawn.used, drawn.used + randomCharacters)
  drawn.used += randomCharacters
  return sortableTime(fineTime(clock)) + random
}
