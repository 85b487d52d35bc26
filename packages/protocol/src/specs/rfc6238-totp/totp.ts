import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { EpochSeconds } from '../../brand.ts'

/** The values every authenticator app knows: HMAC-SHA-1, six digits, steps of 30 s from the epoch. */
export const totpParameters = {
  algorithm: 'SHA1',
  digits: 6,
  stepSeconds: 30,
  stepsAround: 1,
  secretBytes: 20,
} as const

/** The code of one time step (RFC 4226 section 5.3, RFC 6238 section 4.2). */
export function totpCode(secret: Buffer, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', createSecretKey(secret)).update(counter).digest()
  const offset = (mac[mac.length - 1] ?? 0) & 0x0f
  const binary = mac.readUInt32BE(offset) & 0x7fffffff
  return String(binary % 10 ** totpParameters.digits).padStart(totpParameters.digits, '0')
}

export function totpStep(at: EpochSeconds): number {
  return Math.floor(at / totpParameters.stepSeconds)
}

/**
 * The step a code belongs to: the current one or a neighbour, for clocks that differ. Every step is computed and
 * compared in constant time. @returns undefined when it belongs to none
 */
export function stepOfCode(secret: Buffer, code: string, now: EpochSeconds): number | undefined {
  const sent = Buffer.from(code.padEnd(totpParameters.digits, ' ').slice(0, totpParameters.digits))
  const current = totpStep(now)
  let found: number | undefined
  for (
    let step = current - totpParameters.stepsAround;
    step <= current + totpParameters.stepsAround;
    step++
  ) {
    const expected = Buffer.from(totpCode(secret, step))
    if (sent.length === expected.length && timingSafeEqual(sent, expected)) found = step
  }
  return found
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 section 6 without padding: how apps want a secret typed. */
export function encodeBase32(bytes: Buffer): string {
  let bits = 0
  let value = 0
  let text = ''
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      text += base32.charAt((value >>> (bits - 5)) & 31)
      bits -= 5
    }
    value &= 0xff
  }
  return bits > 0 ? text + base32.charAt((value << (5 - bits)) & 31) : text
}
