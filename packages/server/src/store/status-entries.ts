import type { EpochSeconds, JwsAlg } from '@holdfast/protocol'
import type { Row } from './finders.ts'
import { bornAfterEnd } from './issuer-revocations.ts'
import type { AccessTokenRecord, SaidRights } from './records.ts'
import type { Step } from './statements.ts'
import type { StatusStanding } from './store.ts'
import type { Write } from './writes.ts'

export const statusStatements = {
  'insert-status-entry': `insert into status_entries
    (key, issuer, alg, token_hash, client_id, subject, grant_id, expires_at, said)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  'list-statuses': `select e.key, e.alg, e.client_id, e.subject, e.grant_id, e.expires_at,
      case when t.hash is not null and t.revoked_at is null and ${bornAfterEnd('t.born', '$5')}
        then 1 else 0 end as is_token_live,
      case when g.hash is not null and g.revoked_at is null and g.expires_at > $4
        and ${bornAfterEnd('g.born', '$5')} then 1 else 0 end as is_grant_live,
      g.client_key as grant_client_key, u.status as user_status,
      coalesce(e.said, t.body) as said
    from status_entries e
    left join access_tokens t on t.hash = e.token_hash
    left join grants g on g.hash = e.grant_id
    left join users u on u.issuer = e.issuer and u.subject = e.subject
    where e.key > $1 and e.key < $2 and e.issuer = $3 order by e.key limit $6`,
} as const satisfies Record<string, string>

type OfStatus = Extract<Write, { kind: 'insert-status-entry' }>

export function statusStepOf({ kind, record }: OfStatus): Step {
  const { issuer, list, index, alg, tokenHash, clientId, subject, grantId = null, said, expiresAt } = record
  const values = [keyOf(list, index), issuer, alg, tokenHash, clientId, subject, grantId, expiresAt]
  return { name: kind, values: [...values, textOf(said)] }
}

function keyOf(list: string, index: number | ''): string {
  return `${list}\n${index}`
}

/** Only this: a record of a token has much more that may be in here, and no two would say the same. */
function textOf({ audience, scopes, authorizationDetails }: SaidRights): string {
  return JSON.stringify({ audience, scopes, authorizationDetails })
}

/** The keys of all entries of a list, or of those that follow on `after`, lie strictly between these. */
export function statusRange(list: string, after?: number): readonly [from: string, to: string] {
  return [keyOf(list, after ?? ''), `${list}\u000b`]
}

/** Hardly any two tokens of a list say something else: each text is read once. */
export function statusStandingsOf(rows: readonly Row[]): readonly StatusStanding[] {
  const known = new Map<string, SaidRights>()
  return rows.map(row => {
    if (typeof row.said !== 'string') return statusStandingOf(row, undefined)
    const said = known.get(row.said) ?? saidOf(row.said)
    known.set(row.said, said)
    return statusStandingOf(row, said)
  })
}

/** Out of what `textOf` made, or out of the whole body of a token. */
function saidOf(text: string): SaidRights {
  const { audience, scopes, authorizationDetails } = JSON.parse(text) as AccessTokenRecord
  return { audience, scopes, ...(authorizationDetails !== undefined && { authorizationDetails }) }
}

/** An entry and everything its token hangs on, out of one row. */
function statusStandingOf(row: Row, said: SaidRights | undefined): StatusStanding {
  const key = String(row.key)
  const grantId = row.grant_id
  return {
    index: Number(key.slice(key.indexOf('\n') + 1)),
    alg: String(row.alg) as JwsAlg,
    clientId: String(row.client_id),
    subject: String(row.subject),
    expiresAt: Number(row.expires_at) as EpochSeconds,
    isTokenRevoked: Number(row.is_token_live) !== 1,
    said,
    grant:
      grantId === null
        ? undefined
        : {
            id: String(grantId),
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
