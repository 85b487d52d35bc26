import { accept } from '@holdfast/protocol'
import type { AuthenticationMethod } from '../method.ts'

/** A public client only names itself; what it redeems must be bound to a challenge and a key. */
export const none: AuthenticationMethod = {
  method: 'none',
  prove: () => accept({ facts: {}, writes: [] }),
}
