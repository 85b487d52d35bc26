/** The SQL texts of what ended and of the questions about the audit, beside those of `statements.ts`. */
export const announcementStatements = {
  'raise-revocation-head': 'update revocation_head set sequence = sequence + $1 where id = 1',
  'insert-revocation': `insert into revocations (sequence, what, key, at, committed_ms)
    values ((select sequence from revocation_head where id = 1) - $5, $1, $2, $3, $4)`,
  'list-revocations': `select r.sequence, r.what, r.key, r.at, r.committed_ms, coalesce(g.body, t.body) as body
    from revocations r
    left join grants g on r.what = 'grant' and g.hash = r.key
    left join access_tokens t on r.what = 'token' and t.hash = r.key
    where r.sequence > $1 order by r.sequence limit $2`,
  'list-grants-ended-with-session':
    'select body from grants where sid = $1 and revoked_at is not null and hash > $2 order by hash limit $3',
  'find-audit': `select chain, sequence, previous_hash, hash, body from audit
    where request_id = $1 or txn = $1 order by at, chain, sequence limit $2`,
  'read-audit-chain': `select chain, sequence, previous_hash, hash, body from audit
    where chain = $1 and sequence > $2 order by sequence limit $3`,
  'list-audit-chains': 'select chain from audit_chains order by began_at, chain',
} as const
