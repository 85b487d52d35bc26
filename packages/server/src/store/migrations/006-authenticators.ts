import type { Dialect, Migration } from './dialect.ts'

/** Out of the body of a session, in words each engine has: whose it is, issuer first. */
function ownerOf({ name }: Dialect): string {
  return name === 'sqlite'
    ? "json_extract(body, '$.issuer') || char(10) || json_extract(body, '$.subject')"
    : "(body::json ->> 'issuer') || chr(10) || (body::json ->> 'subject')"
}

/** Passkeys and authenticator apps of users, and the sessions of a user, so that they can be ended together. */
export const authenticators: Migration = {
  version: 6,
  title: 'authenticators of users, sessions by user',
  statements: dialect => {
    const { integer, text, wide } = dialect
    return [
      `create table authenticators (
        id ${text} not null primary key,
        owner ${text} not null,
        body text not null,
        counter ${integer} not null,
        used_at ${integer}
      ) ${wide}`,
      'create index authenticators_by_owner on authenticators (owner)',
      `alter table sessions add column owner ${text}`,
      `update sessions set owner = ${ownerOf(dialect)}`,
      'create index sessions_by_owner on sessions (owner) where owner is not null',
    ]
  },
}
