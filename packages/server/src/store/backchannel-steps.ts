import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

type OfBackchannel = Extract<
  Write,
  {
    kind:
      | 'insert-backchannel-request'
      | 'poll-backchannel-request'
      | 'approve-backchannel-request'
      | 'deny-backchannel-request'
      | 'spend-backchannel-request'
      | 'take-prompt'
      | 'free-prompt'
  }
>

/** The statement of a write about users who answer elsewhere (CIBA). */
export function backchannelStepOf(write: OfBackchannel): Step {
  switch (write.kind) {
    case 'insert-backchannel-request': {
      const { record } = write
      const { hash, expiresAt, issuer, subject, binding = null, intervalSeconds } = record
      const values = [hash, JSON.stringify(record), expiresAt, issuer, subject, binding, intervalSeconds]
      return { name: write.kind, values }
    }
    case 'poll-backchannel-request':
      return {
        name: write.kind,
        values: [write.hash, write.at, write.intervalSeconds, write.binding ?? null],
      }
    case 'approve-backchannel-request':
      return { name: write.kind, values: [write.hash, write.at, write.grantId] }
    case 'deny-backchannel-request':
      return { name: write.kind, values: [write.hash, write.at] }
    case 'spend-backchannel-request':
      return { name: write.kind, values: [write.hash, write.at, write.binding ?? null] }
    case 'take-prompt':
      return { name: write.kind, values: [write.key, write.holder, write.until, write.at] }
    case 'free-prompt':
      return { name: write.kind, values: [write.key, write.holder] }
    default:
      return write satisfies never
  }
}
