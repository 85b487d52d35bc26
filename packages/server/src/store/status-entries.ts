import type { EpochSeconds, JwsAlg } from '@holdfast/protocol'
import type { Row } from './finders.ts'
import { bornAfterEnd } from './issuer-revocations.ts'
import type { AccessTokenRecord } from './records.ts'
import type { Step } from './statements.ts'
import type { StatusStanding } from './store.ts'
import type { Write } from './writes.ts'

export const statusStatements = {
  'insert-status-entry': `insert into status_entries
    (key, issuer, alg, token_hash, client_id, subject, grant_id, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)`,
  'list-statuses': `select e.key, e.alg, e.client_id, e.subject, e.grant_id, e.expires_at,
      case when t.hash is not null and t.revoked_at is null and ${bornAfterEnd('t.born', '$5')}
        then 1 else 0 end as is_token_live,
      case when g.hash is not null and g.revoked_at is null and g.expires_at > $4
        and ${bornAfterEnd('g.born', '$5')} then 1 else 0 end as is_grant_live,
      g.client_key as grant_client_key, u.status as user_status, t.body as token_body
    from status_entries e
    left join access_tokens t on t.hash = e.token_hash
    left join grants g on g.hash = e.grant_id
    left join users u on u.issuer = e.issuer and u.subject = e.subject
    where e.key > $1 and e.key < $2 and e.issuer = $3 order by e.key`,
} as const satisfies Record<string, string>

type OfStatus = Extract<Write, { kind: 'insert-status-entry' }>

export function statusStepOf({ kind, record }: OfStatus): Step {
  const { issuer, list, index, alg, tokenHash, clientId, subject, grantId = null, expiresAt } = record
  const key = `${list}\n${index}`
  return { name: kind, values: [key, issuer, alg, tokenHash, clientId, subject, grantId, expiresAt] }
}

/** The keys of all entries of a list lie strictly between these. */
export function statusRange(list: string): readonly [from: string, to: string] {
  return [`${list}\n`, `${list}\u000b`]
}

/** An entry and everything its token hangs on, out of one row. */
export function statusStandingOf(row: Row): StatusStanding {
  const key = String(row.key)
  const grantId = row.grant_id
  return {
    index: Number(key.slice(key.indexOf('\n') + 1)),
    alg: String(row.alg) as JwsAlg,
    clientId: String(row.client_id),
    subject: String(row.subject),
    expiresAt: Number(row.expires_at) as EpochSeconds,
    isTokenRevoked: Number(row.is_token_live) !== 1,
    said: typeof row.token_body === 'string' ? (JSON.parse(row.token_body) as AccessTokenRecord) : undefined,
    grant:
      grantId === null
        ? undefined
        : {
            isLive: Number(row.is_grant_live) === 1,
            clientId: clientOf(row.grant_client_key),
            isUserActive: row.user_status === 'active',
          },
  }
}

/** Out of a key that `ownerKey` made. */
function clientOf(clientKey: unknown): string | undefined {
  return typeof clientKey === 'string' ? clientKey.slice(clientKey.indexOf('\n') + 1) : undefined
}
