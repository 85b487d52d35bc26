import type { EpochSeconds } from '@holdfast/protocol'
import type { Clock } from './ports.ts'

/** The machine's clocks; the only place that reads them. */
export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000) as EpochSeconds,
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}
