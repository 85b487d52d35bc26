import type { Entropy } from '../../ports.ts'
import { sortableTime } from '../handle.ts'

/**
 * The id that ties every record of one transaction together, from PAR to the decision of the API. Not a secret.
 * @param now seconds, with their fraction (`fineTime`)
 */
export function newTransactionId(entropy: Entropy, now: number): string {
  return `txn_${sortableTime(now)}${entropy.bytes(16).toString('base64url')}`
}

/** Names a grant to the client that manages it. Not a secret, but told to nobody else. */
export function newManagedGrantId(entropy: Entropy): string {
  return entropy.bytes(24).toString('base64url')
}

/** Names a grant in tokens' records and in the audit. Not a secret. */
export function newGrantId(entropy: Entropy, now: number): string {
  return `g_${sortableTime(now)}${entropy.bytes(16).toString('base64url')}`
}
