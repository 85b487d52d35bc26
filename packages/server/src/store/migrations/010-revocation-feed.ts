import type { Migration } from './dialect.ts'

/**
 * What ended, in the order in which it became visible. The head is one row: whoever announces holds it to the end of
 * the transaction, so no number is seen before a smaller one.
 */
export const revocationFeed: Migration = {
  version: 10,
  title: 'revocations in order, for those who are told of them',
  statements: ({ integer, text, narrow }) => [
    `create table revocation_head (id ${integer} not null primary key, sequence ${integer} not null) ${narrow}`,
    'insert into revocation_head (id, sequence) values (1, 0)',
    `create table revocations (
      sequence ${integer} not null primary key,
      what ${text} not null,
      key ${text} not null,
      at ${integer} not null,
      committed_ms ${integer} not null
    ) ${narrow}`,
  ],
}
