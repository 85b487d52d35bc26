import { createHmac, type KeyObject } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import type { Keys } from '../../ports.ts'

/** A nonce is accepted in its own bucket and the next one: 60 to 120 seconds. */
const bucketSeconds = 60

interface Nonces {
  readonly bucket: number
  readonly current: string
  readonly previous: string
}

/** Two HMACs per issuer and minute, not per request. */
const memo = new WeakMap<Keys, Map<string, Nonces>>()

/** Nonces of RFC 9449 section 8: the same on every node, without a store, unpredictable without the key. */
export function noncesAt(keys: Keys, issuer: string, now: EpochSeconds): Nonces {
  const bucket = Math.floor(now / bucketSeconds)
  const known = memo.get(keys)?.get(issuer)
  if (known?.bucket === bucket) return known
  const secret = keys.secret(issuer, 'dpop-nonce')
  const nonces = { bucket, current: nonceOf(secret, bucket), previous: nonceOf(secret, bucket - 1) }
  const perIssuer = memo.get(keys) ?? new Map<string, Nonces>()
  perIssuer.set(issuer, nonces)
  memo.set(keys, perIssuer)
  return nonces
}

/** Compared as text: everybody who asks is told both values. */
export function isCurrentNonce(keys: Keys, issuer: string, now: EpochSeconds, nonce: string): boolean {
  const { current, previous } = noncesAt(keys, issuer, now)
  return nonce === current || nonce === previous
}

function nonceOf(secret: KeyObject, bucket: number): string {
  return createHmac('sha256', secret).update(String(bucket)).digest('base64url')
}
