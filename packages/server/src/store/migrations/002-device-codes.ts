import type { Migration } from './dialect.ts'

export const deviceCodes: Migration = {
  version: 2,
  title: 'device codes',
  statements: ({ integer, text, wide }) => [
    `create table device_codes (
      hash ${text} not null primary key,
      body text not null,
      user_code ${text} not null unique,
      binding text,
      interval_seconds ${integer} not null,
      polled_at ${integer},
      grant_id text,
      denied_at ${integer},
      expires_at ${integer} not null,
      spent_at ${integer},
      revoked_at ${integer}
    ) ${wide}`,
  ],
}
