import type { Migration } from './dialect.ts'

/**
 * Clients that register themselves: the tokens that let them, the one token that manages each, and the revision in
 * which a document was last written, so that one new client does not make a node read all the others.
 */
export const registration: Migration = {
  version: 7,
  title: 'initial access tokens, registrations, documents by revision',
  statements: ({ integer, text, wide, narrow }) => [
    `alter table documents add column revision ${integer} not null default 0`,
    'create index documents_by_revision on documents (revision)',
    `create table initial_access_tokens (
      hash ${text} not null primary key,
      issuer ${text} not null,
      body text not null,
      uses ${integer} not null,
      expires_at ${integer} not null,
      revoked_at ${integer}
    ) ${wide}`,
    `create table registrations (
      key ${text} not null primary key,
      token_hash ${text} not null
    ) ${narrow}`,
  ],
}
