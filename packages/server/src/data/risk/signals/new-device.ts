import { judgeFamiliar } from '../familiar.ts'
import type { SignInSignal } from '../signal.ts'

/** A browser that is none of those the user is known to use; also one that keeps no cookies. */
export const newDevice: SignInSignal = {
  name: 'new-device',
  judge: (facts, rules) => judgeFamiliar('device', facts.device, facts, rules),
}
