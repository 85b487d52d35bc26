import type { Migration } from './dialect.ts'

/** Whether a user is active, beside the record that says so: a status list asks for thousands of users at a time. */
export const userStatus: Migration = {
  version: 11,
  title: 'the status of users beside their records',
  statements: ({ name, text }) => [
    `alter table users add column status ${text} not null default 'active'`,
    `update users set status = ${name === 'sqlite' ? "json_extract(body, '$.status')" : "body::json ->> 'status'"}`,
  ],
}
