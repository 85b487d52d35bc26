import { createHmac, timingSafeEqual } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'

/** A nonce serves in its own bucket of time and the next one. */
export const nonceBucketSeconds = 60

export interface Nonces {
  readonly current: (now: EpochSeconds) => string
  /** Whether it is of this bucket or the one before. */
  readonly isCurrent: (nonce: string, now: EpochSeconds) => boolean
  /** Whether it is of this bucket: if not, a response should carry a new one. */
  readonly isNewest: (nonce: string, now: EpochSeconds) => boolean
}

/**
 * Nonces that need no memory: a keyed digest of the time bucket (RFC 9449 section 9), in a namespace per resource.
 * @param secret at least 32 bytes; the same on every node that serves the resource
 * @param epochOf life of the replay memory: a nonce proves a proof younger than the life it was made in
 */
export function openNonces(secret: Uint8Array, resource: string, epochOf = (): string => ''): Nonces {
  if (secret.byteLength < 32) throw new TypeError('the nonce secret has less than 32 bytes')
  const made = new Map<string, string>()

  const ofBucket = (bucket: number): string => {
    const epoch = epochOf()
    const name = epoch === '' ? `${bucket}` : `${bucket}\0${epoch}`
    const known = made.get(name)
    if (known !== undefined) return known
    const nonce = createHmac('sha256', secret).update(`dpop-nonce\0${resource}\0${name}`).digest('base64url')
    if (made.size >= 4) made.clear()
    made.set(name, nonce)
    return nonce
  }
  const bucketOf = (now: EpochSeconds): number => Math.floor(now / nonceBucketSeconds)

  return {
    current: now => ofBucket(bucketOf(now)),
    isCurrent: (nonce, now) =>
      isSame(nonce, ofBucket(bucketOf(now))) || isSame(nonce, ofBucket(bucketOf(now) - 1)),
    isNewest: (nonce, now) => isSame(nonce, ofBucket(bucketOf(now))),
  }
}

function isSame(presented: string, ours: string): boolean {
  const left = Buffer.from(presented)
  const right = Buffer.from(ours)
  return left.length === right.length && timingSafeEqual(left, right)
}
