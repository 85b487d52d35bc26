import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { EpochSeconds, JwsAlg } from '@holdfast/protocol'
import { Fault, type Keys, type Metrics } from '../ports.ts'
import type { VerifierRecord } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import type { KeyRecord } from '../store/writes.ts'
import { isReference } from './custody/key-custody.ts'
import type { Custody, SealedPlace } from './custody/software.ts'
import { softwareKeys } from './custody/software-keys.ts'
import {
  defaultKeyTimes,
  isPublishedAt,
  type KeyState,
  type KeyTimes,
  signingKeyAt,
  stateAt,
} from './life.ts'
import { ensureRootSecret, insertFirstKey, rootSecretId, type Workbench } from './make.ts'
import { type KeyCheck, KeyChecks } from './own-check.ts'
import { isBroken, isWaiting, type OwnCheck, whyWaited } from './promotion.ts'
import { type PublishedKeys, publishedKeys } from './published.ts'
import {
  announceRotations,
  deleteRetired,
  endOvertaken,
  isDue,
  type PreparedRotation,
  pace,
  prepareRotation,
  type RevokedKey,
  type RingKey,
  type Rotated,
  revoke,
  rollBack,
  watchedKeys,
} from './rotation.ts'
import { ownSigningAlgs, type SigningKey, slowToMake } from './signing-key.ts'

export interface RingOptions extends Omit<Workbench, 'keyCustody'> {
  readonly issuers: readonly RingIssuer[]
  readonly times?: KeyTimes
  /** Where new keys lie; in the memory of this process unless told otherwise. */
  readonly keyCustody?: Workbench['keyCustody']
  readonly metrics?: Metrics
}

type Bench = RingOptions & Workbench

export interface RingIssuer {
  readonly url: string
  /** What the issuer's floor allows now; a key is made for each. */
  readonly algs: readonly JwsAlg[]
}

/** A signing key and where it stands in its life. */
export interface KeyView extends RingKey {
  readonly state: KeyState
  /** Why an announced key does not sign yet though it was published long enough; empty when it need not wait. */
  readonly waitsFor: readonly string[]
}

export interface Ring extends Keys {
  /** Resolves when every key exists. The ring works before: with the algorithms it has, and names no others. */
  readonly whenComplete: Promise<void>
  /** Takes in keys that other nodes inserted, ended or took back, and what the clock changed. */
  readonly refresh: () => Promise<void>
  /** Makes keys that a new floor asks for, rotates what has reached its age, and deletes what nobody needs any more. */
  readonly keepUp: () => Promise<void>
  /** By when they begin to sign, the revoked ones too. */
  readonly list: (issuer: string) => readonly KeyView[]
  /** Live verifiers of the issuer, as the store knew them at the last `keepUp`. */
  readonly verifiers: (issuer: string) => readonly VerifierRecord[]
  /**
   * All of them in one commit, or none.
   * @param commit by which it is written, with what else belongs to it; the store's own unless said
   * @returns those that follow a key now; one whose rotation is under way, or has no key to follow, is left out
   */
  readonly rotate: (
    wanted: readonly KeyPlace[],
    requestId: string,
    commit?: Store['commit'],
  ) => Promise<readonly (KeyPlace & Rotated)[]>
  /** @returns undefined when there is no such key, or it was taken back before */
  readonly revoke: (
    issuer: string,
    kid: string,
    requestId: string,
    commit?: Store['commit'],
  ) => Promise<RevokedKey | undefined>
}

/** Whose key, and for which algorithm. */
export interface KeyPlace {
  readonly issuer: string
  readonly alg: JwsAlg
}

/** What one issuer signs with right now. Replaced whole. */
interface IssuerKeys {
  readonly active: ReadonlyMap<JwsAlg, SigningKey>
  readonly algs: readonly JwsAlg[]
  readonly published: PublishedKeys
  readonly rootSecret: Buffer
  readonly all: readonly RingKey[]
  readonly opened: ReadonlyMap<string, SigningKey>
  readonly records: readonly KeyRecord[]
}

const secretBytes = 32
/** Most verifiers of an issuer that are looked at; more than that is no number of APIs we know of. */
const verifiersMax = 2000

/**
 * Opens, or on first start makes, the keys of every issuer. All but RSA keys exist when this resolves; those
 * follow in the background, because finding primes can take longer than a start may.
 */
export async function openRing(given: RingOptions): Promise<Ring> {
  const options: Bench = { keyCustody: softwareKeys, ...given }
  const { issuers } = options
  const checks = new KeyChecks(options.clock)
  /** Keys that signed nothing when they were asked last. */
  const silent = new Set<string>()
  const byIssuer = new Map<string, IssuerKeys>()
  const load = async (issuer: RingIssuer): Promise<void> => {
    const opened = openRecords(options, issuer, await options.store.listKeys(issuer.url))
    const before = byIssuer.get(issuer.url)?.published
    // The same document stays the same bytes: whoever imported its keys need not do it again every few seconds.
    const published = before?.etag === opened.published.etag ? before : opened.published
    byIssuer.set(issuer.url, { ...opened, published })
  }
  const complete = async (issuer: RingIssuer, wanted: readonly JwsAlg[]): Promise<void> => {
    const missing = wanted.filter(alg => !byIssuer.get(issuer.url)?.active.has(alg))
    if (missing.length === 0) return
    const all = byIssuer.get(issuer.url)?.all ?? []
    const lastRevoked = (alg: JwsAlg): string | undefined =>
      all
        .filter(key => key.alg === alg && key.revokedAt !== undefined)
        .toSorted((left, right) => (left.revokedAt ?? 0) - (right.revokedAt ?? 0))
        .at(-1)?.kid
    await Promise.all(missing.map(alg => insertFirstKey(options, issuer.url, alg, lastRevoked(alg))))
    await load(issuer)
  }
  const wantedAlgs = (issuer: RingIssuer): readonly JwsAlg[] => wantedOf(issuer, options.keyCustody)
  const quickOf = (issuer: RingIssuer): readonly JwsAlg[] =>
    wantedAlgs(issuer).filter(alg => !slowToMake.includes(alg))

  await Promise.all(
    issuers.map(async issuer => {
      await ensureRootSecret(options, issuer.url)
      await load(issuer)
      await complete(issuer, quickOf(issuer))
    }),
  )
  const whenComplete = Promise.all(issuers.map(issuer => complete(issuer, wantedAlgs(issuer)))).then(
    () => undefined,
  )
  return {
    ...keysOver(byIssuer, options, checks, silent),
    ...changesTo(options, byIssuer, checks, silent, load, complete),
    whenComplete,
    refresh: async () => void (await Promise.all(issuers.map(load))),
  }
}

function wantedOf(issuer: RingIssuer, { algs }: Workbench['keyCustody']): readonly JwsAlg[] {
  return ownSigningAlgs.filter(alg => issuer.algs.includes(alg) && algs.includes(alg))
}

function keysOver(
  byIssuer: ReadonlyMap<string, IssuerKeys>,
  { custody, metrics, times = defaultKeyTimes }: Bench,
  checks: KeyChecks,
  silent: Set<string>,
): Keys {
  const keysOf = (issuer: string): IssuerKeys => {
    const keys = byIssuer.get(issuer)
    if (keys === undefined)
      throw new Fault('keys.unavailable', { detail: `no keys for issuer \`${issuer}\`` })
    return keys
  }
  const secrets = new Map<string, KeyObject>()
  return {
    sign: async (issuer, alg, typ, claims) => {
      // A step of its own: what is signed for requests that came together is signed in a row (`http/gathering.ts`).
      await undefined
      const key = keysOf(issuer).active.get(alg)
      if (key === undefined) throw new Fault('keys.unavailable', { detail: `no active key for ${alg}` })
      try {
        const text = await key.sign(typ, claims)
        if (silent.size > 0) silent.delete(`${issuer} ${key.kid}`)
        return text
      } catch (cause) {
        silent.add(`${issuer} ${key.kid}`)
        metrics?.count('key_custody_failures_total')
        throw cause
      }
    },
    signs: issuer => [...keysOf(issuer).active.values()].every(({ kid }) => !silent.has(`${issuer} ${kid}`)),
    checks: async issuer => {
      const { all, opened } = keysOf(issuer)
      const kids = all.filter(({ withdrawnAt }) => withdrawnAt === undefined).map(({ kid }) => kid)
      const keys = kids.flatMap(kid => opened.get(kid) ?? [])
      const made = await Promise.all(keys.map(key => checks.of(issuer, key)))
      return {
        kids: [...opened.keys()],
        signed: made.flatMap(({ text }) => text ?? []),
        reportAfterSeconds: times.reportSeconds,
      }
    },
    doubt: (issuer, kid) => checks.doubt(issuer, kid),
    published: issuer => keysOf(issuer).published,
    algs: issuer => keysOf(issuer).algs,
    // Purposes are written in our code, never taken from input: the map stays small.
    secret: (issuer, purpose) => {
      const name = `${issuer} ${purpose}`
      const known = secrets.get(name)
      if (known !== undefined) return known
      const info = `holdfast secret 1 ${purpose}`
      const bytes = hkdfSync('sha256', keysOf(issuer).rootSecret, issuer, info, secretBytes)
      const made = createSecretKey(Buffer.from(bytes))
      secrets.set(name, made)
      return made
    },
    seal: (issuer, purpose, place, clear) => custody.seal(placeOf(issuer, purpose, place), clear),
    open: (issuer, purpose, place, sealed) => custody.open(placeOf(issuer, purpose, place), sealed),
  }
}

/** Apart from the places of keys, whose ids never hold a space. */
function placeOf(issuer: string, purpose: string, place: string): SealedPlace {
  return { issuer, id: `${purpose} ${place}`, use: 'secret', alg: 'none' }
}

function changesTo(
  options: Bench,
  byIssuer: ReadonlyMap<string, IssuerKeys>,
  checks: KeyChecks,
  silent: Set<string>,
  load: (issuer: RingIssuer) => Promise<void>,
  complete: (issuer: RingIssuer, wanted: readonly JwsAlg[]) => Promise<void>,
): Pick<Ring, 'keepUp' | 'list' | 'verifiers' | 'rotate' | 'revoke'> {
  const { issuers, clock, times = defaultKeyTimes } = options
  const allOf = (issuer: string): readonly RingKey[] => byIssuer.get(issuer)?.all ?? []
  const allWith = (issuer: string, alg: JwsAlg): readonly RingKey[] =>
    allOf(issuer).filter(key => key.alg === alg)
  const live = new Map<string, readonly VerifierRecord[]>()
  /** Announced keys that custody did not sign with when it was asked last. */
  const unable = new Set<string>()
  // Another node may have changed the keys since: the decision is made on what the store says now.
  const loaded = async (url: string): Promise<boolean> => {
    const issuer = issuers.find(one => one.url === url)
    if (issuer !== undefined) await load(issuer)
    return issuer !== undefined
  }
  const lookAtVerifiers = async (issuer: string): Promise<readonly VerifierRecord[]> => {
    const verifiers = await options.store.listVerifiers({ issuer }, clock.now(), verifiersMax)
    live.set(issuer, verifiers)
    return verifiers
  }
  const ownCheck = async (issuer: string, kid: string): Promise<OwnCheck> => {
    const key = byIssuer.get(issuer)?.opened.get(kid)
    const check: KeyCheck | undefined = key && (await checks.of(issuer, key))
    return check?.own ?? 'unable'
  }
  const watch = async (issuer: RingIssuer, alg: JwsAlg): Promise<void> => {
    const { url } = issuer
    const verifiers = live.get(url) ?? []
    for (const key of watchedKeys(allWith(url, alg), clock.now())) {
      const own = await ownCheck(url, key.kid)
      if (own === 'unable') unable.add(key.kid)
      else unable.delete(key.kid)
      const facts = { key, verifiers, own, times, now: clock.now() }
      if (isBroken(key, verifiers, own)) {
        const rolledBack = await rollBack(options, url, allWith(url, alg), facts)
        if (rolledBack !== undefined)
          tell(options, 'warn', 'keys.rolled-back', { issuer: url, alg, ...rolledBack })
      } else if (facts.now < key.activeAt) {
        const promotion = await pace(options, url, allWith(url, alg), facts)
        const because = promotion?.waitsFor.slice(0, 8).map(verifier => whyWaited(verifier, key.kid))
        if (promotion !== undefined && isWaiting(promotion, own))
          tell(options, 'info', 'keys.promotion-waits', { issuer: url, alg, kid: key.kid, own, because })
      }
      await load(issuer)
    }
  }
  /** Keys that lie elsewhere are asked now and then, so that a device that is gone is known before a client is. */
  const probe = async (issuer: string): Promise<void> => {
    if (options.keyCustody === softwareKeys) return
    for (const name of silent) {
      const kid = name.slice(issuer.length + 1)
      const isOfIssuer = name.startsWith(`${issuer} `)
      if (isOfIssuer && byIssuer.get(issuer)?.opened.has(kid) !== true) silent.delete(name)
    }
    for (const { kid } of byIssuer.get(issuer)?.active.values() ?? []) {
      const isGood = (await ownCheck(issuer, kid)) === 'good'
      if (isGood) silent.delete(`${issuer} ${kid}`)
      else silent.add(`${issuer} ${kid}`)
    }
  }
  const destroyIn = (issuer: string): ((kid: string) => Promise<void>) => {
    // Of before the change: afterwards the row is empty or gone.
    const records = byIssuer.get(issuer)?.records ?? []
    return kid => destroyKey(options, records, kid)
  }
  return {
    list: issuer =>
      allOf(issuer)
        .map(key => {
          const isUnable = unable.has(key.kid)
          return viewOf(key, allWith(issuer, key.alg), live.get(issuer) ?? [], isUnable, clock.now())
        })
        .toSorted((left, right) => left.activeAt - right.activeAt),
    verifiers: issuer => live.get(issuer) ?? [],
    rotate: async (wanted, requestId, commit = options.store.commit) => {
      const cause = { reason: 'command', requestId } as const
      const made: (PreparedRotation & KeyPlace)[] = []
      try {
        for (const { issuer, alg } of wanted) {
          if (!(await loaded(issuer))) continue
          const facts = { times, verifiers: await lookAtVerifiers(issuer) }
          const one = await prepareRotation(options, issuer, allWith(issuer, alg), facts, cause)
          if (one !== undefined) made.push({ ...one, issuer, alg })
        }
      } catch (thrown) {
        for (const { discard } of made) await discard()
        throw thrown
      }
      if (made.length === 0 || !(await announceRotations(made, commit))) return []
      for (const url of new Set(made.map(({ issuer }) => issuer))) await loaded(url)
      return made.map(({ rotated, issuer }) => ({ ...rotated, issuer }))
    },
    revoke: async (issuer, kid, requestId, commit = options.store.commit) => {
      await loaded(issuer)
      const key = allOf(issuer).find(one => one.kid === kid && one.revokedAt === undefined)
      if (key === undefined) return undefined
      const destroy = destroyIn(issuer)
      const revoked = await revoke(options, issuer, key, allWith(issuer, key.alg), times, requestId, commit)
      await loaded(issuer)
      if (revoked !== undefined) await destroy(kid)
      return revoked
    },
    keepUp: async () => {
      for (const issuer of issuers) {
        const wanted = wantedOf(issuer, options.keyCustody)
        await complete(issuer, wanted)
        const verifiers = await lookAtVerifiers(issuer.url)
        await probe(issuer.url)
        checks.keepOnly(issuer.url, new Set(byIssuer.get(issuer.url)?.opened.keys()))
        for (const alg of wanted) {
          await deleteRetired(options, issuer.url, allWith(issuer.url, alg), destroyIn(issuer.url))
          await endOvertaken(options, issuer.url, allWith(issuer.url, alg), times)
          await watch(issuer, alg)
          const keys = allWith(issuer.url, alg)
          if (!isDue(keys, times, clock.now())) continue
          const cause = { reason: 'schedule', requestId: `schedule-${keys.at(-1)?.kid}` } as const
          const next = await prepareRotation(options, issuer.url, keys, { times, verifiers }, cause)
          if (next !== undefined) await announceRotations([next], options.store.commit)
          await load(issuer)
        }
      }
    },
  }
}

function tell(
  { log, metrics }: Bench,
  level: 'info' | 'warn',
  event: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  log[level](event, fields)
  metrics?.count('key_events_total', { event })
}

function viewOf(
  key: RingKey,
  keys: readonly RingKey[],
  verifiers: readonly VerifierRecord[],
  isUnable: boolean,
  now: EpochSeconds,
): KeyView {
  const state = stateAt(key, keys, now)
  if (state !== 'announced') return { ...key, state, waitsFor: [] }
  const waiting = verifiers.filter(({ verified }) => !verified.includes(key.kid))
  const reasons = waiting.map(verifier => whyWaited(verifier, key.kid))
  return { ...key, state, waitsFor: [...(isUnable ? ['custody does not sign with it'] : []), ...reasons] }
}

/** A key that lies elsewhere ends there too; when that fails, somebody has to do it by hand. */
async function destroyKey(
  { custody, keyCustody, log }: Bench,
  records: readonly KeyRecord[],
  kid: string,
): Promise<void> {
  const record = records.find(({ id, sealed }) => id === kid && sealed.length > 0)
  if (record === undefined) return
  try {
    const kept = custody.open(record, record.sealed)
    if (isReference(kept)) await keyCustody.destroy(record.alg as JwsAlg, kept)
  } catch (cause) {
    log.error('keys.not-destroyed', { issuer: record.issuer, kid, cause })
  }
}

function openRecords(options: Bench, issuer: RingIssuer, records: readonly KeyRecord[]): IssuerKeys {
  const root = records.find(record => record.id === rootSecretId)
  if (root === undefined) throw new Fault('keys.unavailable', { detail: 'the root secret is missing' })
  const rootSecret = options.custody.open(root, root.sealed)
  const now: EpochSeconds = options.clock.now()
  const all = records.filter(record => record.use === 'sig').map(ringKeyOf)
  const known = openedOf(options.custody, issuer.url)
  const published = new Map<string, SigningKey>()
  for (const record of records)
    if (record.use === 'sig' && isPublishedAt(ringKeyOf(record), now))
      published.set(record.id, known.get(record.id) ?? openSigningKey(options, record))
  known.clear()
  for (const [kid, key] of published) known.set(kid, key)
  const active = new Map<JwsAlg, SigningKey>()
  for (const alg of wantedOf(issuer, options.keyCustody)) {
    const key = signingKeyAt(
      all.filter(one => one.alg === alg),
      now,
    )
    if (key !== undefined) active.set(alg, published.get(key.kid) as SigningKey)
  }
  const algs = ownSigningAlgs.filter(alg => active.has(alg))
  const document = publishedKeys([...published.values()].map(({ publicJwk }) => publicJwk))
  return { active, algs, published: document, rootSecret, all, opened: published, records }
}

function ringKeyOf(record: KeyRecord): RingKey {
  const { id, alg, createdAt, activeAt, removedAt, revokedAt, withdrawnAt } = record
  return { kid: id, alg: alg as JwsAlg, createdAt, activeAt, removedAt, revokedAt, withdrawnAt }
}

/** Opened keys of an issuer: a refresh must not import every key again, and one that is gone must not stay. */
type OpenedKeys = Map<string, SigningKey>
const openedBy = new WeakMap<Custody, Map<string, OpenedKeys>>()

function openedOf(custody: Custody, issuer: string): OpenedKeys {
  const known = openedBy.get(custody) ?? new Map<string, OpenedKeys>()
  openedBy.set(custody, known)
  const keys: OpenedKeys = known.get(issuer) ?? new Map()
  known.set(issuer, keys)
  return keys
}

function openSigningKey({ custody, keyCustody }: Bench, record: KeyRecord): SigningKey {
  const kept = custody.open(record, record.sealed)
  // Keys of before the custody was changed still sign from memory until they are rotated.
  const key = (isReference(kept) ? keyCustody : softwareKeys).open(record.alg as JwsAlg, kept)
  if (key.kid !== record.id) throw new Fault('keys.sealed', { detail: `\`${record.id}\` holds another key` })
  return key
}
