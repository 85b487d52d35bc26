import type { Migration } from './dialect.ts'

/** When a key signs, when it goes, and whether it was taken back. A key of before signs since it was made. */
export const keyLife: Migration = {
  version: 4,
  title: 'the life of a signing key',
  statements: ({ integer }) => [
    `alter table keys add column active_at ${integer}`,
    `alter table keys add column removed_at ${integer}`,
    `alter table keys add column revoked_at ${integer}`,
    'update keys set active_at = created_at',
  ],
}
