import { createHmac } from 'node:crypto'
import type { Ports } from '../../ports.ts'
import type { InteractionRecord, SessionRecord } from '../../store/records.ts'

/**
 * Challenges are worked out and not stored. An interaction's goes with its version, which the commit that takes an
 * answer raises under guard; a session's goes with its cookie, which the commit that takes an answer replaces under
 * guard. So each is good for one answer, in one browser, and asking for a page writes nothing.
 */
export function signInChallenge(ports: Ports, interaction: InteractionRecord): string {
  const { issuer, hash, version, browserHash } = interaction
  return challengeOf(ports, issuer, ['sign-in', hash, String(version), browserHash])
}

/** To register a passkey; see `signInChallenge`. */
export function registrationChallenge(ports: Ports, { issuer, hash }: SessionRecord): string {
  return challengeOf(ports, issuer, ['register', hash])
}

/** The name an authenticator knows a user by: tells neither name nor subject (WebAuthn 14.6.1). */
export function userHandleOf(ports: Ports, issuer: string, subject: string): string {
  return challengeOf(ports, issuer, ['user', subject])
}

/** 256 bits that nobody works out without the issuer's secret. No part holds a line feed. */
function challengeOf(ports: Ports, issuer: string, parts: readonly string[]): string {
  return createHmac('sha256', ports.keys.secret(issuer, 'passkey'))
    .update(parts.join('\n'))
    .digest('base64url')
}
