import type { Migration } from './dialect.ts'

/** Which entry of which status list a token has. The key is list and index: none is given twice. */
export const statusEntries: Migration = {
  version: 9,
  title: 'entries of status lists',
  statements: ({ integer, text, narrow }) => [
    `create table status_entries (
      key ${text} not null primary key,
      issuer ${text} not null,
      alg text not null,
      token_hash ${text} not null,
      client_id ${text} not null,
      subject ${text} not null,
      grant_id ${text},
      expires_at ${integer} not null
    ) ${narrow}`,
  ],
}
