import type { Migration } from './dialect.ts'

/** Who verifies with our keys and which keys they hold; and which key was put back by a roll-back. */
export const keyVerifiers: Migration = {
  version: 13,
  title: 'verifiers and the keys they hold',
  statements: ({ integer, text, narrow }) => [
    `alter table keys add column withdrawn_at ${integer}`,
    `create table verifiers (
      key ${text} not null primary key,
      body text not null,
      expires_at ${integer} not null
    ) ${narrow}`,
  ],
}
