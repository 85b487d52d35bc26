import { type ClientSignal, raisedIf } from '../signal.ts'

/** It registered itself a short while ago. */
export const youngClient: ClientSignal = {
  name: 'young-client',
  judge: ({ registeredAt, now }, { youngClientDays }) =>
    registeredAt === undefined ? 'unknown' : raisedIf(now - registeredAt < youngClientDays * 86_400),
}
