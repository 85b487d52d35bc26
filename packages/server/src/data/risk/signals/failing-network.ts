import { raisedIf, type SignInSignal } from '../signal.ts'

/** The network fails to sign in as many users, whoever they are. */
export const failingNetwork: SignInSignal = {
  name: 'failing-network',
  judge: ({ networkFailures }, { networkFailuresPerHourMax }) =>
    networkFailures === undefined ? 'unknown' : raisedIf(networkFailures > networkFailuresPerHourMax),
}
