import type { Migration } from './dialect.ts'

/**
 * What a token says that its client must have a right to, beside its place in a status list: a list is made every few
 * seconds, and looked for it in the whole record of each of its tokens. Entries that are there, and those that a node of
 * an older version writes as long as one runs beside us, have none: what they say is read out of the token, as before.
 * Nothing is filled in: such an entry has its minutes, and a start need not wait for thousands of them.
 */
export const statusRights: Migration = {
  version: 19,
  title: 'what tokens say beside their places in status lists',
  statements: () => ['alter table status_entries add column said text'],
}
