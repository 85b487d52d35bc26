import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import { keySetVersion } from '@holdfast/protocol/key-report.ts'
import type { VerifierRecord } from '../store/records.ts'
import type { KeyTimes } from './life.ts'
import type { RingKey } from './rotation.ts'

/**
 * What this node found when it signed with a key and verified with what is published.
 * - `unable`: custody did not sign, so nothing is known of the key.
 */
export type OwnCheck = 'good' | 'wrong' | 'unable'

export interface PromotionFacts {
  readonly key: RingKey
  /** Live ones of the issuer. */
  readonly verifiers: readonly VerifierRecord[]
  readonly own: OwnCheck
  readonly times: KeyTimes
  readonly now: EpochSeconds
}

export interface Promotion {
  /** From when on the key signs, as things stand. */
  readonly activeAt: EpochSeconds
  /** Live verifiers that have not found its signature good; while there are any, the key waits. */
  readonly waitsFor: readonly VerifierRecord[]
}

/** How far a key that custody cannot use is put off, again and again, and how close it comes before. */
const unableSeconds = 60
const unableNearSeconds = 30

/**
 * When an announced key is first used: once it was published long enough and every live verifier has verified with
 * it, or when the stated time is over. A key that does not sign waits for as long as it does not.
 */
export function judgePromotion({ key, verifiers, own, times, now }: PromotionFacts): Promotion {
  const earliest = secondsAfter(key.createdAt, times.announceSeconds)
  const latest = secondsAfter(earliest, times.waitSecondsMax)
  const waitsFor = verifiers.filter(({ verified }) => !verified.includes(key.kid))
  const due = waitsFor.length === 0 ? earliest : latest
  const ready = due > now ? due : now
  if (own !== 'unable') return { activeAt: ready, waitsFor }
  const put = key.activeAt - now >= unableNearSeconds ? key.activeAt : secondsAfter(now, unableSeconds)
  return { activeAt: put > ready ? put : ready, waitsFor }
}

/** Whether anything but its announcement keeps a key from signing. */
export function isWaiting({ waitsFor }: Promotion, own: OwnCheck): boolean {
  return waitsFor.length > 0 || own === 'unable'
}

/**
 * Whether a key is broken: this node's own signature does not verify, or at least half of the clients that verify
 * say so. A client counts once, however many processes it has, and only for what it was handed by this issuer: a token
 * that somebody shows it is no reason (docs/decisions/0053).
 */
export function isBroken({ kid }: RingKey, verifiers: readonly VerifierRecord[], own: OwnCheck): boolean {
  if (own === 'wrong') return true
  const clients = new Set(verifiers.map(({ clientId }) => clientId))
  const failing = new Set(failingWith(kid, verifiers).map(({ clientId }) => clientId))
  return failing.size > 0 && failing.size * 2 >= clients.size
}

export function failingWith(kid: string, verifiers: readonly VerifierRecord[]): readonly VerifierRecord[] {
  return verifiers.filter(({ unverified }) => unverified.includes(kid))
}

/** Why a verifier is waited for, in words. */
export function whyWaited(
  { clientId, instance, keys, unverified, since }: VerifierRecord,
  kid: string,
): string {
  const who = `${clientId}/${instance}`
  if (unverified.includes(kid)) return `${who} holds the key, but a signature of it does not verify there`
  if (keys.includes(kid)) return `${who} holds the key and has not verified with it yet`
  return `${who} does not hold the key; it holds ${keySetVersion(keys)} since ${isoTime(since)}`
}

function isoTime(seconds: EpochSeconds): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}
