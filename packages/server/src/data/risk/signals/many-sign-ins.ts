import { raisedIf, type SignInSignal } from '../signal.ts'

/** The user signed in more often within the hour than people do. */
export const manySignIns: SignInSignal = {
  name: 'many-sign-ins',
  judge: ({ signIns }, { signInsPerHourMax }) => raisedIf(signIns > signInsPerHourMax),
}
