import type { EpochSeconds } from '@holdfast/protocol'
import type { Entropy } from './ports.ts'
import type { ApiRequest } from './request.ts'

export const interactionHeader = 'x-fapi-interaction-id'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The id by which client and API find each other's log entries (FAPI 1.0 Part 1 section 6.2.1): as sent, or a new one.
 * What is no UUID is not repeated: it would stand in a header and in a log as whoever sent it wrote it.
 * @returns a UUID (RFC 4122); version 4 when it is new
 */
export function interactionIdOf(headers: ApiRequest['headers'], entropy: Entropy): string {
  const sent = headers(interactionHeader)
  const [only = ''] = sent
  return sent.length === 1 && uuid.test(only) ? only : newUuid(entropy)
}

/** What every answer carries, a refusal too. */
export function interactionHeaders(
  id: string | undefined,
  at: EpochSeconds,
): readonly (readonly [name: string, value: string])[] {
  if (id === undefined) return []
  return [
    [interactionHeader, id],
    ['date', new Date(at * 1000).toUTCString()],
  ]
}

function newUuid(entropy: Entropy): string {
  const bytes = entropy.bytes(16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
