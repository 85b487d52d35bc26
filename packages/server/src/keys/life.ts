import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import { keyReportSeconds } from '@holdfast/protocol/key-report.ts'

/**
 * - `announced`: published, does not sign yet, so that verifiers have it when it does.
 * - `active`: signs.
 * - `retiring`: another one signs; published until the last thing it signed has expired.
 * - `retired`: no longer published.
 * - `revoked`: taken back; nothing it signed is to be believed.
 */
export type KeyState = 'announced' | 'active' | 'retiring' | 'retired' | 'revoked'

/** The times of a key. Every state follows from them and the clock, so nodes agree without talking. */
export interface KeyLife {
  readonly kid: string
  readonly activeAt: EpochSeconds
  readonly removedAt: EpochSeconds | undefined
  readonly revokedAt: EpochSeconds | undefined
  /** From when on it signs no more, because it was rolled back; published as long as what it signed lives. */
  readonly withdrawnAt: EpochSeconds | undefined
}

/** How long the stations of a key's life take, in seconds. */
export interface KeyTimes {
  /** From publication to first use: longer than anybody keeps a key set (I33, JWKS-05). */
  readonly announceSeconds: number
  /** From the successor's first use to the end of publication: longer than anything signed lives. */
  readonly keptSeconds: number
  /** Age at which a key is followed by a new one; undefined for rotation by command only. */
  readonly rotateAfterSeconds: number | undefined
  /** How much longer than `announceSeconds` an announced key waits for verifiers that do not have it. */
  readonly waitSecondsMax: number
  /** How often verifiers are asked to report which keys they hold. */
  readonly reportSeconds: number
}

const day = 86_400

/** Verifiers keep a key set for ten minutes at most; signed tokens live for an hour at most. */
export const defaultKeyTimes: KeyTimes = {
  announceSeconds: 660,
  keptSeconds: 3720,
  rotateAfterSeconds: 90 * day,
  waitSecondsMax: day,
  reportSeconds: keyReportSeconds,
}

/** The one key of an algorithm that signs: the youngest whose time has come. */
export function signingKeyAt<K extends KeyLife>(keys: readonly K[], now: EpochSeconds): K | undefined {
  let found: K | undefined
  for (const key of keys)
    if (canSignAt(key, now) && (found === undefined || isYounger(key, found))) found = key
  return found
}

function canSignAt(key: KeyLife, now: EpochSeconds): boolean {
  return key.activeAt <= now && key.withdrawnAt === undefined && isPublishedAt(key, now)
}

/** The key that follows the one that signs: announced, and not rolled back. */
export function announcedKeyAt<K extends KeyLife>(keys: readonly K[], now: EpochSeconds): K | undefined {
  return keys.find(key => now < key.activeAt && key.withdrawnAt === undefined && isPublishedAt(key, now))
}

/** The key that would sign if `key` did not. */
export function keyBefore<K extends KeyLife>(key: K, keys: readonly K[], now: EpochSeconds): K | undefined {
  return signingKeyAt(
    keys.filter(({ kid }) => kid !== key.kid),
    now,
  )
}

export function isPublishedAt({ removedAt, revokedAt }: KeyLife, now: EpochSeconds): boolean {
  return revokedAt === undefined && (removedAt === undefined || now < removedAt)
}

/** @param keys all keys of the same algorithm */
export function stateAt(key: KeyLife, keys: readonly KeyLife[], now: EpochSeconds): KeyState {
  if (key.revokedAt !== undefined) return 'revoked'
  if (!isPublishedAt(key, now)) return 'retired'
  if (now < key.activeAt) return 'announced'
  return signingKeyAt(keys, now)?.kid === key.kid ? 'active' : 'retiring'
}

/** How much later than any decision about it a key would sign that nobody decided about. */
const undecidedSeconds = 1

/**
 * When a key that follows now is first used, and when the one before it goes. Where verifiers report, it is nobody's
 * yet: a node has to look at them and bring its time forward. Were it the other way round, a key would sign unasked
 * when no node came to look while it was announced.
 * @param hasVerifiers whether any reported lately
 */
export function rotationTimes(
  now: EpochSeconds,
  { announceSeconds, keptSeconds, waitSecondsMax }: KeyTimes,
  hasVerifiers: boolean,
): { readonly earliestAt: EpochSeconds; readonly activeAt: EpochSeconds; readonly removedAt: EpochSeconds } {
  const earliestAt = secondsAfter(now, announceSeconds)
  const isUndecided = hasVerifiers && waitSecondsMax > 0
  const activeAt = isUndecided ? secondsAfter(earliestAt, waitSecondsMax + undecidedSeconds) : earliestAt
  return { earliestAt, activeAt, removedAt: secondsAfter(activeAt, keptSeconds) }
}

function isYounger(left: KeyLife, right: KeyLife): boolean {
  return left.activeAt === right.activeAt ? left.kid > right.kid : left.activeAt > right.activeAt
}
