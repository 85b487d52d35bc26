import { judgeFamiliar } from '../familiar.ts'
import type { ClientSignal } from '../signal.ts'

/** It authenticated with a key, a secret or a certificate that it did not use before. */
export const newClientKey: ClientSignal = {
  name: 'new-client-key',
  judge: (facts, rules) =>
    facts.key === undefined ? 'unknown' : judgeFamiliar('key', facts.key, facts, rules),
}
