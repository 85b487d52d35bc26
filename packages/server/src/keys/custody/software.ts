import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { type Entropy, Fault } from '../../ports.ts'

/** Where a sealed value belongs. It is authenticated with the value: a row moved elsewhere does not open. */
export interface SealedPlace {
  readonly issuer: string
  readonly id: string
  readonly use: 'sig' | 'secret'
  readonly alg: string
}

/** Opens and seals key material at rest (I30, JWK-08). */
export interface Custody {
  readonly seal: (place: SealedPlace, clear: Buffer) => Buffer
  /** @throws Fault `keys.sealed` when the value was altered, moved, or sealed under another key */
  readonly open: (place: SealedPlace, sealed: Buffer) => Buffer
}

const formatVersion = 1
const ivBytes = 12
const tagBytes = 16
const headBytes = 1 + ivBytes + tagBytes
const keyBytesMin = 32

/**
 * AES-256-GCM under keys derived per use from one key-encryption key. Layout: version, IV, tag, ciphertext.
 * @param keyEncryptionKey at least 32 random bytes, kept outside the store
 */
export function softwareCustody(keyEncryptionKey: Buffer, entropy: Entropy): Custody {
  if (keyEncryptionKey.length < keyBytesMin)
    throw new Fault('keys.encryption-key', {
      detail: `the key-encryption key has fewer than ${keyBytesMin} bytes`,
    })
  const keys = {
    sig: deriveKey(keyEncryptionKey, 'sig'),
    secret: deriveKey(keyEncryptionKey, 'secret'),
  }
  return {
    seal: (place, clear) => {
      // 96-bit IVs of a good generator: safe far beyond the few thousand values one key ever seals.
      const iv = entropy.bytes(16).subarray(0, ivBytes)
      const cipher = createCipheriv('aes-256-gcm', keys[place.use], iv).setAAD(placeBytes(place))
      const body = Buffer.concat([cipher.update(clear), cipher.final()])
      return Buffer.concat([Buffer.of(formatVersion), iv, cipher.getAuthTag(), body])
    },
    open: (place, sealed) => {
      if (sealed.length <= headBytes || sealed[0] !== formatVersion)
        throw new Fault('keys.sealed', { detail: `sealed value of \`${place.id}\` has an unknown format` })
      const iv = sealed.subarray(1, 1 + ivBytes)
      const tag = sealed.subarray(1 + ivBytes, headBytes)
      try {
        const decipher = createDecipheriv('aes-256-gcm', keys[place.use], iv, { authTagLength: tagBytes })
        decipher.setAAD(placeBytes(place)).setAuthTag(tag)
        return Buffer.concat([decipher.update(sealed.subarray(headBytes)), decipher.final()])
      } catch (cause) {
        const detail = `\`${place.id}\` does not open: wrong key-encryption key, or the row was altered`
        throw new Fault('keys.sealed', { cause, detail })
      }
    },
  }
}

function deriveKey(keyEncryptionKey: Buffer, use: string): KeyObject {
  const bytes = hkdfSync('sha256', keyEncryptionKey, '', `holdfast key custody 1 ${use}`, 32)
  return createSecretKey(Buffer.from(bytes))
}

/** Length-prefixed, so that no two places share an encoding. */
function placeBytes(place: SealedPlace): Buffer {
  const parts = [place.issuer, place.id, place.use, place.alg]
  return Buffer.from(parts.map(part => `${Buffer.byteLength(part)}:${part}`).join(''))
}
