import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { evidenceHeader, phantomHeader } from '@holdfast/protocol/specs/holdfast-evidence/rules.ts'
import { clientCertHeader, clientCertOf } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import type { Admitted } from './admit.ts'
import type { Desk, Visit } from './desk.ts'
import { makeEvidence } from './evidence.ts'
import { passedRequest } from './fields.ts'

/** The fields of a request as the API gets them: what was passed, and what only the gateway says. */
export function onwardFields(
  { rawHeaders, method = '' }: IncomingMessage,
  admitted: Admitted,
  desk: Desk,
  visit: Visit,
): string[] {
  const passed = passedRequest(rawHeaders, admitted.route.api.requestFields)
  visit.spoofed = passed.spoofed
  return [
    ...passed.fields,
    'forwarded',
    `for=${nodeOf(admitted.peer.address)};host="${desk.authority}";proto=https`,
    ...evidenceFields(method, admitted, desk).flat(),
  ]
}

/** What the API must get of one admitted request, whoever forwards it. */
export function evidenceFields(
  method: string,
  { route, peer, target, token, phantom }: Admitted,
  { maker }: Desk,
): (readonly [name: string, value: string])[] {
  const { options } = route.api
  const audience = options.evidenceAudience
  const fields: (readonly [string, string])[] = [
    ['x-request-id', token.requestId],
    [phantomHeader, phantom],
    [evidenceHeader, makeEvidence(maker, { method, target, audience, token, phantom })],
  ]
  if (options.clientCert === true && peer.der !== undefined && token.binding.x5tS256 !== undefined)
    fields.push([clientCertHeader, clientCertOf(peer.der)])
  return fields
}

/** A node of RFC 7239 section 6. */
function nodeOf(address: string): string {
  return isIPv6(address) ? `"[${address.split('%')[0] ?? ''}]"` : address === '' ? 'unknown' : address
}
