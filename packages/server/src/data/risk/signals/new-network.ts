import { judgeFamiliar } from '../familiar.ts'
import type { SignInSignal } from '../signal.ts'

/** A network, IPv4 /24 or IPv6 /48, that the user is not known to come from. */
export const newNetwork: SignInSignal = {
  name: 'new-network',
  judge: (facts, rules) =>
    facts.network === undefined ? 'unknown' : judgeFamiliar('network', facts.network, facts, rules),
}
