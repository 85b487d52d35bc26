import {
  isHopByHop,
  looksLikeIdentity,
  passedFields,
} from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'

export interface PassedRequest {
  /** Names and values in turn, as they came. */
  readonly fields: readonly string[]
  /** How many fields looked like an identity and were left behind; credentials of the client are not counted. */
  readonly spoofed: number
}

/** What every honest client sends, although it stays here. */
const expected: ReadonlySet<string> = new Set(['authorization', 'dpop', 'host', 'cookie'])

/** What of a request goes on: the fields that are named, and nothing else. */
export function passedRequest(rawHeaders: readonly string[], more: ReadonlySet<string>): PassedRequest {
  const fields: string[] = []
  let spoofed = 0
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const written = rawHeaders[index] ?? ''
    const name = written.toLowerCase()
    if (passedFields.has(name) || more.has(name)) fields.push(name, rawHeaders[index + 1] ?? '')
    else if (!expected.has(name) && looksLikeIdentity(name)) spoofed++
  }
  return { fields, spoofed }
}

/** Fields of an answer that are the gateway's to say, or that would outlive this hop. */
const ownAnswers =
  /^(?:holdfast-.*|client-cert.*|dpop-nonce|set-cookie2?|alt-svc|x-request-id|via|server|x-powered-by)$/

/** What of an answer goes back: everything but what ends at this hop, and names that are ours. */
export function passedAnswer(raw: readonly string[]): readonly string[] {
  const nominated = new Set(
    headerValues(raw, 'connection')
      .flatMap(value => value.split(','))
      .map(option => option.trim().toLowerCase()),
  )
  const fields: string[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    if (isHopByHop(name) || nominated.has(name) || ownAnswers.test(name)) continue
    fields.push(name, raw[index + 1] ?? '')
  }
  return fields
}
