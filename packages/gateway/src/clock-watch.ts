import type { Clock } from '@holdfast/resource-server'
import type { Metrics } from './metrics.ts'
import type { Log } from './ports.ts'

/** Differences below this are slewing and rounding (threat model, section 5). */
const stepSeconds = 5
const lookMs = 1000

/**
 * Tells when the clock of this machine stepped: proofs and tokens are judged by it, and whoever runs the gateway must
 * know why honest ones are refused.
 * @returns ends the watch
 */
export function watchClock(clock: Clock, log: Log, metrics: Metrics): () => void {
  const monotonicMs = clock.monotonicMs ?? (() => performance.now())
  const ahead = (): number => clock.now() - monotonicMs() / 1000
  let before = ahead()
  const timer = setInterval(() => {
    const seconds = Math.round(ahead() - before)
    before = ahead()
    if (Math.abs(seconds) <= stepSeconds) return
    log.error('clock.stepped', { seconds, advice: 'check the time synchronisation of this machine' })
    metrics.count('clock_steps_total', { direction: seconds > 0 ? 'ahead' : 'back' })
  }, lookMs)
  timer.unref()
  return () => clearInterval(timer)
}
