import type { EpochSeconds } from '@holdfast/protocol'
import { raisedIf, type SignInSignal } from '../signal.ts'

/** An hour of the day, in UTC, in which and beside which the user never came. */
export const unusualHour: SignInSignal = {
  name: 'unusual-hour',
  judge: ({ seen, now }, { usualHoursSignInsMin }) => {
    const hours = seen.filter(({ what }) => what === 'hour')
    if (hours.reduce((sum, { count }) => sum + count, 0) < usualHoursSignInsMin) return 'unknown'
    const hour = hourOf(now)
    const near = [hour - 1, hour, hour + 1].map(one => String((one + 24) % 24))
    return raisedIf(!hours.some(({ item }) => near.includes(item)))
  },
}

export function hourOf(now: EpochSeconds): number {
  return Math.floor(now / 3600) % 24
}
