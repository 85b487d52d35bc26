import type { VerifiedToken } from '@holdfast/resource-server'

/**
 * Who called, for the proxy's own log and limits; always there, so that none of a client's can stay in their place. An
 * API believes the evidence and not these.
 */
export function identityFields({
  clientId,
  subject,
  scopes,
}: VerifiedToken): (readonly [name: string, value: string])[] {
  return [
    ['holdfast-client-id', plain(clientId ?? '')],
    ['holdfast-subject', plain(subject ?? '')],
    ['holdfast-scope', [...scopes].map(plain).join(' ')],
  ]
}

/** Percent-encoded where it is no visible ASCII, or a percent sign. */
function plain(value: string): string {
  return value.toWellFormed().replaceAll(/[^\x21-\x24\x26-\x7e]/gu, encodeURIComponent)
}
