import { hkdfSync, type KeyObject } from 'node:crypto'
import type { EpochSeconds, JwsAlg } from '@holdfast/protocol'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { Fault, type Keys } from '../ports.ts'
import type { KeyRecord } from '../store/writes.ts'
import type { Custody, SealedPlace } from './custody/software.ts'
import {
  defaultKeyTimes,
  isPublishedAt,
  type KeyState,
  type KeyTimes,
  signingKeyAt,
  stateAt,
} from './life.ts'
import { ensureRootSecret, insertFirstKey, rootSecretId, type Workbench } from './make.ts'
import { type PublishedKeys, publishedKeys } from './published.ts'
import {
  deleteRetired,
  endOvertaken,
  isDue,
  type RevokedKey,
  type RingKey,
  type Rotated,
  revoke,
  rotate,
} from './rotation.ts'
import { decodePrivateKey, ownSigningAlgs, type SigningKey, signingKeyOf } from './signing-key.ts'

export interface RingOptions extends Workbench {
  readonly issuers: readonly RingIssuer[]
  readonly times?: KeyTimes
}

export interface RingIssuer {
  readonly url: string
  /** What the issuer's floor allows now; a key is made for each. */
  readonly algs: readonly JwsAlg[]
}

/** A signing key and where it stands in its life. */
export interface KeyView extends RingKey {
  readonly state: KeyState
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
  /** @returns undefined when there is no such key to follow, or a rotation is under way */
  readonly rotate: (issuer: string, alg: JwsAlg, requestId: string) => Promise<Rotated | undefined>
  /** @returns undefined when there is no such key, or it was taken back before */
  readonly revoke: (issuer: string, kid: string, requestId: string) => Promise<RevokedKey | undefined>
}

/** What one issuer signs with right now. Replaced whole. */
interface IssuerKeys {
  readonly active: ReadonlyMap<JwsAlg, SigningKey>
  readonly algs: readonly JwsAlg[]
  readonly published: PublishedKeys
  readonly rootSecret: Buffer
  readonly all: readonly RingKey[]
}

const slow: ReadonlySet<JwsAlg> = new Set(['PS256', 'RS256'])
const secretBytes = 32

/**
 * Opens, or on first start makes, the keys of every issuer. All but RSA keys exist when this resolves; those
 * follow in the background, because finding primes can take longer than a start may.
 */
export async function openRing(options: RingOptions): Promise<Ring> {
  const { issuers } = options
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
    await Promise.all(missing.map(alg => insertFirstKey(options, issuer.url, alg)))
    await load(issuer)
  }
  const quickOf = (issuer: RingIssuer): readonly JwsAlg[] => wantedAlgs(issuer).filter(alg => !slow.has(alg))

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
    ...keysOver(byIssuer, options.custody),
    ...changesTo(options, byIssuer, load, complete),
    whenComplete,
    refresh: async () => void (await Promise.all(issuers.map(load))),
  }
}

function wantedAlgs(issuer: RingIssuer): readonly JwsAlg[] {
  return ownSigningAlgs.filter(alg => issuer.algs.includes(alg))
}

function keysOver(byIssuer: ReadonlyMap<string, IssuerKeys>, custody: Custody): Keys {
  const keysOf = (issuer: string): IssuerKeys => {
    const keys = byIssuer.get(issuer)
    if (keys === undefined)
      throw new Fault('keys.unavailable', { detail: `no keys for issuer \`${issuer}\`` })
    return keys
  }
  const secrets = new Map<string, Buffer>()
  return {
    sign: async (issuer, alg, typ, claims) => {
      const key = keysOf(issuer).active.get(alg)
      if (key === undefined) throw new Fault('keys.unavailable', { detail: `no active key for ${alg}` })
      return signJws({ alg, kid: key.kid, typ }, claims, key.privateKey, alg)
    },
    published: issuer => keysOf(issuer).published,
    algs: issuer => keysOf(issuer).algs,
    // Purposes are written in our code, never taken from input: the map stays small.
    secret: (issuer, purpose) => {
      const name = `${issuer} ${purpose}`
      const known = secrets.get(name)
      if (known !== undefined) return known
      const info = `holdfast secret 1 ${purpose}`
      const made = Buffer.from(hkdfSync('sha256', keysOf(issuer).rootSecret, issuer, info, secretBytes))
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
  options: RingOptions,
  byIssuer: ReadonlyMap<string, IssuerKeys>,
  load: (issuer: RingIssuer) => Promise<void>,
  complete: (issuer: RingIssuer, wanted: readonly JwsAlg[]) => Promise<void>,
): Pick<Ring, 'keepUp' | 'list' | 'rotate' | 'revoke'> {
  const { issuers, clock, times = defaultKeyTimes } = options
  const allOf = (issuer: string): readonly RingKey[] => byIssuer.get(issuer)?.all ?? []
  const allWith = (issuer: string, alg: JwsAlg): readonly RingKey[] =>
    allOf(issuer).filter(key => key.alg === alg)
  // Another node may have changed the keys since: the decision is made on what the store says now.
  const loaded = async (url: string): Promise<boolean> => {
    const issuer = issuers.find(one => one.url === url)
    if (issuer !== undefined) await load(issuer)
    return issuer !== undefined
  }
  return {
    list: issuer =>
      allOf(issuer)
        .map(key => ({ ...key, state: stateAt(key, allWith(issuer, key.alg), clock.now()) }))
        .toSorted((left, right) => left.activeAt - right.activeAt),
    rotate: async (issuer, alg, requestId) => {
      if (!(await loaded(issuer))) return undefined
      const cause = { reason: 'command', requestId } as const
      const rotated = await rotate(options, issuer, allWith(issuer, alg), times, cause)
      await loaded(issuer)
      return rotated
    },
    revoke: async (issuer, kid, requestId) => {
      await loaded(issuer)
      const key = allOf(issuer).find(one => one.kid === kid && one.revokedAt === undefined)
      if (key === undefined) return undefined
      const revoked = await revoke(options, issuer, key, allWith(issuer, key.alg), times, requestId)
      await loaded(issuer)
      return revoked
    },
    keepUp: async () => {
      for (const issuer of issuers) {
        await complete(issuer, wantedAlgs(issuer))
        for (const alg of wantedAlgs(issuer)) {
          const keys = allWith(issuer.url, alg)
          await deleteRetired(options, issuer.url, keys)
          await endOvertaken(options, issuer.url, keys, times)
          if (!isDue(keys, times, clock.now())) continue
          const cause = { reason: 'schedule', requestId: `schedule-${keys.at(-1)?.kid}` } as const
          await rotate(options, issuer.url, keys, times, cause)
          await load(issuer)
        }
      }
    },
  }
}

function openRecords(options: RingOptions, issuer: RingIssuer, records: readonly KeyRecord[]): IssuerKeys {
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
  for (const alg of issuer.algs) {
    const key = signingKeyAt(
      all.filter(one => one.alg === alg),
      now,
    )
    if (key !== undefined) active.set(alg, published.get(key.kid) as SigningKey)
  }
  const algs = ownSigningAlgs.filter(alg => active.has(alg))
  const document = publishedKeys([...published.values()].map(({ publicJwk }) => publicJwk))
  return { active, algs, published: document, rootSecret, all }
}

function ringKeyOf({ id, alg, createdAt, activeAt, removedAt, revokedAt }: KeyRecord): RingKey {
  return { kid: id, alg: alg as JwsAlg, createdAt, activeAt, removedAt, revokedAt }
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

function openSigningKey({ custody }: RingOptions, record: KeyRecord): SigningKey {
  const privateKey: KeyObject = decodePrivateKey(custody.open(record, record.sealed))
  const key = signingKeyOf(record.alg as JwsAlg, privateKey)
  if (key.kid !== record.id) throw new Fault('keys.sealed', { detail: `\`${record.id}\` holds another key` })
  return key
}
