import assert from 'node:assert/strict'
import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { GuardKind, Write } from '../writes.ts'
import { approvalScenarios } from './approval-scenarios.ts'
import { authenticatorScenarios } from './authenticator-scenarios.ts'
import { backchannelScenario, pingScenario } from './backchannel-scenarios.ts'
import {
  code,
  deviceCode,
  grant,
  initialAccessToken,
  interaction,
  issuer,
  jti,
  key,
  later,
  logoutNotice,
  newHash,
  ping,
  pushedRequest,
  refreshToken,
  session,
  start,
} from './samples.ts'

/** A guard that would pass, what to spoil about it, and where its time ends. */
export interface GuardScenario {
  readonly prepare: readonly Write[]
  readonly attempt: (at: EpochSeconds) => Write
  /** The first instant at which the guard fails. */
  readonly endsAt: EpochSeconds | undefined
  /** Writes after which the guard fails, by what they did. */
  readonly spoilers: Readonly<Record<string, Write>>
  /** The same guard about something the store has never seen; undefined when there is no such thing. */
  readonly unknown: Write | undefined
  /** Whether passing once makes it fail. */
  readonly isOnce: boolean
}

/** What spoils whatever passes on the rights of a session or grant. */
const endOfAll = {
  'all of its issuer ended': { kind: 'revoke-all-of-issuer', issuer, at: start },
} as const

/** Every guard there is: the type makes a new one show itself here. */
export const guardScenarios: Readonly<Record<GuardKind, () => GuardScenario>> = {
  ...approvalScenarios,
  'spend-pushed-request': () => {
    const record = pushedRequest()
    const attempt = (at: EpochSeconds, hash = record.hash): Write => ({
      kind: 'spend-pushed-request',
      hash,
      at,
    })
    return {
      prepare: [{ kind: 'insert-pushed-request', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: { 'it was spent': attempt(start) },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  'advance-interaction': () => {
    const record = interaction()
    const { hash } = record
    const attempt = (at: EpochSeconds): Write => ({ kind: 'advance-interaction', record, at })
    return {
      prepare: [{ kind: 'insert-interaction', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: {
        'another step came first': attempt(start),
        'it was finished': { kind: 'finish-interaction', hash, version: 1, at: start },
      },
      unknown: { kind: 'advance-interaction', record: { ...record, hash: newHash() }, at: start },
      isOnce: true,
    }
  },
  'finish-interaction': () => {
    const record = interaction()
    const attempt = (at: EpochSeconds, hash = record.hash): Write => ({
      kind: 'finish-interaction',
      hash,
      version: 1,
      at,
    })
    return {
      prepare: [{ kind: 'insert-interaction', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: {
        'it was finished': attempt(start),
        'another step came first': { kind: 'advance-interaction', record, at: start },
      },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  'touch-session': () => {
    const record = session()
    const { hash } = record
    const attempt = (id = hash): Write => ({ kind: 'touch-session', hash: id, idleExpiresAt: later(3600) })
    return {
      prepare: [{ kind: 'insert-session', record }],
      attempt: () => attempt(),
      endsAt: undefined,
      spoilers: { 'it was ended': { kind: 'end-session', hash, at: start }, ...endOfAll },
      unknown: attempt(newHash()),
      isOnce: false,
    }
  },
  'end-session': () => {
    const record = session()
    const attempt = (at: EpochSeconds, hash = record.hash): Write => ({ kind: 'end-session', hash, at })
    return {
      prepare: [{ kind: 'insert-session', record }],
      attempt,
      endsAt: undefined,
      spoilers: {
        'it was ended': attempt(start),
        'it was revoked': { kind: 'revoke-session', hash: record.hash, at: start },
        ...endOfAll,
      },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  ...authenticatorScenarios,
  'claim-logout-notice': () => {
    const record = logoutNotice()
    const attempt = (at: EpochSeconds, id: string = record.id): Write => ({
      kind: 'claim-logout-notice',
      id,
      version: 0,
      at,
      dueAt: secondsAfter(at, 15),
    })
    return {
      prepare: [{ kind: 'insert-logout-notice', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: {
        'it was claimed': attempt(start),
        'it was finished': { kind: 'finish-logout-notice', id: record.id, version: 0 },
      },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  'postpone-logout-notice': () =>
    noticeScenario(id => ({ kind: 'postpone-logout-notice', id, version: 1, dueAt: later(20) })),
  'finish-logout-notice': () => noticeScenario(id => ({ kind: 'finish-logout-notice', id, version: 1 })),
  'require-live-grant': () => {
    const record = grant()
    const attempt = (at: EpochSeconds, id = record.id): Write => ({ kind: 'require-live-grant', id, at })
    return {
      prepare: [{ kind: 'insert-grant', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: { 'it was revoked': { kind: 'revoke-grant', id: record.id, at: start }, ...endOfAll },
      unknown: attempt(start, newHash()),
      isOnce: false,
    }
  },
  'end-grant': () => {
    const record = grant()
    const attempt = (at: EpochSeconds, id = record.id): Write => ({ kind: 'end-grant', id, at })
    return {
      prepare: [{ kind: 'insert-grant', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: {
        'it was ended': attempt(start),
        'it was revoked': { kind: 'revoke-grant', id: record.id, at: start },
        ...endOfAll,
      },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  'spend-code': () => {
    const record = code()
    const attempt = (at: EpochSeconds, hash = record.hash): Write => ({ kind: 'spend-code', hash, at })
    return {
      prepare: [{ kind: 'insert-code', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: { 'it was spent': attempt(start) },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  'approve-device-code': () =>
    deviceScenario((hash, at) => ({ kind: 'approve-device-code', hash, grantId: 'grant-1', at })),
  'deny-device-code': () => deviceScenario((hash, at) => ({ kind: 'deny-device-code', hash, at })),
  'spend-device-code': () => {
    const { prepare, hash, ...scenario } = deviceScenario((hash, at) => ({
      kind: 'spend-device-code',
      hash,
      at,
      binding: 'jkt:one',
    }))
    const binding = 'jkt:other'
    return {
      ...scenario,
      prepare: [...prepare, { kind: 'approve-device-code', hash, grantId: 'grant-1', at: start }],
      spoilers: {
        'it was spent': scenario.attempt(start),
        'another key came first': { kind: 'poll-device-code', hash, at: start, intervalSeconds: 5, binding },
      },
    }
  },
  'approve-backchannel-request': () =>
    backchannelScenario((hash, at) => ({
      kind: 'approve-backchannel-request',
      hash,
      grantId: 'grant-1',
      at,
    })),
  'deny-backchannel-request': () =>
    backchannelScenario((hash, at) => ({ kind: 'deny-backchannel-request', hash, at })),
  'spend-backchannel-request': () => {
    const { prepare, hash, ...scenario } = backchannelScenario((hash, at) => ({
      kind: 'spend-backchannel-request',
      hash,
      at,
      binding: 'jkt:one',
    }))
    const approval = { kind: 'approve-backchannel-request', hash, grantId: 'grant-1', at: start } as const
    const poll = { kind: 'poll-backchannel-request', hash, at: start, intervalSeconds: 5 } as const
    return {
      ...scenario,
      prepare: [...prepare, approval],
      spoilers: {
        'it was spent': scenario.attempt(start),
        'another key came first': { ...poll, binding: 'jkt:other' },
      },
    }
  },
  'take-prompt': () => {
    const key = newHash()
    const take = (holder = newHash()): Write => ({
      kind: 'take-prompt',
      key,
      holder,
      at: start,
      until: later(300),
    })
    return {
      prepare: [],
      attempt: () => take(),
      endsAt: undefined,
      spoilers: { 'somebody has it': take() },
      unknown: undefined,
      isOnce: true,
    }
  },
  'claim-ping': () => {
    const record = ping()
    const attempt = (at: EpochSeconds, id: string = record.id): Write => ({
      kind: 'claim-ping',
      id,
      version: 0,
      at,
      dueAt: secondsAfter(at, 15),
    })
    return {
      prepare: [{ kind: 'insert-ping', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: {
        'it was claimed': attempt(start),
        'it was finished': { kind: 'finish-ping', id: record.id, version: 0 },
      },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  'postpone-ping': () => pingScenario(id => ({ kind: 'postpone-ping', id, version: 1, dueAt: later(20) })),
  'finish-ping': () => pingScenario(id => ({ kind: 'finish-ping', id, version: 1 })),
  'spend-refresh-token': () =>
    refreshScenario((hash, at) => ({ kind: 'spend-refresh-token', hash, at }), {
      'it was retired': hash => ({ kind: 'retire-refresh-token', hash, at: start, graceSeconds: 60 }),
    }),
  'retire-refresh-token': () => ({
    ...refreshScenario((hash, at) => ({ kind: 'retire-refresh-token', hash, at, graceSeconds: 0 }), {
      'it was retired with no grace': hash => ({
        kind: 'retire-refresh-token',
        hash,
        at: start,
        graceSeconds: 0,
      }),
    }),
  }),
  'use-refresh-token': () => ({
    ...refreshScenario((hash, at) => ({ kind: 'use-refresh-token', hash, at, idleExpiresAt: later(3600) }), {
      'it was retired': hash => ({ kind: 'retire-refresh-token', hash, at: start, graceSeconds: 60 }),
    }),
    isOnce: false,
  }),
  'remember-jti': () => {
    const seen = newHash()
    return {
      prepare: [],
      attempt: () => jti(seen),
      endsAt: undefined,
      spoilers: { 'it was seen': jti(seen) },
      unknown: undefined,
      isOnce: true,
    }
  },
  'use-initial-access-token': () => {
    const record = initialAccessToken()
    const { hash } = record
    const attempt = (at: EpochSeconds, id = hash): Write => ({
      kind: 'use-initial-access-token',
      hash: id,
      at,
    })
    return {
      prepare: [{ kind: 'insert-initial-access-token', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: {
        'its last use was taken': attempt(start),
        'it was revoked': { kind: 'revoke-initial-access-token', hash, at: start },
      },
      unknown: attempt(start, newHash()),
      isOnce: true,
    }
  },
  'rotate-registration': () =>
    registrationScenario((clientId, from) => ({
      kind: 'rotate-registration',
      ...{ issuer, clientId, from, to: newHash() },
    })),
  'end-registration': () =>
    registrationScenario((clientId, tokenHash) => ({
      kind: 'end-registration',
      ...{ issuer, clientId, tokenHash },
    })),
  'end-key': () => keyScenario(id => ({ kind: 'end-key', issuer, id, removedAt: later(100) })),
  'retime-key': () =>
    keyScenario(id => ({
      kind: 'retime-key',
      ...{ issuer, id, from: { activeAt: later(600), removedAt: undefined } },
      to: { activeAt: later(700), removedAt: later(800) },
    })),
  'withdraw-key': () =>
    keyScenario(id => ({ kind: 'withdraw-key', issuer, id, at: start, removedAt: later(100) })),
  'revoke-key': () => keyScenario(id => ({ kind: 'revoke-key', issuer, id, at: start })),
  'delete-key': () => {
    const { prepare, ...scenario } = keyScenario(id => ({ kind: 'delete-key', issuer, id, at: start }))
    const [inserted] = prepare
    assert(inserted?.kind === 'insert-key')
    const { id } = inserted.record
    const spoilers = { 'it was deleted': scenario.attempt(start) }
    const ended: Write = { kind: 'end-key', issuer, id, removedAt: start }
    return { ...scenario, prepare: [inserted, ended], spoilers }
  },
  'require-document': () => {
    const document = { documentKind: 'Administrator', issuer, name: newHash(), body: '{"spec":{}}' }
    const { documentKind, name } = document
    return {
      prepare: [{ kind: 'put-document', document }],
      attempt: () => ({ kind: 'require-document', document }),
      endsAt: undefined,
      spoilers: {
        'it was changed': { kind: 'put-document', document: { ...document, body: '{"spec":{"a":1}}' } },
        'it was deleted': { kind: 'delete-document', documentKind, name, issuer },
      },
      unknown: { kind: 'require-document', document: { ...document, name: newHash() } },
      isOnce: false,
    }
  },
  'raise-revision': () => ({
    prepare: [],
    attempt: () => ({ kind: 'raise-revision', from: 0 }),
    endsAt: undefined,
    spoilers: { 'another change came first': { kind: 'raise-revision', from: 0 } },
    unknown: { kind: 'raise-revision', from: 7 },
    isOnce: true,
  }),
}

/** A key ends once, and one that was taken back has no other end. */
function keyScenario(attemptOn: (id: string) => Write): GuardScenario {
  const id = String(newHash())
  return {
    prepare: [{ kind: 'insert-key', record: key(id) }],
    attempt: () => attemptOn(id),
    endsAt: undefined,
    spoilers: { 'it was revoked': { kind: 'revoke-key', issuer, id, at: start } },
    unknown: attemptOn(String(newHash())),
    isOnce: true,
  }
}

/** What came of a try counts once, and only for who holds the claim. */
function noticeScenario(attemptOn: (id: string) => Write): GuardScenario {
  const { id, ...record } = logoutNotice()
  const claim = (version: number, at: EpochSeconds): Write => ({
    kind: 'claim-logout-notice',
    id,
    version,
    at,
    dueAt: secondsAfter(at, 15),
  })
  return {
    prepare: [{ kind: 'insert-logout-notice', record: { id, ...record } }, claim(0, start)],
    attempt: () => attemptOn(id),
    endsAt: undefined,
    spoilers: {
      'another claimed it after this one slept': claim(1, later(15)),
      'it was postponed': { kind: 'postpone-logout-notice', id, version: 1, dueAt: later(20) },
      'it was finished': { kind: 'finish-logout-notice', id, version: 1 },
    },
    unknown: attemptOn(newHash()),
    isOnce: true,
  }
}

type RefreshWrite = (hash: ReturnType<typeof newHash>, at: EpochSeconds) => Write

function refreshScenario(
  attemptOn: RefreshWrite,
  spoilers: Readonly<Record<string, (hash: ReturnType<typeof newHash>) => Write>>,
): GuardScenario {
  const record = refreshToken()
  const { hash } = record
  return {
    prepare: [{ kind: 'insert-refresh-token', record }],
    attempt: at => attemptOn(hash, at),
    endsAt: record.idleExpiresAt,
    spoilers: {
      'it was rotated': { kind: 'spend-refresh-token', hash, at: start },
      'it was revoked': { kind: 'revoke-refresh-token', hash, at: start },
      ...Object.fromEntries(Object.entries(spoilers).map(([name, make]) => [name, make(hash)])),
    },
    unknown: attemptOn(newHash(), start),
    isOnce: true,
  }
}

function deviceScenario(
  attemptOn: (hash: ReturnType<typeof newHash>, at: EpochSeconds) => Write,
): GuardScenario & { readonly hash: ReturnType<typeof newHash> } {
  const record = deviceCode()
  const { hash } = record
  return {
    hash,
    prepare: [{ kind: 'insert-device-code', record }],
    attempt: at => attemptOn(hash, at),
    endsAt: record.expiresAt,
    spoilers: {
      'it was approved': { kind: 'approve-device-code', hash, grantId: 'grant-2', at: start },
      'it was denied': { kind: 'deny-device-code', hash, at: start },
    },
    unknown: attemptOn(newHash(), start),
    isOnce: true,
  }
}

/** One token manages a client, whichever way the one before it went. */
function registrationScenario(
  attemptOn: (clientId: string, tokenHash: ReturnType<typeof newHash>) => Write,
): GuardScenario {
  const [clientId, tokenHash] = [newHash(), newHash()]
  return {
    prepare: [{ kind: 'put-registration', issuer, clientId, tokenHash }],
    attempt: () => attemptOn(clientId, tokenHash),
    endsAt: undefined,
    spoilers: {
      'it was rotated': { kind: 'rotate-registration', issuer, clientId, from: tokenHash, to: newHash() },
      'the client was deleted': { kind: 'end-registration', issuer, clientId, tokenHash },
      'an operator made a new one': { kind: 'put-registration', issuer, clientId, tokenHash: newHash() },
    },
    unknown: attemptOn(newHash(), tokenHash),
    isOnce: true,
  }
}
