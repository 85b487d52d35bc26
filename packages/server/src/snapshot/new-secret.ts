import { createHmac, createSecretKey } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import type { Entropy, Keys } from '../ports.ts'
import type { StoredSecret } from './snapshot.ts'

/** What is stored of a secret. */
export function macOfSecret(salt: Buffer, secret: string): Buffer {
  return createHmac('sha256', createSecretKey(salt)).update(secret).digest()
}

/** What a secret is sealed as, and where it belongs. */
export const secretPurpose = 'client-secret'

export function secretPlace(clientId: string, secretId: string): string {
  return `${clientId} ${secretId}`
}

/** For whom a secret is made that must be read again, to check what was signed with it (`client_secret_jwt`). */
export interface SecretSeal {
  readonly keys: Pick<Keys, 'seal'>
  readonly issuer: string
  readonly clientId: string
}

/** As long as what HS512 puts out, the longest of the MACs (RFC 7518 section 3.2). */
const signingSecretBytes = 64
const secretBytes = 32

/**
 * A secret, and what is kept of it: only the first is ever shown, once.
 * @param seal undefined for methods that present the secret: nobody can read it again
 */
export function newSecret(
  entropy: Entropy,
  now: EpochSeconds,
  expiresAt: EpochSeconds | undefined,
  seal: SecretSeal | undefined,
): { readonly secret: string; readonly stored: StoredSecret } {
  const random = entropy.bytes(seal === undefined ? secretBytes : signingSecretBytes)
  const secret = `cs_${random.toString('base64url')}`
  const id = entropy.bytes(16).toString('base64url')
  const salt = entropy.bytes(16)
  const mac = macOfSecret(salt, secret).toString('base64url')
  return {
    secret,
    stored: {
      id,
      mac: `hmac-sha256:${salt.toString('base64url')}:${mac}`,
      ...(seal && { sealed: sealed(seal, id, secret) }),
      createdAt: now,
      ...(expiresAt !== undefined && { expiresAt }),
    },
  }
}

/** The key of the MAC is the secret as it was told, byte for byte (OpenID Connect Core section 10.1). */
function sealed({ keys, issuer, clientId }: SecretSeal, id: string, secret: string): string {
  const clear = Buffer.from(secret, 'utf8')
  return keys.seal(issuer, secretPurpose, secretPlace(clientId, id), clear).toString('base64url')
}
