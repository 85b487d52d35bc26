import { bornAfterEnd } from './issuer-revocations.ts'
import { ownerKey } from './owners.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

/** A user as it was read, and what the user signs in with. */
export const userStatements = {
  'put-user': `insert into users (issuer, subject, username, body, status) values ($1, $2, $3, $4, $5)
    on conflict (issuer, subject) do update set username = excluded.username, body = excluded.body,
      status = excluded.status`,
  'insert-user': `insert into users (issuer, subject, username, body, status) values ($1, $2, $3, $4, $5)
    on conflict do nothing`,
  'delete-user': 'delete from users where issuer = $1 and subject = $2',
  'find-user-by-username': 'select body from users where issuer = $1 and username = $2',
  'find-user-by-subject': 'select body from users where issuer = $1 and subject = $2',
  'list-users': 'select body from users where issuer = $1 order by username',
  'list-sessions': `select body, spent_at, revoked_at, idle_expires_at from sessions
    where subject_key = $1 and revoked_at is null and expires_at > $2
    and ${bornAfterEnd('born', '$4')} order by hash limit $3`,
  // An update and not a question: it takes the lock that a change of the user waits for, on either engine.
  'require-user': 'update users set body = body where issuer = $1 and subject = $2 and body = $3',
  'insert-authenticator': `insert into authenticators (id, owner, body, counter)
    select $1, $2, $3, $4 where (select count(*) from authenticators where owner = $2) < $5
    on conflict (id) do nothing`,
  'use-authenticator': `update authenticators set counter = $2, used_at = $3
    where id = $1 and (counter < $2 or (counter = 0 and $2 = 0))`,
  'delete-authenticator': 'delete from authenticators where id = $1',
  'delete-authenticators-of-user': 'delete from authenticators where owner = $1',
  'find-authenticator': 'select body, counter, used_at from authenticators where id = $1',
  'list-authenticators':
    'select body, counter, used_at from authenticators where owner = $1 order by id limit 100',
} as const

export const userGuards = {
  'insert-user': true,
  'require-user': true,
  'insert-authenticator': true,
  'use-authenticator': true,
  'delete-authenticator': true,
} as const

type OfUser = Extract<
  Write,
  {
    kind:
      | 'put-user'
      | 'insert-user'
      | 'require-user'
      | 'insert-authenticator'
      | 'use-authenticator'
      | 'delete-authenticator'
      | 'delete-authenticators-of-user'
  }
>

export function userStepOf(write: OfUser): Step {
  switch (write.kind) {
    case 'put-user':
    case 'insert-user': {
      const { record } = write
      const { issuer, subject, username, status } = record
      return { name: write.kind, values: [issuer, subject, username, JSON.stringify(record), status] }
    }
    case 'require-user': {
      const { record } = write
      return { name: write.kind, values: [record.issuer, record.subject, JSON.stringify(record)] }
    }
    case 'insert-authenticator': {
      const { record, counter, ofUserMax } = write
      const owner = ownerKey(record.issuer, record.subject)
      return { name: write.kind, values: [record.id, owner, JSON.stringify(record), counter, ofUserMax] }
    }
    case 'use-authenticator':
      return { name: write.kind, values: [write.id, write.counter, write.at] }
    case 'delete-authenticator':
      return { name: write.kind, values: [write.id] }
    case 'delete-authenticators-of-user':
      return { name: write.kind, values: [ownerKey(write.issuer, write.subject)] }
    default:
      return write satisfies never
  }
}
