import type { Migration } from './dialect.ts'

/** Live grants of a user in their order, so that a page of them costs no more than it shows. */
export const liveGrants: Migration = {
  version: 12,
  title: 'live grants of a user in order',
  statements: () => [
    'drop index grants_by_subject',
    'create index grants_by_subject on grants (subject_key, hash) where revoked_at is null',
  ],
}
