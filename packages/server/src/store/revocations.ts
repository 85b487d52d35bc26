import type { EpochSeconds } from '@holdfast/protocol'
import type { Write } from './writes.ts'

/**
 * Everything a user has here ends: grants with their refresh and access tokens, sessions, tokens that were exchanged for
 * the user's, what need not be asked again and what others approved. What comes after needs a new login. Doing it again changes nothing.
 */
export function revocationOfSubject(issuer: string, subject: string, at: EpochSeconds): readonly Write[] {
  return [
    { kind: 'revoke-grants-of-subject', issuer, subject, at },
    { kind: 'revoke-sessions-of-subject', issuer, subject, at },
    { kind: 'revoke-tokens-of-subject', issuer, subject, at },
    { kind: 'forget-consents-of-subject', issuer, subject },
    { kind: 'forget-approvals-of-subject', issuer, subject },
  ]
}

/**
 * Everything a client has here ends: what users allowed it, its own tokens and those exchanged by or from it. The client
 * itself may go on and ask again; to stop it, suspend it.
 */
export function revocationOfClient(issuer: string, clientId: string, at: EpochSeconds): readonly Write[] {
  return [
    { kind: 'revoke-grants-of-client', issuer, clientId, at },
    { kind: 'revoke-tokens-of-client', issuer, clientId, at },
    { kind: 'forget-consents-of-client', issuer, clientId },
    { kind: 'forget-approvals-of-client', issuer, clientId },
  ]
}
