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
  { route, peer, target, token, phantom }: Admitted,
  { maker, authority }: Desk,
  visit: Visit,
): string[] {
  const { api } = route
  const passed = passedRequest(rawHeaders, api.requestFields)
  visit.spoofed = passed.spoofed
  const audience = api.options.evidenceAudience
  const own: string[] = [
    'forwarded',
    `for=${nodeOf(peer.address)};host="${authority}";proto=https`,
    'x-request-id',
    token.requestId,
    phantomHeader,
    phantom,
    evidenceHeader,
    makeEvidence(maker, { method, target, audience, token, phantom }),
  ]
  if (api.options.clientCert === true && peer.der !== undefined && token.binding.x5tS256 !== undefined)
    own.push(clientCertHeader, clientCertOf(peer.der))
  return [...passed.fields, ...own]
}

/** A node of RFC 7239 section 6. */
function nodeOf(address: string): string {
  return isIPv6(address) ? `"[${address.split('%')[0] ?? ''}]"` : address === '' ? 'unknown' : address
}
