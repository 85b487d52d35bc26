import { type EpochSeconds, type JwsAlg, secondsAfter } from '@holdfast/protocol'
import type { AuditRecord } from '../store/records.ts'
import type { Write } from '../store/writes.ts'
import {
  announcedKeyAt,
  type KeyLife,
  type KeyTimes,
  keyBefore,
  rotationTimes,
  signingKeyAt,
} from './life.ts'
import { newKey, type Workbench } from './make.ts'
import {
  failingWith,
  isWaiting,
  judgePromotion,
  type Promotion,
  type PromotionFacts,
  whyWaited,
} from './promotion.ts'

/** A signing key of an issuer as the rotation sees it: no private half. */
export interface RingKey extends KeyLife {
  readonly alg: JwsAlg
  readonly createdAt: EpochSeconds
}

/** Why a key was changed, and by which request; for the audit. */
export interface RotationCause {
  readonly reason: 'command' | 'schedule' | 'revocation'
  readonly requestId: string
}

export interface Rotated {
  readonly kid: string
  readonly alg: JwsAlg
  /** Not before; later than this only while verifiers do not have it. */
  readonly earliestAt: EpochSeconds
  /** From then on whoever has it. */
  readonly activeAt: EpochSeconds
  /** The key it follows, and until when that one is published. */
  readonly previousKid: string
  readonly previousRemovedAt: EpochSeconds
}

export interface RevokedKey {
  readonly kid: string
  /**
   * The key that signs from now on, or that was announced in the place of the one taken back. Undefined when custody
   * does not answer: one is made when it does, and until then nothing is signed.
   */
  readonly replacementKid: string | undefined
}

/** A key that is to follow another one, made and not yet kept. */
export interface PreparedRotation {
  readonly rotated: Rotated
  readonly writes: readonly Write[]
  /** Ends the new key where it lies, when it was not kept after all. */
  readonly discard: () => Promise<void>
}

/**
 * Makes a key that follows the one that signs.
 * @param verifiers live ones of the issuer
 * @returns undefined when there is none to follow, or when a rotation is under way: one at a time
 */
export async function prepareRotation(
  bench: Workbench,
  issuer: string,
  keys: readonly RingKey[],
  { times, verifiers }: Pick<PromotionFacts, 'times' | 'verifiers'>,
  cause: RotationCause,
): Promise<PreparedRotation | undefined> {
  const now = bench.clock.now()
  const current = signingKeyAt(keys, now)
  if (current === undefined || current.removedAt !== undefined) return undefined
  const { earliestAt, activeAt, removedAt } = rotationTimes(now, times, verifiers.length > 0)
  const { place, write, discard } = await newKey(bench, issuer, current.alg, activeAt)
  const facts = {
    ...{ id: place.id, alg: current.alg, active_at: activeAt, previous: current.kid },
    ...{ previous_removed_at: removedAt, reason: cause.reason },
  }
  const { alg, kid: previousKid } = current
  return {
    rotated: { kid: place.id, alg, earliestAt, activeAt, previousKid, previousRemovedAt: removedAt },
    writes: [
      { kind: 'end-key', issuer, id: current.kid, removedAt },
      write,
      record(bench, issuer, 'key.rotated', cause.requestId, facts),
    ],
    discard,
  }
}

/**
 * Announces the new keys, all in one commit or none.
 * @returns whether they are announced; the ones made for nothing are gone from where keys lie
 */
export async function announceRotations(
  prepared: readonly PreparedRotation[],
  commit: Workbench['store']['commit'],
): Promise<boolean> {
  const discardAll = () => Promise.all(prepared.map(({ discard }) => discard()))
  const result = await commit(prepared.flatMap(({ writes }) => writes)).catch(async (thrown: unknown) => {
    await discardAll()
    throw thrown
  })
  if (!result.committed) await discardAll()
  return result.committed
}

/**
 * Takes a key back at once. In its place comes a new one: if it signed, one that signs now, whether verifiers have it
 * or not, because they ask for a `kid` they do not know; if it was announced, another announced one.
 * @returns undefined when there is no such key, or it was taken back before
 */
export async function revoke(
  bench: Workbench,
  issuer: string,
  key: RingKey,
  keys: readonly RingKey[],
  times: KeyTimes,
  requestId: string,
  commit: Workbench['store']['commit'],
): Promise<RevokedKey | undefined> {
  const now = bench.clock.now()
  const others = keys.filter(({ kid }) => kid !== key.kid)
  const successor = signingKeyAt(others, now)
  const isAnnounced = now < key.activeAt
  const activeAt = isAnnounced && successor !== undefined ? secondsAfter(now, times.announceSeconds) : now
  const needsNew = isAnnounced || signingKeyAt(keys, now)?.kid === key.kid
  // A custody that does not answer must not keep a compromised key alive; the one in its place comes when it does.
  const made = needsNew
    ? await newKey(bench, issuer, key.alg, activeAt).catch((cause: unknown) => {
        bench.log.error('keys.not-replaced', { issuer, kid: key.kid, cause })
        return undefined
      })
    : undefined
  const replacementKid = made?.place.id ?? successor?.kid
  const { kid: id = '', activeAt: since = now, removedAt: end } = successor ?? {}
  const isEndLifted = isAnnounced && made === undefined && end !== undefined
  const lifted: Write = {
    kind: 'retime-key',
    ...{
      issuer,
      id,
      from: { activeAt: since, removedAt: end },
      to: { activeAt: since, removedAt: undefined },
    },
  }
  const { committed } = await commit([
    { kind: 'revoke-key', issuer, id: key.kid, at: now },
    ...(made === undefined ? [] : [made.write]),
    ...(isEndLifted ? [lifted] : []),
    record(bench, issuer, 'key.revoked', requestId, {
      ...{ id: key.kid, alg: key.alg, replacement: replacementKid ?? 'none' },
    }),
  ]).catch(async (thrown: unknown) => {
    await made?.discard()
    throw thrown
  })
  if (committed) return { kid: key.kid, replacementKid }
  await made?.discard()
  return undefined
}

/** After a roll-back the schedule makes no new key for so long: whatever broke the last one wants a person first. */
export const rolledBackSeconds = 86_400

/** Whether the key that signs has reached its age, and nothing follows it yet. */
export function isDue(keys: readonly RingKey[], times: KeyTimes, now: EpochSeconds): boolean {
  const { rotateAfterSeconds, announceSeconds } = times
  const current = signingKeyAt(keys, now)
  if (rotateAfterSeconds === undefined || current === undefined || current.removedAt !== undefined)
    return false
  if (keys.some(({ withdrawnAt }) => withdrawnAt !== undefined && now - withdrawnAt < rolledBackSeconds))
    return false
  // Announced so early that the next one signs when this one reaches its age.
  return now - current.activeAt >= rotateAfterSeconds - announceSeconds
}

/**
 * Moves the first use of an announced key, and with it the end of the one before, to where the verifiers want it.
 * @returns undefined when it stands there already, or another node moved it
 */
export async function pace(
  bench: Workbench,
  issuer: string,
  keys: readonly RingKey[],
  facts: PromotionFacts,
): Promise<Promotion | undefined> {
  const { key, now, times, own } = facts
  const promotion = judgePromotion(facts)
  const { activeAt, waitsFor } = promotion
  const current = signingKeyAt(keys, now)
  const removedAt = secondsAfter(activeAt, times.keptSeconds)
  // What came in the place of a key that was taken back has no end of its own yet.
  const isEndMoved = current?.removedAt !== undefined && current.removedAt !== removedAt
  if (activeAt === key.activeAt && !isEndMoved) return undefined
  const writes: Write[] = []
  if (activeAt !== key.activeAt) {
    const { kid: id, activeAt: before, removedAt: end } = key
    const from = { activeAt: before, removedAt: end }
    writes.push({ kind: 'retime-key', issuer, id, from, to: { activeAt, removedAt: end } })
  }
  if (isEndMoved && current !== undefined) {
    const { kid: id, activeAt: since, removedAt: end } = current
    const from = { activeAt: since, removedAt: end }
    writes.push({ kind: 'retime-key', issuer, id, from, to: { activeAt: since, removedAt } })
  }
  const event = activeAt > key.activeAt || isWaiting(promotion, own) ? 'key.waits' : 'key.promoted'
  const { committed } = await bench.store.commit([
    ...writes,
    record(bench, issuer, event, `promotion-${key.kid}`, {
      ...{ id: key.kid, alg: key.alg, active_at: activeAt, own_check: own, waits_for: waitsFor.length },
      because: waitsFor.slice(0, namedMax).map(verifier => whyWaited(verifier, key.kid)),
    }),
  ])
  return committed ? promotion : undefined
}

/** How many verifiers one audit record names. */
const namedMax = 8

/**
 * Puts a broken key aside and the one before it back: one commit, so that at every moment exactly one signs.
 * An announced key goes at once, because it signed nothing; one that signed stays published as long as that lives.
 * @returns undefined when there is no key before it, or another node was first
 */
export async function rollBack(
  bench: Workbench,
  issuer: string,
  keys: readonly RingKey[],
  { key, now, times, own, verifiers }: PromotionFacts,
): Promise<RolledBack | undefined> {
  const before = keyBefore(key, keys, now)
  if (before === undefined) return undefined
  const removedAt = now < key.activeAt ? now : secondsAfter(now, times.keptSeconds)
  const { kid: id, activeAt, removedAt: end } = before
  const failing = failingWith(key.kid, verifiers)
  const { committed } = await bench.store.commit([
    { kind: 'withdraw-key', issuer, id: key.kid, at: now, removedAt },
    {
      kind: 'retime-key',
      ...{ issuer, id, from: { activeAt, removedAt: end }, to: { activeAt, removedAt: undefined } },
    },
    record(bench, issuer, 'key.rolled-back', `roll-back-${key.kid}`, {
      ...{ id: key.kid, alg: key.alg, signs_again: id, signed: now >= key.activeAt, own_check: own },
      because: failing.slice(0, namedMax).map(verifier => whyWaited(verifier, key.kid)),
    }),
  ])
  return committed ? { kid: key.kid, signsAgain: id } : undefined
}

export interface RolledBack {
  readonly kid: string
  readonly signsAgain: string
}

/** The keys that are watched: one that is announced, and one that signs while the one before it could again. */
export function watchedKeys(keys: readonly RingKey[], now: EpochSeconds): readonly RingKey[] {
  const [announced, signing] = [announcedKeyAt(keys, now), signingKeyAt(keys, now)]
  const isFresh = signing !== undefined && keyBefore(signing, keys, now) !== undefined
  return [...(announced === undefined ? [] : [announced]), ...(isFresh ? [signing] : [])]
}

/**
 * A key that another one has overtaken and that has no end: what is left when the key it came in place of was taken
 * back in the middle of a rotation.
 */
export async function endOvertaken(
  bench: Workbench,
  issuer: string,
  keys: readonly RingKey[],
  { keptSeconds }: KeyTimes,
): Promise<void> {
  const current = signingKeyAt(keys, bench.clock.now())
  if (current === undefined) return
  for (const { kid, alg, activeAt, removedAt, revokedAt } of keys) {
    if (kid === current.kid || removedAt !== undefined || revokedAt !== undefined) continue
    if (activeAt > current.activeAt) continue
    const end = secondsAfter(current.activeAt, keptSeconds)
    const facts = { id: kid, alg, removed_at: end, successor: current.kid }
    await bench.store.commit([
      { kind: 'end-key', issuer, id: kid, removedAt: end },
      record(bench, issuer, 'key.overtaken', `overtaken-${kid}`, facts),
    ])
  }
}

/** Deletes what is no longer published, private half and all. Whoever comes second finds nothing. */
export async function deleteRetired(
  bench: Workbench,
  issuer: string,
  keys: readonly RingKey[],
  destroyed: (kid: string) => Promise<void>,
): Promise<void> {
  const now = bench.clock.now()
  for (const { kid, alg, removedAt, revokedAt, withdrawnAt } of keys) {
    if (removedAt === undefined || now < removedAt || revokedAt !== undefined) continue
    // It is what tells the schedule to rest.
    if (withdrawnAt !== undefined && now - withdrawnAt < rolledBackSeconds) continue
    const facts = { id: kid, alg }
    const { committed } = await bench.store.commit([
      { kind: 'delete-key', issuer, id: kid, at: now },
      record(bench, issuer, 'key.deleted', `retired-${kid}`, facts),
    ])
    if (committed) await destroyed(kid)
  }
}

function record(
  { clock }: Workbench,
  issuer: string,
  event: string,
  requestId: string,
  facts: AuditRecord['facts'],
): Write {
  return {
    kind: 'append-audit',
    record: { at: clock.now(), issuer, event, outcome: 'accepted', requestId, facts },
  }
}
