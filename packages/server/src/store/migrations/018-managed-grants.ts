import type { Migration } from './dialect.ts'

/** Hardly any grant is managed: the others have no place in the index. */
export const managedGrants: Migration = {
  version: 18,
  title: 'only managed grants in the index of managed grants',
  statements: () => [
    'drop index grants_by_managed_id',
    `create unique index grants_by_managed_id on grants (managed_id)
      where managed_id is not null and revoked_at is null`,
  ],
}
