import type { GrantRecord } from './records.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

type Owned = Extract<Write, { kind: 'insert-session' | 'insert-grant' | 'insert-access-token' }>

/** What can be found by its owner. */
export function ownedStepOf(write: Owned): Step {
  const { record } = write
  const body = JSON.stringify(record)
  const subject = ownerKey(record.issuer, record.subject)
  if (write.kind === 'insert-session') {
    const { hash, expiresAt, idleExpiresAt } = write.record
    return { name: write.kind, values: [hash, body, expiresAt, idleExpiresAt, subject] }
  }
  const client = ownerKey(write.record.issuer, write.record.clientId)
  if (write.kind === 'insert-access-token') {
    const { hash, expiresAt, grantId, act } = write.record
    // INVARIANT: what a grant of the same client stands behind ends with that grant.
    const isDetached = grantId === undefined || act !== undefined
    // What ends a client looks for its key in both places: one place is enough when the client acts for itself.
    const owners = isDetached ? [subject, client === subject ? null : client] : [null, null]
    return { name: write.kind, values: [hash, body, expiresAt, ...owners] }
  }
  const { id, expiresAt, sid, managed } = write.record
  const endsWith = endsWithSession(write.record) ? (sid ?? null) : null
  return {
    name: write.kind,
    values: [id, body, expiresAt, endsWith, subject, client, managed?.id ?? null],
  }
}

type OfOwner = Extract<
  Write,
  {
    kind:
      | 'revoke-grants-of-subject'
      | 'revoke-sessions-of-subject'
      | 'revoke-tokens-of-subject'
      | 'revoke-grants-of-client'
      | 'revoke-tokens-of-client'
  }
>

export function ofOwnerStepOf(write: OfOwner): Step {
  const owner = 'subject' in write ? write.subject : write.clientId
  const spared = write.kind === 'revoke-sessions-of-subject' ? [write.except ?? ''] : []
  return { name: write.kind, values: [ownerKey(write.issuer, owner), write.at, ...spared] }
}

/** A user or a client of one issuer; a subject is never a client id (RFC 9700 section 4.15). */
export function ownerKey(issuer: string, owner: string): string {
  return `${issuer}\n${owner}`
}

/** Whether a logout takes the grant along (OpenID Connect Core section 11, Back-Channel Logout section 2.7). */
export function endsWithSession({ scopes }: Pick<GrantRecord, 'scopes'>): boolean {
  return !scopes.includes('offline_access')
}
