import { hash } from 'node:crypto'

/** Who we are to authenticators: from configuration, never from a header (I18). */
export interface RelyingParty {
  readonly id: string
  readonly origin: string
  /** SHA-256 of the id, base64url. */
  readonly idHash: string
}

/** @param issuerUrl issuer identifier; its host is the RP ID, so passkeys of two issuers on one host tell apart by id only */
export function relyingPartyOf(issuerUrl: string): RelyingParty {
  const { origin, hostname } = new URL(issuerUrl)
  return { id: hostname, origin, idHash: hash('sha256', hostname, 'base64url') }
}

/** COSE algorithms we ask new passkeys for: ES256, Ed25519, RS256. */
export const passkeyAlgorithms = [-7, -8, -257] as const

/** A passkey ceremony waits this long for its user. */
export const passkeyTimeoutMs = 300_000
