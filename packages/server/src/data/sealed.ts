import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Entropy, Keys } from '../ports.ts'

/** What is sealed, each under a key of its own. */
export type SealedPurpose = 'ciba-ping' | 'ciba-hint' | 'account-row'

export const ivBytes = 12
const tagBytes = 16

/**
 * AES-256-GCM under a key of the issuer that the key-encryption key seals (I30). Random 96-bit IVs: good for four
 * thousand million values of an issuer and purpose.
 * @param place what the value belongs to: at any other it does not open
 * @param iv random, unless the caller has one that no other value of this purpose ever has
 */
export function sealText(
  { keys, entropy }: { readonly keys: Keys; readonly entropy: Entropy },
  issuer: string,
  purpose: SealedPurpose,
  place: string,
  clear: string,
  iv = entropy.bytes(16).subarray(0, ivBytes),
): string {
  const cipher = createCipheriv('aes-256-gcm', keys.secret(issuer, purpose), iv).setAAD(Buffer.from(place))
  const body = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
}

/** Undefined: it does not open, because the key is gone, or the value was altered or stood at another place. */
export function openText(
  keys: Keys,
  issuer: string,
  purpose: SealedPurpose,
  place: string,
  sealed: string,
): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  const [iv, tag] = [bytes.subarray(0, ivBytes), bytes.subarray(ivBytes, ivBytes + tagBytes)]
  try {
    const decipher = createDecipheriv('aes-256-gcm', keys.secret(issuer, purpose), iv, {
      authTagLength: tagBytes,
    })
    decipher.setAAD(Buffer.from(place)).setAuthTag(tag)
    const clear = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
    return clear.toString('utf8')
  } catch {
    return undefined
  }
}
