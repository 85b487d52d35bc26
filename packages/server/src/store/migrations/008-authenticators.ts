import type { Migration } from './dialect.ts'

/** Passkeys and authenticator apps of users. */
export const authenticators: Migration = {
  version: 8,
  title: 'authenticators of users',
  statements: ({ integer, text, wide }) => [
    `create table authenticators (
      id ${text} not null primary key,
      owner ${text} not null,
      body text not null,
      counter ${integer} not null,
      used_at ${integer}
    ) ${wide}`,
    'create index authenticators_by_owner on authenticators (owner)',
  ],
}
