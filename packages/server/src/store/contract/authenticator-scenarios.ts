import type { AuthenticatorRecord } from '../records.ts'
import type { GuardKind, Write } from '../writes.ts'
import type { GuardScenario } from './guard-scenarios.ts'
import { issuer, newHash, passkey, start, totp, user } from './samples.ts'

type OfUser = Extract<
  GuardKind,
  'require-user' | 'insert-authenticator' | 'use-authenticator' | 'delete-authenticator'
>

/** Guards of what a user signs in with. */
export const authenticatorScenarios: Readonly<Record<OfUser, () => GuardScenario>> = {
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
  'insert-authenticator': () => {
    const record = totp(newHash())
    const attempt = (one: AuthenticatorRecord): Write => ({
      kind: 'insert-authenticator',
      record: one,
      counter: 7,
      ofUserMax: 2,
    })
    return {
      prepare: [attempt(passkey(record.subject))],
      attempt: () => attempt(record),
      endsAt: undefined,
      spoilers: {
        'it is there': attempt(record),
        'the user has as many as there may be': attempt(passkey(record.subject)),
      },
      unknown: undefined,
      isOnce: true,
    }
  },
  'use-authenticator': () => {
    const record = totp()
    const { id } = record
    const attempt = (counter: number, one = id): Write => ({
      kind: 'use-authenticator',
      id: one,
      counter,
      at: start,
    })
    return {
      prepare: [{ kind: 'insert-authenticator', record, counter: 41, ofUserMax: 1000 }],
      attempt: () => attempt(42),
      endsAt: undefined,
      spoilers: {
        'the same counter was used': attempt(42),
        'a later counter was used': attempt(43),
        'it was deleted': { kind: 'delete-authenticator', id },
      },
      unknown: attempt(42, newHash()),
      isOnce: true,
    }
  },
  'delete-authenticator': () => {
    const record = passkey(newHash())
    const { id, subject } = record
    const attempt = (one = id): Write => ({ kind: 'delete-authenticator', id: one })
    return {
      prepare: [{ kind: 'insert-authenticator', record, counter: 0, ofUserMax: 1000 }],
      attempt: () => attempt(),
      endsAt: undefined,
      spoilers: {
        'it was deleted': attempt(),
        'all of the user were deleted': { kind: 'delete-authenticators-of-user', issuer, subject },
      },
      unknown: attempt(newHash()),
      isOnce: true,
    }
  },
}
