import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

type OfOutbox = Extract<
  Write,
  {
    kind:
      | 'insert-logout-notice'
      | 'claim-logout-notice'
      | 'postpone-logout-notice'
      | 'finish-logout-notice'
      | 'insert-ping'
      | 'claim-ping'
      | 'postpone-ping'
      | 'finish-ping'
  }
>

/** The statement of a write about what remains to be told to somebody else: the life of a notice and of a ping is one. */
export function outboxStepOf(write: OfOutbox): Step {
  switch (write.kind) {
    case 'insert-logout-notice':
    case 'insert-ping': {
      const { record } = write
      const { id, issuer, version, failures, dueAt, expiresAt } = record
      return {
        name: write.kind,
        values: [id, issuer, JSON.stringify(record), version, failures, dueAt, expiresAt],
      }
    }
    case 'claim-logout-notice':
    case 'claim-ping':
      return { name: write.kind, values: [write.id, write.version, write.at, write.dueAt] }
    case 'postpone-logout-notice':
    case 'postpone-ping':
      return { name: write.kind, values: [write.id, write.version, write.dueAt] }
    case 'finish-logout-notice':
    case 'finish-ping':
      return { name: write.kind, values: [write.id, write.version] }
    default:
      return write satisfies never
  }
}
