import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'

interface Ending {
  readonly expiresAt: EpochSeconds
  readonly revokedAt: EpochSeconds | undefined
}

/** Until when something waits: no longer, when all access of its issuer ended. No clock decides that. */
export function endOf({ expiresAt, revokedAt }: Ending): EpochSeconds {
  return revokedAt === undefined ? expiresAt : epochSeconds(0)
}
