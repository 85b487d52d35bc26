import type { GuardKind, Write } from '../writes.ts'
import type { GuardScenario } from './guard-scenarios.ts'
import { issuer, newHash, user } from './samples.ts'

/** The guards about users themselves. */
export const userGuardScenarios = {
  'insert-user': () => {
    const record = user(newHash(), newHash())
    const sameName = { ...record, subject: newHash() }
    return {
      prepare: [],
      attempt: (): Write => ({ kind: 'insert-user', record }),
      endsAt: undefined,
      spoilers: {
        'the subject is there': { kind: 'put-user', record: { ...record, username: newHash() } },
        'the username is taken': { kind: 'put-user', record: sameName },
      },
      unknown: undefined,
      isOnce: true,
    }
  },
  'require-user': () => {
    const record = user(newHash(), newHash())
    const attempt = (): Write => ({ kind: 'require-user', record })
    const changed = { ...record, passwordHash: 'another' }
    return {
      prepare: [{ kind: 'put-user', record }],
      attempt,
      endsAt: undefined,
      spoilers: {
        'the password was changed': { kind: 'put-user', record: changed },
        'the user was deleted': { kind: 'delete-user', issuer, subject: record.subject },
      },
      unknown: { kind: 'require-user', record: user(newHash(), newHash()) },
      isOnce: false,
    }
  },
} satisfies Partial<Readonly<Record<GuardKind, () => GuardScenario>>>
