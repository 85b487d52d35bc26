import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

type OfLogout = Extract<
  Write,
  {
    kind: 'revoke-grants-of-session' | 'join-session'
  }
>

/** The statement of a write about the end of a session and whom it remains to tell. */
export function logoutStepOf(write: OfLogout): Step {
  switch (write.kind) {
    case 'revoke-grants-of-session':
      return { name: write.kind, values: [write.sid, write.at] }
    case 'join-session': {
      const { sid, clientId, expiresAt } = write.record
      return { name: write.kind, values: [participantKey(sid, clientId), clientId, expiresAt] }
    }
    default:
      return write satisfies never
  }
}

/** Participants of a session stand side by side: its id, a line feed, which no id holds, the client. */
function participantKey(sid: string, clientId: string): string {
  return `${sid}\n${clientId}`
}

/** The keys of all participants lie strictly between these. */
export function participantRange(sid: string): readonly [from: string, to: string] {
  return [`${sid}\n`, `${sid}\u000b`]
}
