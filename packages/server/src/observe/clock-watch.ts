import type { EpochSeconds } from '@holdfast/protocol'
import type { Clock, Log, Metrics } from '../ports.ts'

/** Differences below this are slewing and rounding. */
const stepSeconds = 5
/** Longer than anything is accepted that replay memory guards: after it, a forward step may be believed. */
const doubtMs = 15 * 60_000

/**
 * Compares the wall clock with the monotonic one at every call and raises an alarm when it stepped.
 * @returns the time to sweep by. A clock that jumped ahead and comes back must not have made the store forget what
 * is then acceptable again, so the jump is left out for a while.
 */
export function watchClock(clock: Clock, log: Log, metrics: Metrics): () => EpochSeconds {
  let wall: number = clock.now()
  let monotonicMs = clock.monotonicMs()
  let aheadSeconds = 0
  let doubtedUntilMs = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now()
    const nowMs = clock.monotonicMs()
    const seconds = Math.round(now - wall - (nowMs - monotonicMs) / 1000)
    wall = now
    monotonicMs = nowMs
    if (nowMs >= doubtedUntilMs) aheadSeconds = 0
    if (Math.abs(seconds) > stepSeconds) {
      log.error('clock.stepped', {
        seconds,
        advice: 'check the time synchronisation of this machine; proofs and codes are judged by its clock',
      })
      metrics.count('faults_total', { code: 'clock.stepped', route: '' })
      aheadSeconds = Math.max(0, aheadSeconds + seconds)
      doubtedUntilMs = nowMs + doubtMs
    }
    return (now - aheadSeconds) as EpochSeconds
  }
}
