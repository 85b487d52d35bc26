import type { HandleHash } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import { openText, sealText } from '../sealed.ts'

/** What a ping tells a client and proves itself to it with: a request keeps them sealed, to be read again. */
export interface PingSecrets {
  readonly authReqId: string
  readonly clientNotificationToken: string
}

/** A copy of the store alone opens none; bound to its request. */
export function sealPing(
  ports: Ports,
  issuer: string,
  requestHash: HandleHash,
  secrets: PingSecrets,
): string {
  return sealText(ports, issuer, 'ciba-ping', requestHash, JSON.stringify(secrets))
}

/** Undefined: it does not open, because the key is gone or the row was altered. */
export function openPing(
  { keys }: Ports,
  issuer: string,
  requestHash: HandleHash,
  sealed: string,
): PingSecrets | undefined {
  const clear = openText(keys, issuer, 'ciba-ping', requestHash, sealed)
  return clear === undefined ? undefined : (JSON.parse(clear) as PingSecrets)
}
