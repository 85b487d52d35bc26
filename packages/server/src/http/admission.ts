import type { IncomingMessage } from 'node:http'
import { type EdgeRefusal, edgeRefusals } from './edge-error.ts'
import type { EdgeLimits } from './limits.ts'
import type { Route } from './route.ts'

/** A second value of one of these would let two readers of one request disagree. */
const singleFields: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'content-encoding',
  'host',
  'origin',
  'transfer-encoding',
])
const singleFieldLengths: ReadonlySet<number> = new Set([...singleFields].map(name => name.length))

/** Node counts a field as name and value; on the wire `: ` and CRLF stand around them. */
const fieldOverheadBytes = 4

/** Sizes and repetition of the raw header section; undefined when it may pass. */
export function judgeHeaders(raw: IncomingMessage, limits: EdgeLimits): EdgeRefusal | undefined {
  if ((raw.url as string).length > limits.urlBytesMax) return edgeRefusals.urlTooLong

  const fields = raw.rawHeaders
  if (fields.length > limits.headersMax * 2) return edgeRefusals.headersTooLarge
  let bytes = 0
  let seen = 0
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const size = name.length + (fields[index + 1] as string).length + fieldOverheadBytes
    if (size > limits.headerBytesMax) return edgeRefusals.headersTooLarge
    bytes += size
    if (!singleFieldLengths.has(name.length)) continue
    const lower = name.toLowerCase()
    if (!singleFields.has(lower)) continue
    const bit = bitOf(lower)
    if ((seen & bit) !== 0) return edgeRefusals.headerRepeated
    seen |= bit
  }
  return bytes > limits.headersBytesMax ? edgeRefusals.headersTooLarge : undefined
}

const bits = new Map([...singleFields].map((name, index) => [name, 1 << index]))

function bitOf(name: string): number {
  return bits.get(name) as number
}

/** Whether the body is one this route reads; judged on headers, before a byte of it is buffered. */
export function judgeContent(raw: IncomingMessage, route: Route): EdgeRefusal | undefined {
  const { headers } = raw
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return edgeRefusals.compressed
  if (route.form === 'none') return undefined
  if (!isFit(raw, route)) return route.form === 'json' ? edgeRefusals.notJson : edgeRefusals.notForm
  return Number(headers['content-length'] ?? 0) > route.bodyBytesMax ? edgeRefusals.bodyTooLarge : undefined
}

function isFit(raw: IncomingMessage, route: Route): boolean {
  const contentType = raw.headers['content-type']
  if (route.form === 'judged-by-room') return true
  if (route.form === 'json') return isMediaType(contentType, 'application/json')
  if (route.form === 'optional' && contentType === undefined && !hasBody(raw)) return true
  return isMediaType(contentType, 'application/x-www-form-urlencoded')
}

export function hasBody(raw: IncomingMessage): boolean {
  const { headers } = raw
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The media type alone, or with parameters: clients add `charset=UTF-8`, which changes nothing. */
function isMediaType(contentType: string | undefined, wanted: string): boolean {
  if (contentType === undefined) return false
  if (contentType === wanted) return true
  const end = contentType.indexOf(';')
  const mediaType = end === -1 ? contentType : contentType.slice(0, end)
  return mediaType.trim().toLowerCase() === wanted
}
