import type { EpochSeconds } from '@holdfast/protocol'
import type { VerifierRecord } from './records.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

/** The SQL texts of signing keys and of those who verify with them. */
export const keyStatements = {
  'insert-key': `insert into keys (issuer, id, use, alg, sealed, created_at, active_at)
    values ($1, $2, $3, $4, $5, $6, $7)`,
  'end-key': `update keys set removed_at = $3
    where issuer = $1 and id = $2 and removed_at is null and revoked_at is null`,
  'retime-key': `update keys set active_at = $3, removed_at = $4
    where issuer = $1 and id = $2 and active_at = $5 and coalesce(removed_at, -1) = $6
      and revoked_at is null and withdrawn_at is null`,
  'withdraw-key': `update keys set withdrawn_at = $3, removed_at = $4
    where issuer = $1 and id = $2 and withdrawn_at is null and revoked_at is null`,
  'revoke-key': `update keys set revoked_at = $3, sealed = $4
    where issuer = $1 and id = $2 and revoked_at is null`,
  'delete-key': 'delete from keys where issuer = $1 and id = $2 and removed_at <= $3',
  'put-verifier': `insert into verifiers (key, body, expires_at) values ($1, $2, $3)
    on conflict (key) do update set body = excluded.body, expires_at = excluded.expires_at`,
  'list-keys': `select issuer, id, use, alg, sealed, created_at, active_at, removed_at, revoked_at, withdrawn_at
    from keys where issuer = $1 order by created_at, id`,
  'list-verifiers': `select body from verifiers where key > $1 and key < $2 and expires_at > $3
    order by key limit $4`,
} as const satisfies Record<string, string>

export const keyGuards = {
  'end-key': true,
  'retime-key': true,
  'withdraw-key': true,
  'revoke-key': true,
  'delete-key': true,
} as const

/** What stands in the place of a private key that is gone. */
const nothing = new Uint8Array(0)

export type KeyWrite = Extract<
  Write,
  {
    kind:
      | 'insert-key'
      | 'retime-key'
      | 'withdraw-key'
      | 'end-key'
      | 'revoke-key'
      | 'delete-key'
      | 'put-verifier'
  }
>

export function keyStepOf(write: KeyWrite): Step {
  switch (write.kind) {
    case 'insert-key': {
      const { issuer, id, use, alg, sealed, createdAt, activeAt } = write.record
      return { name: write.kind, values: [issuer, id, use, alg, sealed, createdAt, activeAt] }
    }
    case 'retime-key': {
      const { issuer, id, from, to } = write
      const [before, after] = [removedOf(from), to.removedAt ?? null]
      return { name: write.kind, values: [issuer, id, to.activeAt, after, from.activeAt, before] }
    }
    case 'withdraw-key':
      return { name: write.kind, values: [write.issuer, write.id, write.at, write.removedAt] }
    case 'end-key':
      return { name: write.kind, values: [write.issuer, write.id, write.removedAt] }
    case 'revoke-key':
      return { name: write.kind, values: [write.issuer, write.id, write.at, nothing] }
    case 'delete-key':
      return { name: write.kind, values: [write.issuer, write.id, write.at] }
    case 'put-verifier': {
      const { record } = write
      return {
        name: write.kind,
        values: [verifierKey(record), JSON.stringify(record), record.expiresAt],
      }
    }
    default:
      return write satisfies never
  }
}

/** A key without an end compares as one that ended before all time. */
function removedOf({ removedAt }: { readonly removedAt: EpochSeconds | undefined }): number {
  return removedAt ?? -1
}

/** Neither an issuer, nor the id of a client, nor the name of an instance holds a line feed. */
function verifierKey({ issuer, clientId, instance }: VerifierRecord): string {
  return `${issuer}\n${clientId}\n${instance}`
}

/** The keys of all verifiers of an issuer, or of one of its clients, lie strictly between these. */
export function verifierRange(issuer: string, clientId?: string): readonly [from: string, to: string] {
  const owner = clientId === undefined ? issuer : `${issuer}\n${clientId}`
  return [`${owner}\n`, `${owner}\u000b`]
}
