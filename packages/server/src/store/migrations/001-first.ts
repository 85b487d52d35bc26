import type { Dialect, Migration } from './dialect.ts'

/** A table of one-time or revocable records: what never changes is the body, what does is a column. */
function recordTable(dialect: Dialect, name: string, columns: readonly string[] = []): string {
  const { integer, text, wide } = dialect
  return `create table ${name} (
    hash ${text} not null primary key,
    body text not null,
    ${columns.map(column => `${column},\n    `).join('')}expires_at ${integer} not null,
    spent_at ${integer},
    revoked_at ${integer}
  ) ${wide}`
}

export const first: Migration = {
  version: 1,
  title: 'records, replay memory, users, documents, keys and audit',
  statements: dialect => {
    const { integer, text, bytes, wide, narrow, auditKey } = dialect
    const idle = `idle_expires_at ${integer} not null`
    return [
      recordTable(dialect, 'pushed_requests'),
      recordTable(dialect, 'interactions', [`version ${integer} not null`]),
      recordTable(dialect, 'sessions', [idle]),
      recordTable(dialect, 'grants'),
      recordTable(dialect, 'codes'),
      recordTable(dialect, 'access_tokens'),
      recordTable(dialect, 'refresh_tokens', [idle, `retired_at ${integer}`]),
      `create table jtis (key ${text} not null primary key, expires_at ${integer} not null) ${narrow}`,
      `create table failures (
        key ${text} not null primary key,
        count ${integer} not null,
        last_at ${integer} not null,
        expires_at ${integer} not null
      ) ${narrow}`,
      `create table users (
        issuer ${text} not null,
        subject ${text} not null,
        username ${text} not null,
        body text not null,
        primary key (issuer, subject),
        unique (issuer, username)
      ) ${wide}`,
      `create table documents (
        document_kind ${text} not null,
        issuer ${text} not null,
        name ${text} not null,
        body text not null,
        primary key (document_kind, issuer, name)
      ) ${wide}`,
      `create table revisions (id ${integer} not null primary key, number ${integer} not null) ${wide}`,
      'insert into revisions (id, number) values (1, 0)',
      `create table keys (
        issuer ${text} not null,
        id ${text} not null,
        use text not null,
        alg text not null,
        sealed ${bytes} not null,
        created_at ${integer} not null,
        primary key (issuer, id)
      ) ${wide}`,
      `create table audit_chains (chain ${text} not null primary key, began_at ${integer} not null) ${narrow}`,
      `create table audit (
        chain ${text} not null,
        sequence ${integer} not null,
        at ${integer} not null,
        request_id ${text} not null,
        txn ${text},
        previous_hash text not null,
        hash text not null,
        body text not null,
        ${auditKey}
      ) ${wide}`,
      'create index audit_by_request on audit (request_id)',
      'create index audit_by_txn on audit (txn) where txn is not null',
    ]
  },
}
