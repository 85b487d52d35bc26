import type { EpochSeconds } from '../../brand.ts'
import type { GrantStanding } from '../rfc6749-token/rules.ts'

/** A client asks whether its user has answered: a device (RFC 8628 section 3.4), or by CIBA (section 10.1). */
export interface PollInput {
  readonly now: EpochSeconds
  readonly clientId: string
  /** What the request proves, in the form the store keeps; undefined when nothing. */
  readonly binding: string | undefined
  readonly asked:
    | {
        readonly clientId: string
        readonly binding: string | undefined
        readonly isSpent: boolean
        readonly isApproved: boolean
        readonly isDenied: boolean
        readonly polledAt: EpochSeconds | undefined
        readonly intervalSeconds: number
        readonly expiresAt: EpochSeconds
      }
    | undefined
  readonly grant: GrantStanding
}
