import type { Migration } from './dialect.ts'

const hangingOn = [
  'pushed_requests',
  'interactions',
  'sessions',
  'grants',
  'device_codes',
  'backchannel_requests',
  'access_tokens',
]

/** When all access of an issuer ended, by number, and which number each row was written under. */
export const issuerRevocations: Migration = {
  version: 14,
  title: 'all access of an issuer ends by one row',
  statements: ({ integer, text, narrow }) => [
    `create table issuer_revocations (
      key ${text} not null primary key,
      sequence ${integer} not null,
      at ${integer} not null
    ) ${narrow}`,
    'create unique index issuer_revocations_by_sequence on issuer_revocations (sequence)',
    ...hangingOn.map(table => `alter table ${table} add column born ${integer} not null default 0`),
  ],
}
