import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { Write } from '../writes.ts'
import type { GuardScenario } from './guard-scenarios.ts'
import { backchannelRequest, later, newHash, ping, start } from './samples.ts'

/** A ping that a courier has claimed. */
export function pingScenario(attemptOn: (id: string) => Write): GuardScenario {
  const record = ping()
  const { id } = record
  const claim = (version: number, at: EpochSeconds): Write => ({
    kind: 'claim-ping',
    id,
    version,
    at,
    dueAt: secondsAfter(at, 15),
  })
  return {
    prepare: [{ kind: 'insert-ping', record }, claim(0, start)],
    attempt: () => attemptOn(id),
    endsAt: undefined,
    spoilers: {
      'another claimed it after this one slept': claim(1, later(15)),
      'it was postponed': { kind: 'postpone-ping', id, version: 1, dueAt: later(20) },
      'it was finished': { kind: 'finish-ping', id, version: 1 },
    },
    unknown: attemptOn(newHash()),
    isOnce: true,
  }
}

/** A request that waits for its user. */
export function backchannelScenario(
  attemptOn: (hash: ReturnType<typeof newHash>, at: EpochSeconds) => Write,
): GuardScenario & { readonly hash: ReturnType<typeof newHash> } {
  const record = backchannelRequest()
  const { hash } = record
  return {
    hash,
    prepare: [{ kind: 'insert-backchannel-request', record }],
    attempt: at => attemptOn(hash, at),
    endsAt: record.expiresAt,
    spoilers: {
      'it was approved': { kind: 'approve-backchannel-request', hash, grantId: 'grant-2', at: start },
      'it was denied': { kind: 'deny-backchannel-request', hash, at: start },
    },
    unknown: attemptOn(newHash(), start),
    isOnce: true,
  }
}
