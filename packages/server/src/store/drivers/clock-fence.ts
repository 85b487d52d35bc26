import { type Clock, Fault } from '../../ports.ts'
import type { Line } from './postgres-connection.ts'

/** How far a node may be off the store's clock and still write (threat model, section 5). */
const offsetSecondsMax = 30
const checkMilliseconds = 5000
/** `now` is in whole seconds: a difference of one may be rounding. */
const stepSeconds = 2

/** Keeps a node whose clock is wrong from judging proofs and codes by it. */
export interface ClockFence {
  /**
   * The fault to answer with while the node stands outside, or undefined. Asks the store at most every five seconds,
   * and at once when the clock of this machine stepped.
   * @throws whatever broke the connection
   */
  readonly verdict: (line: Line) => Promise<Fault | undefined>
}

interface Check {
  readonly wall: number
  readonly monotonicMs: number
}

export function openClockFence(clock: Clock): ClockFence {
  let passed: Check | undefined
  const isFresh = ({ wall, monotonicMs }: Check): boolean => {
    const elapsedMs = clock.monotonicMs() - monotonicMs
    const stepped = Math.abs(clock.now() - wall - elapsedMs / 1000)
    return elapsedMs < checkMilliseconds && stepped < stepSeconds
  }
  return {
    verdict: async line => {
      if (passed !== undefined && isFresh(passed)) return undefined
      passed = undefined
      const before = clock.now()
      const theirs = await line.seconds()
      const after = clock.now()
      // Whatever the way there and back took, the store's time lies between the two readings of an honest clock.
      const offset = Math.max(before - theirs, theirs - after, 0)
      if (offset > offsetSecondsMax)
        return new Fault('store.clock', {
          detail: `this machine is ${Math.round(offset)} s off the store's clock; check its time synchronisation`,
        })
      passed = { wall: after, monotonicMs: clock.monotonicMs() }
      return undefined
    },
  }
}
