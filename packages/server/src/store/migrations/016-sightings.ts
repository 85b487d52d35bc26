import type { Migration } from './dialect.ts'

/** What was seen of users and clients before: devices, networks, hours, keys, the place of the last sign-in. */
export const sightings: Migration = {
  version: 16,
  title: 'what was seen of users and clients before',
  statements: ({ integer, text, narrow }) => [
    `create table sightings (
      key ${text} not null primary key,
      place text not null,
      count ${integer} not null,
      first_at ${integer} not null,
      last_at ${integer} not null,
      confirmed ${integer} not null,
      expires_at ${integer} not null
    ) ${narrow}`,
  ],
}
