import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Ports } from '../ports.ts'

export const ivBytes = 12
const tagBytes = 16

/** What a sealed text is for, and the one place where it opens. */
export interface SealedFor {
  readonly issuer: string
  /** Each purpose has a key of its own, kept under the key-encryption key. */
  readonly purpose: string
  /** Authenticated with the text: moved elsewhere it does not open. */
  readonly place: string
}

/**
 * AES-256-GCM under a key of the issuer (I30), in base64url.
 * @param iv 12 bytes that no other text of this purpose ever has. Random unless given: good for four thousand million
 * texts of one purpose
 */
export function sealText(
  { keys, entropy }: Pick<Ports, 'keys' | 'entropy'>,
  { issuer, purpose, place }: SealedFor,
  text: string,
  iv = entropy.bytes(16).subarray(0, ivBytes),
): string {
  const cipher = createCipheriv('aes-256-gcm', keys.secret(issuer, purpose), iv).setAAD(Buffer.from(place))
  const body = Buffer.concat([cipher.update(text), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
}

/** Undefined: it does not open here, because it was altered, belongs elsewhere, or its key is gone. */
export function openText(
  { keys }: Pick<Ports, 'keys'>,
  { issuer, purpose, place }: SealedFor,
  sealed: string,
): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const iv = bytes.subarray(0, ivBytes)
    const secret = keys.secret(issuer, purpose)
    const decipher = createDecipheriv('aes-256-gcm', secret, iv, { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString()
  } catch {
    return undefined
  }
}
