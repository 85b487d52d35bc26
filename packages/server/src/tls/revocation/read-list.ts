import { setImmediate } from 'node:timers/promises'
import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'
import { type DerElement, DerError, DerReader, derTag, hexOfInteger } from './der.ts'

/** A certificate revocation list (RFC 5280 section 5) as it was read; nothing is verified yet. */
export interface ReadList {
  /** What is signed. */
  readonly signed: Buffer
  readonly signature: Buffer
  /** The AlgorithmIdentifier, whole. */
  readonly algorithm: Buffer
  /** The Name of who issued it, whole. */
  readonly issuer: Buffer
  readonly thisUpdate: EpochSeconds
  readonly nextUpdate: EpochSeconds
  /** Serial numbers, hexadecimal, lower-case, without leading zeros. */
  readonly revoked: ReadonlySet<string>
}

/** Bytes of one list, and certificates in all of it that are listed: some fifty bytes each. */
export const listBytesMax = 16_777_216
/** Entries read before others have their turn. */
const entriesInARow = 500
/** Serial numbers have at most 20 bytes (RFC 5280 section 4.1.2.2), and authorities are not all so strict. */
const serialBytesMax = 32

const explicit0 = 0xa0

/**
 * @param bytes DER, or PEM with one `X509 CRL`
 * @throws DerError when it is not a complete list of one authority for its own certificates: that it is a delta, a part
 *   or an indirect list stands in critical extensions, and one that is not understood makes a list useless (RFC 5280
 *   section 5.2)
 */
export async function readList(bytes: Buffer): Promise<ReadList> {
  const outer = new DerReader(derOf(bytes))
  const list = outer.inside(outer.next(derTag.sequence))
  outer.end()
  const signed = list.next(derTag.sequence)
  const algorithm = list.whole(list.next(derTag.sequence))
  const signature = list.contents(list.next(derTag.bitString))
  list.end()
  if (signature[0] !== 0) throw new DerError(signed.to, 'a signature that is no whole number of bytes')

  const parts = list.inside(signed)
  const version = parts.optional(derTag.integer)
  if (version !== undefined && hexOfInteger(parts.contents(version)) !== '1')
    throw new DerError(version.start, 'it is not of version 2')
  const said = parts.next(derTag.sequence)
  if (!parts.whole(said).equals(algorithm)) throw new DerError(said.start, 'it names two algorithms')
  const issuer = parts.whole(parts.next(derTag.sequence))
  const thisUpdate = timeOf(parts)
  const nextUpdate = timeOf(parts)
  const entries = parts.optional(derTag.sequence)
  const revoked = new Set<string>()
  if (entries !== undefined) await readEntries(parts.inside(entries), revoked)
  const wrapped = parts.optional(explicit0)
  parts.end()
  if (wrapped !== undefined) {
    const inner = parts.inside(wrapped)
    refuseCritical(inner.inside(inner.next(derTag.sequence)))
    inner.end()
  }
  return {
    ...{ signed: list.whole(signed), signature: signature.subarray(1), algorithm, issuer },
    ...{ thisUpdate, nextUpdate, revoked },
  }
}

function derOf(bytes: Buffer): Buffer {
  if (bytes[0] === derTag.sequence) return bytes
  const [, body, ...more] = bytes.toString('latin1').split(/-----(?:BEGIN|END) X509 CRL-----/)
  if (body === undefined || more.length !== 1)
    throw new DerError(0, 'neither DER nor one PEM block `X509 CRL`')
  return Buffer.from(body, 'base64')
}

async function readEntries(entries: DerReader, revoked: Set<string>): Promise<void> {
  for (let count = 1; !entries.isAtEnd; count++) {
    const entry = entries.inside(entries.next(derTag.sequence))
    const serial = entry.next(derTag.integer)
    if (serial.to - serial.from > serialBytesMax) throw new DerError(serial.start, 'a serial number too long')
    // When it was revoked changes nothing: from then on it is.
    timeElement(entry)
    const extensions = entry.optional(derTag.sequence)
    entry.end()
    if (extensions !== undefined) refuseCritical(entry.inside(extensions))
    revoked.add(hexOfInteger(entry.contents(serial)))
    if (count % entriesInARow === 0) await setImmediate()
  }
}

/** Extensions that are not critical may be passed over; a reason, a date and a number of the list are such. */
function refuseCritical(extensions: DerReader): void {
  while (!extensions.isAtEnd) {
    const extension = extensions.inside(extensions.next(derTag.sequence))
    const oid = extension.contents(extension.next(derTag.oid))
    const critical = extension.optional(derTag.boolean)
    const value = extension.next(derTag.octetString)
    extension.end()
    if (critical !== undefined && extension.contents(critical)[0] !== 0)
      throw new DerError(
        value.start,
        `a critical extension (${oid.toString('hex')}): a delta, a part or an indirect list is not read`,
      )
  }
}

/** UTCTime until 2049, GeneralizedTime after it; both to the second and in UTC (RFC 5280 sections 5.1.2.4 to 5.1.2.6). */
function timeOf(parts: DerReader): EpochSeconds {
  const element = timeElement(parts)
  const text = parts.contents(element).toString('latin1')
  const isShort = element.tag === derTag.utcTime
  const digits = (isShort ? /^(\d{2})((?:\d{2}){5})Z$/ : /^(\d{4})((?:\d{2}){5})Z$/).exec(text)
  const [, year = '', rest = ''] = digits ?? []
  const full = isShort ? `${Number(year) < 50 ? '20' : '19'}${year}` : year
  const [month, day, hour, minute, second] = rest.match(/\d{2}/g) ?? []
  const iso = `${full}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const at = Date.parse(iso)
  // A day that no month has would otherwise be one of the next.
  if (digits === null || !(at >= 0) || new Date(at).toISOString() !== iso)
    throw new DerError(element.start, 'no time')
  return epochSeconds(at / 1000)
}

function timeElement(parts: DerReader): DerElement {
  const element = parts.next()
  if (element.tag === derTag.utcTime || element.tag === derTag.generalizedTime) return element
  throw new DerError(element.start, 'no time')
}
