import type { EpochSeconds } from '@holdfast/protocol'
import type { Clock } from '../ports.ts'
import { jtiKeptSeconds } from './sweep.ts'
import type { Write } from './writes.ts'

type RememberJti = Extract<Write, { kind: 'remember-jti' }>

/**
 * What the replay memory can still vouch for (I6). Beyond it "never seen" would only mean "forgotten":
 * - what was signed before the store began;
 * - what a commit comes too late to remember, as after a pause of the process;
 * - what a sweep may have taken, whatever the clock says since: clocks step back.
 */
export interface ReplayHorizon {
  readonly isBeyond: (write: RememberJti) => boolean
  /** Told before a sweep, with the time it goes by. */
  readonly sweepsAt: (now: EpochSeconds) => void
}

export function openReplayHorizon(epoch: EpochSeconds, clock: Clock): ReplayHorizon {
  let sweptBy = 0
  return {
    isBeyond: ({ issuedAt, expiresAt }) =>
      issuedAt < epoch || expiresAt <= clock.now() || expiresAt + jtiKeptSeconds <= sweptBy,
    sweepsAt: now => {
      sweptBy = Math.max(sweptBy, now)
    },
  }
}
