import type { Migration } from './dialect.ts'

/** What was remembered before is found by its first characters, as what is remembered from now on (`short-jti.ts`). */
export const shortJtis: Migration = {
  version: 17,
  title: 'shorter keys in the replay memory of the embedded store',
  statements: ({ name, integer, text, narrow }) =>
    name === 'sqlite'
      ? [
          `create table short_jtis (key ${text} not null primary key, expires_at ${integer} not null) ${narrow}`,
          'insert into short_jtis select substr(key, 1, 28), max(expires_at) from jtis group by substr(key, 1, 28)',
          'drop table jtis',
          'alter table short_jtis rename to jtis',
        ]
      : [],
}
