import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'

/** Time a user has from opening the page to the answer. */
export const interactionLifetimeSeconds = 600

export function interactionEndsAt(now: EpochSeconds): EpochSeconds {
  return secondsAfter(now, interactionLifetimeSeconds)
}

/** Where a step of an interaction is shown and answered. */
export function stepUrl(issuer: string, id: string, step: string): string {
  return `${issuer}/interaction/${id}/${step}`
}
