import { sha256 } from './jose/hash.ts'

/**
 * What a published revocation is about; a session is published as its grants. `issuer`: everything it gave before
 * `at`, as when a tenant is cut off.
 */
export type RevocationTopic = 'token' | 'grant' | 'subject' | 'client' | 'key' | 'issuer'

/** Media type of the feed (WHATWG HTML, server-sent events). */
export const eventStreamMediaType = 'text/event-stream'

/**
 * What the feed says instead of a name: whoever holds the token can compute it, nobody can read a name out of it.
 * @param name `jti` of a token, `txn` of a grant, `sub`, `client_id`, RFC 7638 thumbprint of a key, issuer identifier
 * @returns base64url SHA-256
 */
export function revocationDigest(topic: RevocationTopic, issuer: string, name: string): string {
  return sha256(`${topic}\n${issuer}\n${name}`)
}
