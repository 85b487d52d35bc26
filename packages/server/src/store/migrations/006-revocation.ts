import type { Dialect, Migration } from './dialect.ts'

/** A member of a body, in words each engine has. */
function member({ name }: Dialect, path: string): string {
  return name === 'sqlite' ? `json_extract(body, '$.${path}')` : `(body::json ->> '${path}')`
}

/** As `ownerKey` writes it: issuer, line feed, subject or client. */
function ownerOf(dialect: Dialect, path: string): string {
  const lineFeed = dialect.name === 'sqlite' ? 'char(10)' : 'chr(10)'
  return `${member(dialect, 'issuer')} || ${lineFeed} || ${member(dialect, path)}`
}

/**
 * What must be found to end all of a user or of a client at once, and a grant by the id its client knows it by.
 * Access tokens need no owner but where no grant of the same client stands behind them.
 */
export const revocation: Migration = {
  version: 6,
  title: 'grants, sessions and access tokens by their owner, managed grants',
  statements: dialect => {
    const { text } = dialect
    const subject = ownerOf(dialect, 'subject')
    const client = ownerOf(dialect, 'clientId')
    return [
      `alter table grants add column subject_key ${text}`,
      `alter table grants add column client_key ${text}`,
      `alter table grants add column managed_id ${text}`,
      `update grants set subject_key = ${subject}, client_key = ${client}`,
      'create index grants_by_subject on grants (subject_key)',
      'create index grants_by_client on grants (client_key)',
      'create unique index grants_by_managed_id on grants (managed_id) where revoked_at is null',
      `alter table sessions add column subject_key ${text}`,
      `update sessions set subject_key = ${subject}`,
      'create index sessions_by_subject on sessions (subject_key)',
      `alter table access_tokens add column subject_key ${text}`,
      `alter table access_tokens add column client_key ${text}`,
      `update access_tokens set subject_key = ${subject}, client_key = ${client}
        where ${member(dialect, 'grantId')} is null or ${member(dialect, 'act')} is not null`,
      'create index access_tokens_by_subject on access_tokens (subject_key) where subject_key is not null',
      'create index access_tokens_by_client on access_tokens (client_key) where client_key is not null',
    ]
  },
}
