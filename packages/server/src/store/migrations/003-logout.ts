import type { Dialect, Migration } from './dialect.ts'

/** Out of the body of a grant, in words each engine has. */
function sidOf({ name }: Dialect): string {
  return name === 'sqlite' ? "json_extract(body, '$.sid')" : "body::json ->> 'sid'"
}

/**
 * What a logout must find: grants by session, who took part in a session, and whom it remains to tell.
 * `grants.sid` is set only where the grant ends with its session.
 */
export const logout: Migration = {
  version: 3,
  title: 'sessions and what ends with them, logout notices',
  statements: dialect => {
    const { integer, text, wide, narrow } = dialect
    return [
      `alter table grants add column sid ${text}`,
      `update grants set sid = ${sidOf(dialect)} where body not like '%"offline_access"%'`,
      'create index grants_by_sid on grants (sid) where sid is not null',
      `create table participants (
        key ${text} not null primary key,
        client_id ${text} not null,
        expires_at ${integer} not null
      ) ${narrow}`,
      `create table logout_notices (
        id ${text} not null primary key,
        issuer ${text} not null,
        body text not null,
        version ${integer} not null,
        failures ${integer} not null,
        due_at ${integer} not null,
        expires_at ${integer} not null
      ) ${wide}`,
      'create index logout_notices_by_due on logout_notices (issuer, due_at)',
    ]
  },
}
