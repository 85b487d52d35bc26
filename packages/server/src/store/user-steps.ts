import { ownerKey } from './owners.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

type OfUser = Extract<
  Write,
  {
    kind:
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
    case 'insert-user': {
      const { record } = write
      const { issuer, subject, username } = record
      return { name: write.kind, values: [issuer, subject, username, JSON.stringify(record)] }
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
