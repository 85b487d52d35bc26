import { createHmac } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import type { Entropy } from '../ports.ts'
import type { StoredSecret } from './snapshot.ts'

/** A secret, and what is kept of it: only the first is ever shown, once. */
export function newSecret(
  entropy: Entropy,
  now: EpochSeconds,
  expiresAt: EpochSeconds | undefined,
): { readonly secret: string; readonly stored: StoredSecret } {
  const secret = `cs_${entropy.bytes(32).toString('base64url')}`
  const salt = entropy.bytes(16)
  const mac = createHmac('sha256', salt).update(secret).digest('base64url')
  return {
    secret,
    stored: {
      id: entropy.bytes(16).toString('base64url'),
      mac: `hmac-sha256:${salt.toString('base64url')}:${mac}`,
      createdAt: now,
      ...(expiresAt !== undefined && { expiresAt }),
    },
  }
}
