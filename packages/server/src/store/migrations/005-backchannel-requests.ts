import type { Migration } from './dialect.ts'

/**
 * Clients that wait for a user who answers elsewhere, the places their prompts take, and whom to ping. Pings have a
 * table of their own: a node of the version before would take them for logouts.
 */
export const backchannelRequests: Migration = {
  version: 5,
  title: 'backchannel authentication requests, prompts, pings',
  statements: ({ integer, text, wide, narrow }) => [
    `create table backchannel_requests (
      hash ${text} not null primary key,
      body text not null,
      issuer ${text} not null,
      subject ${text} not null,
      binding text,
      interval_seconds ${integer} not null,
      polled_at ${integer},
      grant_id text,
      denied_at ${integer},
      expires_at ${integer} not null,
      spent_at ${integer},
      revoked_at ${integer}
    ) ${wide}`,
    'create index backchannel_requests_by_user on backchannel_requests (issuer, subject)',
    `create table prompts (
      key ${text} not null primary key,
      holder ${text} not null,
      expires_at ${integer} not null
    ) ${narrow}`,
    `create table pings (
      id ${text} not null primary key,
      issuer ${text} not null,
      body text not null,
      version ${integer} not null,
      failures ${integer} not null,
      due_at ${integer} not null,
      expires_at ${integer} not null
    ) ${wide}`,
    'create index pings_by_due on pings (issuer, due_at)',
  ],
}
