import { type ClientSignal, raisedIf } from '../signal.ts'

/** What it authenticates with ends soon: time for another one, and for whoever wants to slip theirs in. */
export const expiringCredential: ClientSignal = {
  name: 'expiring-credential',
  judge: ({ credentialEndsAt, now }, { expiringCredentialDays }) => {
    if (credentialEndsAt === undefined) return 'unknown'
    if (credentialEndsAt === 'never') return 'quiet'
    return raisedIf(credentialEndsAt - now < expiringCredentialDays * 86_400)
  },
}
