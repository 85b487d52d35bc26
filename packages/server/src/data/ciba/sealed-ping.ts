import type { HandleHash } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import { openText, type SealedFor, sealText } from '../sealed-text.ts'

/** What a ping tells a client and proves itself to it with: the only bearer-like values that must be read again. */
export interface PingSecrets {
  readonly authReqId: string
  readonly clientNotificationToken: string
}

/** A copy of the store alone opens none (I30). Bound to its request. */
export function sealPing(
  ports: Ports,
  issuer: string,
  requestHash: HandleHash,
  secrets: PingSecrets,
): string {
  return sealText(ports, sealedFor(issuer, requestHash), JSON.stringify(secrets))
}

/** Undefined: it does not open, because the key is gone or the row was altered. */
export function openPing(
  ports: Ports,
  issuer: string,
  requestHash: HandleHash,
  sealed: string,
): PingSecrets | undefined {
  const opened = openText(ports, sealedFor(issuer, requestHash), sealed)
  return opened === undefined ? undefined : (JSON.parse(opened) as PingSecrets)
}

function sealedFor(issuer: string, requestHash: HandleHash): SealedFor {
  return { issuer, purpose: 'ciba-ping', place: requestHash }
}
