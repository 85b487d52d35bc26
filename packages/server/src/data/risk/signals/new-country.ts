import { judgeFamiliar } from '../familiar.ts'
import type { SignInSignal } from '../signal.ts'

/** A country that the user is not known to come from. */
export const newCountry: SignInSignal = {
  name: 'new-country',
  judge: (facts, rules) =>
    facts.country === undefined ? 'unknown' : judgeFamiliar('country', facts.country.item, facts, rules),
}
