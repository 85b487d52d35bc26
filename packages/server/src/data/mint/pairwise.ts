import { createHmac } from 'node:crypto'
import type { Keys } from '../../ports.ts'

/** The secret is made once per issuer, the same on every node, and sealed in the store like every other. */
const purpose = 'pairwise'

/**
 * What a client calls a user (OpenID Connect Core section 8): the subject itself, or, for clients of a sector, a value
 * that clients of no other sector can connect with it. The same every time; the prefix keeps it apart from client ids.
 * @param sector host name; undefined: subjects are public
 */
export function subjectFor(keys: Keys, issuer: string, sector: string | undefined, subject: string): string {
  return sector === undefined ? subject : `u_${macOf(keys, issuer, ['sub', sector, subject])}`
}

/** A session has one id: clients of two sectors that compare it would know their users from each other again. */
export function sidFor(keys: Keys, issuer: string, sector: string | undefined, sid: string): string {
  return sector === undefined ? sid : macOf(keys, issuer, ['sid', sector, sid])
}

/** HMAC-SHA-256 over length-prefixed fields, so that no two lists of them share an encoding. */
function macOf(keys: Keys, issuer: string, fields: readonly string[]): string {
  const mac = createHmac('sha256', keys.secret(issuer, purpose))
  for (const field of fields) mac.update(`${Buffer.byteLength(field)}:${field}`)
  return mac.digest('base64url')
}
