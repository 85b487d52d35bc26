import { raisedIf, type SignInSignal } from '../signal.ts'

/** Somebody typed wrong passwords or codes of this user; a password that was right in the end does not clear it. */
export const failedAttempts: SignInSignal = {
  name: 'failed-attempts',
  judge: ({ failures }, { failuresPerDayMax }) => raisedIf(failures > failuresPerDayMax),
}
