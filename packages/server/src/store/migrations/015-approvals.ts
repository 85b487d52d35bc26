import type { Migration } from './dialect.ts'

/** What waits for the approval of others, and what users need not be asked again. */
export const approvals: Migration = {
  version: 15,
  title: 'approvals, remembered consents',
  statements: ({ integer, text, narrow, wide }) => [
    `create table approvals (
      key ${text} not null primary key,
      issuer ${text} not null,
      asker ${text} not null,
      asked_of ${text} not null,
      body text not null,
      version ${integer} not null,
      approved_at ${integer},
      denied_at ${integer},
      spent_at ${integer},
      expires_at ${integer} not null
    ) ${wide}`,
    'create index approvals_by_issuer on approvals (issuer, expires_at)',
    'create index approvals_by_asker on approvals (asker)',
    `create table remembered_consents (
      key ${text} not null primary key,
      grant_id ${text} not null,
      subject_key ${text} not null,
      client_key ${text} not null,
      body text not null,
      expires_at ${integer} not null
    ) ${narrow}`,
    'create index remembered_consents_by_subject on remembered_consents (subject_key)',
    'create index remembered_consents_by_client on remembered_consents (client_key)',
  ],
}
