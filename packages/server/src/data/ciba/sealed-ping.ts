import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { HandleHash } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'

/** What a ping tells a client and proves itself to it with: the only bearer-like values that must be read again. */
export interface PingSecrets {
  readonly authReqId: string
  readonly clientNotificationToken: string
}

const ivBytes = 12
const tagBytes = 16

/**
 * AES-256-GCM under a key of the issuer that the key-encryption key seals (I30): a copy of the store alone opens none.
 * Random 96-bit IVs: good for four thousand million pings of an issuer. Bound to its request: moved elsewhere it does
 * not open.
 */
export function sealPing(
  ports: Ports,
  issuer: string,
  requestHash: HandleHash,
  secrets: PingSecrets,
): string {
  const iv = ports.entropy.bytes(16).subarray(0, ivBytes)
  const cipher = createCipheriv('aes-256-gcm', keyOf(ports, issuer), iv).setAAD(Buffer.from(requestHash))
  const body = Buffer.concat([cipher.update(JSON.stringify(secrets)), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
}

/** Undefined: it does not open, because the key is gone or the row was altered. */
export function openPing(
  ports: Ports,
  issuer: string,
  requestHash: HandleHash,
  sealed: string,
): PingSecrets | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const iv = bytes.subarray(0, ivBytes)
    const decipher = createDecipheriv('aes-256-gcm', keyOf(ports, issuer), iv, { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(requestHash)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
    const clear = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
    return JSON.parse(clear.toString('utf8')) as PingSecrets
  } catch {
    return undefined
  }
}

function keyOf(ports: Ports, issuer: string): Buffer {
  return ports.keys.secret(issuer, 'ciba-ping')
}
