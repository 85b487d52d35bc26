import type { EpochSeconds } from '@holdfast/protocol'
import type { CoarsePlace, FoundSighting } from '../../store/records.ts'

/** A user in a browser, beside what was seen of them before. */
export interface SignInFacts {
  readonly now: EpochSeconds
  /** What the browser, and the network, are remembered by; undefined: it brought no cookie, it has no address. */
  readonly device: string | undefined
  readonly network: string | undefined
  /** By the operator's geography; undefined: nobody knows. */
  readonly place: CoarsePlace | undefined
  /** By the operator's geography, with what it is remembered by; undefined: nobody knows. */
  readonly country: { readonly code: string; readonly item: string } | undefined
  readonly seen: readonly FoundSighting[]
  /** Within the hour. */
  readonly signIns: number
  /** Wrong passwords and codes of the user within the day. */
  readonly failures: number
  /** Of anybody from the same network within the hour; undefined without an address. */
  readonly networkFailures: number | undefined
}

/** A client, and what is minted for it. */
export interface ClientFacts {
  readonly now: EpochSeconds
  readonly isPublic: boolean
  readonly authMethod: string
  /** Whether the profile of the request demands tokens that are bound to a key. */
  readonly isBoundByProfile: boolean
  /** Undefined: an operator wrote it down, and nobody knows when. */
  readonly registeredAt: EpochSeconds | undefined
  /** What the key it authenticated with is remembered by; undefined: it used none, or is not here itself. */
  readonly key: string | undefined
  readonly seen: readonly FoundSighting[]
  /** End of what it authenticates with; undefined: not known here. */
  readonly credentialEndsAt: EpochSeconds | 'never' | undefined
  /** Minted by this process within the hour. */
  readonly clientTokens: number
  /** Undefined where no user stands behind it. */
  readonly userTokens: number | undefined
}
