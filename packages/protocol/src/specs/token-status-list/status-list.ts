/** Statuses side by side, the first in the lowest bits of the first byte (section 4.1). */

/** What a status list token is served and accepted as (section 8.1). */
export const statusListMediaType = 'application/statuslist+jwt'

/** Entries of every list we make: big enough that one index among it tells nothing (section 13.2). */
export const statusListEntries = 131_072
/** Seconds a list may be used after it was fetched. With the age it may have then: how long access outlives its end. */
export const statusListTtlSeconds = 10
/** How old, in seconds, a list of ours may be when it is served. */
export const statusListAgeSecondsMax = 5
/** Seconds from `iat` to `exp`: nobody can show an old list for longer. */
export const statusListLifetimeSeconds = 60

export const statusValid = 0
export const statusInvalid = 1

export type StatusBits = 1 | 2 | 4 | 8

/** @param invalid indexes, each below `entries` @returns one bit for each entry, set where it is invalid */
export function invalidBits(invalid: Iterable<number>, entries: number = statusListEntries): Buffer {
  const bytes = Buffer.alloc(Math.ceil(entries / 8))
  for (const index of invalid) {
    const at = index >> 3
    bytes.writeUInt8(bytes.readUInt8(at) | (1 << (index & 7)), at)
  }
  return bytes
}

/** @returns the status of an entry; undefined when the list has none of that index */
export function statusAt(bytes: Uint8Array, bits: StatusBits, index: number): number | undefined {
  const perByte = 8 / bits
  const byte = bytes[Math.floor(index / perByte)]
  return byte === undefined ? undefined : (byte >> ((index % perByte) * bits)) & ((1 << bits) - 1)
}
